// The API as a program sees it: from outside the browser.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from '@playwright/test';
import type { Person } from './people.ts';
import { Phone } from './phone.ts';
import type { Latchkey } from './server.ts';

export interface Key {
  id: string;
  name: string;
  key: string;
  keyPrefix: string;
  lastFour: string;
}

type Json = Record<string, unknown>;

/** The calls around mails that anybody may make. */
type Mailing =
  | 'magic-link'
  | 'magic-link/verify'
  | 'forgot-password'
  | 'verify-reset-code'
  | 'reset-password'
  | 'verify-email'
  | 'verify-email/resend'
  | 'secure-account';

export class Api {
  readonly #latchkey: Latchkey;
  readonly #credential: string;

  private constructor(latchkey: Latchkey, credential: string) {
    latchkey.keepsSecret('credential', credential);
    this.#latchkey = latchkey;
    this.#credential = credential;
  }

  /** As somebody who has just made an account. */
  static async registering(latchkey: Latchkey, person: Person): Promise<Api> {
    return Api.#entering(latchkey, '/v1/auth/register', 201, { ...person });
  }

  /** As somebody who signs in elsewhere. */
  static async signingIn(latchkey: Latchkey, { email, password }: Person, device = 'latchkey-end2end'): Promise<Api> {
    return Api.#entering(latchkey, '/v1/auth/login', 200, { email, password }, device);
  }

  static async #entering(latchkey: Latchkey, path: string, status: number, body: Json, device = 'latchkey-end2end'): Promise<Api> {
    latchkey.keepsSecret('password', String(body['password']));
    const answer = await fetch(`${latchkey.url}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'User-Agent': device },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    expect(answer.status, text).toBe(status);
    return new Api(latchkey, (JSON.parse(text) as { accessToken: string }).accessToken);
  }

  /** Types a command of the reference into a shell, with this credential where it says so. */
  async types(command: string): Promise<Json> {
    const { stdout } = await promisify(execFile)('bash', ['-c', command], { env: { ...process.env, TOKEN: this.#credential } });
    return JSON.parse(stdout) as Json;
  }

  /** A call that needs nobody: asks for a mail, or brings what was mailed. */
  static async calls(latchkey: Latchkey, call: Mailing, body: Json): Promise<Response> {
    return fetch(`${latchkey.url}/v1/auth/${call}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  }

  /** Asks for a mail to an address, and gives the answer's words. */
  static async asksForMail(latchkey: Latchkey, call: Mailing, email: string): Promise<string> {
    const answer = await Api.calls(latchkey, call, { email });
    expect(answer.status, call).toBe(200);
    return answer.text();
  }

  /** As a program that holds this key. */
  static holding(latchkey: Latchkey, key: string): Api {
    return new Api(latchkey, key);
  }

  async asks(method: string, path: string, body?: Json, device?: string): Promise<Response> {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.#credential}` };
    if (device) headers['User-Agent'] = device;
    if (body) headers['Content-Type'] = 'application/json';
    const init: RequestInit = { method, headers };
    if (body) init.body = JSON.stringify(body);
    return fetch(`${this.#latchkey.url}${path}`, init);
  }

  async gets<T>(path: string): Promise<T> {
    return this.#does('GET', path);
  }

  /** Whether the credential opens the door, as other services ask it; a program may say what it is called. */
  async verifies(device?: string): Promise<number> {
    return (await this.asks('GET', '/v1/auth/verify', undefined, device)).status;
  }

  async makesKey(about: Json): Promise<Key> {
    const key = await this.#does<Key>('POST', '/v1/api-keys', about, 201);
    this.#latchkey.keepsSecret('API key', key.key);
    return key;
  }

  async changesKey(id: string, verb: 'regenerate' | 'revoke', body: Json): Promise<Key> {
    return this.#does('POST', `/v1/api-keys/${id}/${verb}`, body);
  }

  /** Waits until the list says that a key stands so. */
  async waitsFor(id: string, status: string): Promise<void> {
    const standing = async () => (await this.gets<{ status: string }>(`/v1/api-keys/${id}`)).status;
    await expect.poll(standing, { intervals: [100] }).toBe(status);
  }

  /** Waits until so many calls with a key have been written down. */
  async waitsForCalls(id: string, calls: number): Promise<void> {
    const counted = async () => (await this.gets<{ usageCount: number }>(`/v1/api-keys/${id}`)).usageCount;
    await expect.poll(counted, { intervals: [100] }).toBe(calls);
  }

