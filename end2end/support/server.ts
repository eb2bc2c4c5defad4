// The release binary on a free port, with an empty data folder of its own.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const BINARY = resolve(process.env.LATCHKEY_BINARY ?? join(import.meta.dirname, '../../target/release/latchkey'));
const READY_WITHIN = 20_000;
const STOPPED_WITHIN = 15_000;

export type Settings = Record<string, string>;

export class Latchkey {
  readonly url: string;
  readonly #command: 'serve' | 'dev';
  readonly #listen: string;
  readonly #data = mkdtempSync(join(tmpdir(), 'latchkey-end2end-'));
  readonly #secrets = new Map<string, string>();
  readonly #leaked = new Set<string>();
  #settings: Settings;
  #process: ChildProcess | undefined;
  #log = '';
  #terminal = '';
  /** Up to where the log has been looked through for every secret known then. */
  #searched = 0;

  private constructor(port: number, settings: Settings, command: 'serve' | 'dev') {
    this.url = `http://localhost:${port}`;
    this.#listen = `127.0.0.1:${port}`;
    this.#settings = settings;
    this.#command = command;
  }

  static async start(settings: Settings = {}, command: 'serve' | 'dev' = 'serve'): Promise<Latchkey> {
    const latchkey = new Latchkey(await freePort(), settings, command);
    await latchkey.starts().catch(async (error) => {
      await latchkey.close();
      throw error;
    });
    return latchkey;
  }

  /** Starts, also once more on the same data; `settings` replace those of the same name. */
  async starts(settings: Settings = {}): Promise<void> {
    if (this.#runs()) throw new Error('It runs already');
    this.#settings = { ...this.#settings, ...settings };
    const process = spawn(BINARY, [this.#command], { cwd: this.#data, env: this.#environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    process.on('error', (error) => (this.#log += `${error}\n`));
    process.stdout?.on('data', (part: Buffer) => (this.#terminal += part));
    process.stderr?.on('data', (part: Buffer) => (this.#log += part));
    this.#process = process;
    await this.#ready();
  }

  #environment(): Settings {
    return {
      ...environment(),
      LATCHKEY_LISTEN: this.#listen,
      LATCHKEY_PUBLIC_URL: this.url,
      LATCHKEY_DATA_DIR: this.#data,
      LATCHKEY_RATE_LIMITS: 'relaxed',
      LATCHKEY_USAGE_FLUSH: '1',
      LATCHKEY_LOG: 'debug',
      ...this.#settings,
    };
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
    return this.#process?.pid !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Asks it to stop, and waits until it has. Its data stays. */
  async stops(): Promise<void> {
    await this.#ends('SIGTERM');
  }

  /** Ends it without a word of warning, as a power cut would. Its data stays. */
  async isKilled(): Promise<void> {
    await this.#ends('SIGKILL');
  }

  async #ends(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const process = this.#process;
    if (!process || !this.#runs()) return;
    const ended = new Promise<void>((done) => process.once('exit', () => done()));
    process.kill(signal);
    const hard = setTimeout(() => process.kill('SIGKILL'), STOPPED_WITHIN);
    await ended;
    clearTimeout(hard);
  }

  async close(): Promise<void> {
    await this.stops();
    rmSync(this.#data, { recursive: true, force: true });
  }

  /** Makes a landlord by the command line, beside the server. */
  async makesLandlord({ email, name, password }: { email: string; name: string; password: string }): Promise<void> {
    this.keepsSecret('password', password);
    await this.#runsBeside(['landlord', 'create', '--email', email, '--name', name, '--password-stdin'], password);
  }

  /** Takes somebody's second factor away by the command line, beside the server. */
  async resetsTwoFactor(email: string): Promise<void> {
    await this.#runsBeside(['landlord', 'reset-two-factor', '--email', email]);
  }

  async #runsBeside(words: string[], input = ''): Promise<void> {
    const { status, said } = await runs(words, { cwd: this.#data, env: this.#environment() }, input);
    if (status !== 0) throw new Error(`“latchkey ${words.slice(0, 2).join(' ')}” failed: ${said}`);
  }

  /** Makes it an hour since somebody has last shown who they are. It starts anew, since it remembers sessions. */
  async agesSessions(email: string): Promise<void> {
    const back = (column: string) => `${column} = ${column} - 3600000`;
    const whose = `user_id = (SELECT id FROM users WHERE email = '${email}')`;
    await this.stops();
    this.#writes(`UPDATE sessions SET ${back('authenticated_at')}, ${back('second_factor_at')} WHERE ${whose};`);
    await this.starts();
  }

  #writes(change: string): void {
    execFileSync('sqlite3', [join(this.#data, 'latchkey.db'), '.timeout 5000', change]);
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
    if (this.#secrets.has(value)) return;
    this.#secrets.set(value, what);
    if (shows(this.#log.slice(0, this.#searched), value)) this.#leaked.add(what);
  }

  /** The same of backup codes, which may be written with dashes or without. */
  keepsBackupCodes(codes: string[]): void {
    for (const code of codes) {
      this.keepsSecret('backup code', code);
      this.keepsSecret('backup code', code.replaceAll('-', ''));
    }
  }

  /** What of the secrets stands in the log, and what the server itself calls an error. */
  complaints(): string[] {
    const fresh = this.#log.slice(this.#log.lastIndexOf('\n', this.#searched) + 1);
    this.#searched = this.#log.length;
    for (const [value, what] of this.#secrets) if (shows(fresh, value)) this.#leaked.add(what);
    const errors = this.#log.split('\n').filter((line) => line.includes('"level":"ERROR"') || line.includes('panicked'));
    return [...[...this.#leaked].map((what) => `the server's log shows a ${what}`), ...errors.map((line) => `the server logged: ${line}`)];
  }

  get log(): string {
    return this.#log;
  }
}

interface Ending {
  status: number | null;
  said: string;
}

/** A command in an empty folder: how it ended, and what it said. */
export async function command(words: string[], settings: Settings = {}): Promise<Ending> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-end2end-'));
  const env = { ...environment(), LATCHKEY_LISTEN: `127.0.0.1:${await freePort()}`, LATCHKEY_DATA_DIR: folder, ...settings };
  const ending = await runs(words, { cwd: folder, env });
  rmSync(folder, { recursive: true, force: true });
  return ending;
}

async function runs(words: string[], where: { cwd: string; env: Settings }, input = ''): Promise<Ending> {
  const process = spawn(BINARY, words, where);
  let said = '';
  for (const stream of [process.stdout, process.stderr]) stream.on('data', (part: Buffer) => (said += part));
  process.stdin.end(input);
  const status = await new Promise<number | null>((done, failed) => process.on('error', failed).on('close', done));
  return { status, said };
}

/** What is set around us, but for settings of our own. */
function environment(): Settings {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LATCHKEY_'))) as Settings;
}

function shows(log: string, secret: string): boolean {
  return log.includes(secret) || log.includes(encodeURIComponent(secret));
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
