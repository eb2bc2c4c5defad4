// An authenticator app. Not ours: what it makes of our picture is what the world makes of it.
import { setTimeout as pause } from 'node:timers/promises';
import { Secret, TOTP, URI } from 'otpauth';

const STEP = 30_000;
/** A code of the step before counts as well, but what is typed takes a moment, and that step may be over by then. */
const TYPING = 5_000;

export class Phone {
  /** The key in base32. */
  readonly secret: string;
  readonly issuer: string;
  readonly account: string;
  readonly #totp: TOTP;
  #used = 0;

  private constructor(totp: TOTP) {
    this.#totp = totp;
    this.secret = totp.secret.base32;
    this.issuer = totp.issuer;
    this.account = totp.label;
  }

  /** One whose owner has typed the key, with or without spaces. */
  static typing(key: string): Phone {
    return new Phone(new TOTP({ secret: Secret.fromBase32(key.replaceAll(' ', '')) }));
  }

  /** One that has scanned or opened the address of an authenticator. */
  static opening(url: string): Phone {
    const found = URI.parse(url);
    if (!(found instanceof TOTP)) throw new Error(`Not a code of the time: ${url}`);
    return new Phone(found);
  }

  /** A code that counts and was not used yet. Up to three of them can be had at once; then it takes waiting. */
  async next(): Promise<string> {
    for (;;) {
      const left = STEP - (Date.now() % STEP);
      const step = Math.max(this.#used + 1, left > TYPING ? now() - 1 : now());
      if (step <= now() + 1) {
        this.#used = step;
        return this.#at(step);
      }
      await pause(left);
    }
  }

  /** A code that it does not show, neither now nor soon. */
  wrong(): string {
    const near = [-2, -1, 0, 1, 2, 3].map((steps) => this.#at(now() + steps));
    return ['111111', '222222', '333333', '444444', '555555', '666666', '777777'].find((code) => !near.includes(code)) ?? '';
  }

  #at(step: number): string {
    return this.#totp.generate({ timestamp: step * STEP });
  }
}

function now(): number {
  return Math.floor(Date.now() / STEP);
}
