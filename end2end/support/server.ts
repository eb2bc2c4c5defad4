// The release binary on a free port, with an empty data folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const BINARY = resolve(process.env.LATCHKEY_BINARY ?? join(import.meta.dirname, '../../target/release/latchkey'));
const READY_WITHIN = 20_000;
const STOPPED_WITHIN = 10_000;

export type Settings = Record<string, string>;

export class Latchkey {
  readonly url: string;
  readonly #data = mkdtempSync(join(tmpdir(), 'latchkey-end2end-'));
  readonly #process: ChildProcess;
  readonly #secrets = new Map<string, string>();
  #log = '';
  #terminal = '';

  private constructor(port: number, settings: Settings) {
    this.url = `http://localhost:${port}`;
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('LATCHKEY_'));
    this.#process = spawn(BINARY, ['serve'], {
      cwd: this.#data,
      env: {
        ...Object.fromEntries(own),
        LATCHKEY_LISTEN: `127.0.0.1:${port}`,
        LATCHKEY_PUBLIC_URL: this.url,
        LATCHKEY_DATA_DIR: this.#data,
        LATCHKEY_RATE_LIMITS: 'relaxed',
        LATCHKEY_USAGE_FLUSH: '1',
        LATCHKEY_LOG: 'debug',
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process.on('error', (error) => (this.#log += `${error}\n`));
    this.#process.stdout?.on('data', (part: Buffer) => (this.#terminal += part));
    this.#process.stderr?.on('data', (part: Buffer) => (this.#log += part));
  }

  static async start(settings: Settings = {}): Promise<Latchkey> {
    const latchkey = new Latchkey(await freePort(), settings);
    await latchkey.#ready().catch(async (error) => {
      await latchkey.stop();
      throw error;
    });
    return latchkey;
  }

  async #ready(): Promise<void> {
    const until = Date.now() + READY_WITHIN;
    while (Date.now() < until && this.#runs()) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      if (answer?.ok) return;
      await pause(50);
    }
    throw new Error(`${BINARY} is not ready.\n${this.#terminal}${this.#log}`);
  }

  #runs(): boolean {
    return this.#process.pid !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  async stop(): Promise<void> {
    const ended = new Promise<void>((done) => this.#process.once('exit', () => done()));
    if (this.#runs()) {
      this.#process.kill('SIGTERM');
      const hard = setTimeout(() => this.#process.kill('SIGKILL'), STOPPED_WITHIN);
      await ended;
      clearTimeout(hard);
    }
    rmSync(this.#data, { recursive: true, force: true });
  }

  /** The one-time link that the first start prints. */
  setupLink(): string {
    const link = /\S+\/setup\?token=\S+/.exec(this.#terminal)?.[0];
    if (!link) throw new Error(`The terminal shows no set-up link:\n${this.#terminal}`);
    this.keepsSecret('set-up token', new URL(link).searchParams.get('token') ?? '');
    return link;
  }

  /** From now on `value` may not stand in the log. */
  keepsSecret(what: string, value: string): void {
    if (value.length < 8) throw new Error(`“${value}” is too short to be looked for as a secret (${what})`);
    this.#secrets.set(value, what);
  }

  /** What of the secrets stands in the log, and what the server itself calls an error. */
  complaints(): string[] {
    const leaked = [...this.#secrets].filter(([value]) => this.#log.includes(value) || this.#log.includes(encodeURIComponent(value)));
    const errors = this.#log.split('\n').filter((line) => line.includes('"level":"ERROR"') || line.includes('panicked'));
    return [...leaked.map(([, what]) => `the server's log shows a ${what}`), ...errors.map((line) => `the server logged: ${line}`)];
  }

  get log(): string {
    return this.#log;
  }
}

function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const probe = createServer();
    probe.on('error', failed);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => found(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