  /** Waits until something is unusual about the use of a key. */
  async waitsForUnusualUse(id: string): Promise<void> {
    const unusual = async () => (await this.gets<{ unusualUse: unknown }>(`/v1/api-keys/${id}`)).unusualUse;
    await expect.poll(unusual, { intervals: [100] }).not.toBeNull();
  }

  /** Sets an authenticator up. Every other session of the person ends. */
  async setsUpTwoFactor(): Promise<{ phone: Phone; backupCodes: string[] }> {
    const begun = await this.#does<{ secret: string; backupCodes: string[] }>('POST', '/v1/auth/2fa/setup');
    this.#latchkey.keepsSecret('key of an authenticator', begun.secret);
    this.#latchkey.keepsBackupCodes(begun.backupCodes);
    const phone = Phone.typing(begun.secret);
    await this.#does('POST', '/v1/auth/2fa/verify-setup', { code: await phone.next() });
    return { phone, backupCodes: begun.backupCodes };
  }

  /** The password and then a code, as a program signs in; says how that was answered. */
  static async triesCode(latchkey: Latchkey, { email, password }: Person, code: string): Promise<number> {
    const post = (call: string, body: Json, token = '') =>
      fetch(`${latchkey.url}/v1/auth/${call}`, { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-2FA-Token': token }, body: JSON.stringify(body) });
    const { twoFactorToken } = (await (await post('login', { email, password })).json()) as { twoFactorToken: string };
    latchkey.keepsSecret('token of the second step', twoFactorToken);
    return (await post('2fa/verify', { code }, twoFactorToken)).status;
  }

  /** Changes what the person's organization demands. */
  async setsPolicy(changes: Json): Promise<void> {
    const { organizationId } = await this.gets<{ organizationId: string }>('/v1/auth/me');
    await this.#does('PATCH', `/v1/organizations/${organizationId}/policy`, changes);
  }

  /** Invites somebody to the person's organization; gives the path of the invitation. */
  async invites(email: string, role = 'MEMBER'): Promise<string> {
    const { organizationId } = await this.gets<{ organizationId: string }>('/v1/auth/me');
    const path = `/v1/organizations/${organizationId}/invitations`;
    const { id } = await this.#does<{ id: string }>('POST', path, { email, role }, 201);
    return `${path}/${id}`;
  }

  async withdraws(invitation: string): Promise<void> {
    await this.#does('DELETE', invitation);
  }

  async sendsAgain(invitation: string): Promise<void> {
    await this.#does('POST', `${invitation}/resend`);
  }

  /** Somebody new joins the person's organization by an invitation that is handed over. */
  async adds(person: Person, role = 'MEMBER'): Promise<Api> {
    const { link } = await this.#does<{ link: string }>('POST', `${await this.invites(person.email, role)}/link`);
    this.#latchkey.keepsSecret('link of an invitation', link.split('/').pop() ?? '');
    const { name, password } = person;
    return Api.#entering(this.#latchkey, `/v1/invitations/${link.split('/').pop()}/accept`, 201, { name, password });
  }

  async trustsDevice(name: string): Promise<void> {
    const about = { deviceName: name, deviceType: 'mobile', deviceFingerprint: name };
    const device = await this.#does<{ deviceToken: string }>('POST', '/v1/auth/2fa/trusted-devices', about, 201);
    this.#latchkey.keepsSecret('token of a device', device.deviceToken);
  }

  async #does<T>(method: string, path: string, body?: Json, status = 200): Promise<T> {
    const answer = await this.asks(method, path, body);
    const text = await answer.text();
    expect(answer.status, `${method} ${path}: ${text}`).toBe(status);
    return JSON.parse(text) as T;
  }

  async endsOtherSessions(): Promise<void> {
    const sessions = await this.gets<{ id: string; isCurrent: boolean }[]>('/v1/auth/sessions');
    const others = sessions.filter((session) => !session.isCurrent);
    expect(others.length, 'sessions to end').toBeGreaterThan(0);
    for (const { id } of others) expect((await this.asks('DELETE', `/v1/auth/sessions/${id}`)).status).toBe(200);
  }
}

/** So many seconds from now, as the API writes it. */
export function secondsFromNow(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toISOString();
}
