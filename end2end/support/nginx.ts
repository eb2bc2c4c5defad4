// nginx as Debian has it, with the example of deploy/nginx, before a site that tells what reaches it.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, type Server, createServer, request } from 'node:http';
import { type AddressInfo, createServer as createProbe } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Latchkey, type Settings } from './server.ts';

const NGINX = process.env.LATCHKEY_NGINX ?? '/usr/sbin/nginx';
const EXAMPLE = resolve(import.meta.dirname, '../../deploy/nginx/latchkey.conf');
const READY_WITHIN = 10_000;

/** Headers in their order, so that one name can stand there twice. */
export type Headers = [name: string, value: string][];

/** A request as it reached the site. */
export interface Reached {
  method: string;
  url: string;
  headers: Headers;
  length: number;
  digest: string;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** What reached the site of it. */
  reached: Reached | undefined;
}

export interface Asking {
  headers?: Headers;
  body?: Buffer;
  /** The address of this machine that the client has. */
  from?: string;
}

export const digest = (body: Buffer): string => createHash('sha256').update(body).digest('hex');

/** What stands behind the proxy: it answers with the status that its query names, and remembers who came. */
class Site {
  readonly reached: Reached[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((asked, answer) => {
      const parts: Buffer[] = [];
      asked.on('data', (part: Buffer) => parts.push(part));
      asked.on('end', () => {
        const [body, url] = [Buffer.concat(parts), asked.url ?? ''];
        const headers = asked.rawHeaders.flatMap((name, at, all): Headers => (at % 2 ? [] : [[name, all[at + 1] ?? '']]));
        this.reached.push({ method: asked.method ?? '', url, headers, length: body.length, digest: digest(body) });
        answer.writeHead(Number(new URL(url, 'http://site').searchParams.get('status') ?? 200)).end('the site');
      });
    });
  }

  static async open(): Promise<Site> {
    const site = new Site();
    await new Promise<void>((done) => site.#server.listen(0, '127.0.0.1', done));
    return site;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}

/** A Latchkey and a site behind one nginx: what people and programs meet. */
export class Front {
  readonly latchkey: Latchkey;
  readonly url: string;
  readonly #port: number;
  readonly #site: Site;
  readonly #folder = mkdtempSync(join(tmpdir(), 'latchkey-nginx-'));
  #nginx: ChildProcess | undefined;
  #log = '';

  private constructor(port: number, latchkey: Latchkey, site: Site) {
    this.url = `http://localhost:${port}`;
    this.#port = port;
    this.latchkey = latchkey;
    this.#site = site;
  }

  static async opens(settings: Settings = {}): Promise<Front> {
    const port = await freePort();
    const here = { LATCHKEY_PUBLIC_URL: `http://localhost:${port}`, LATCHKEY_TRUSTED_PROXIES: '127.0.0.1' };
    const front = new Front(port, await Latchkey.start({ ...here, ...settings }), await Site.open());
    await front.#starts().catch(async (error) => {
      await front.close();
      throw error;
    });
    return front;
  }

  async #starts(): Promise<void> {
    // When root starts nginx, others do its work.
    chmodSync(this.#folder, 0o755);
    writeFileSync(join(this.#folder, 'latchkey.conf'), this.#example());
    writeFileSync(join(this.#folder, 'nginx.conf'), AROUND);
    const nginx = spawn(NGINX, ['-p', this.#folder, '-c', 'nginx.conf', '-e', 'stderr'], { stdio: ['ignore', 'ignore', 'pipe'] });
    nginx.on('error', (error) => (this.#log += `${error}\n`));
    nginx.stderr.on('data', (part: Buffer) => (this.#log += part));
    this.#nginx = nginx;
    const until = Date.now() + READY_WITHIN;
    while (Date.now() < until && nginx.exitCode === null) {
      if (await this.asks('GET', '/v1/auth/oauth-status').catch(() => undefined)) return;
      await pause(50);
    }
    throw new Error(`${NGINX} is not ready. “tools/setup test” installs it.\n${this.#log}`);
  }

  /** The example itself, but for its addresses. */
  #example(): string {
    const places = { '127.0.0.1:3000': new URL(this.latchkey.url).port, '127.0.0.1:8080': this.#site.port, '127.0.0.1:8088': this.#port };
    return Object.entries(places).reduce((text, [place, port]) => {
      const around = text.split(place);
      if (around.length !== 2) throw new Error(`${EXAMPLE} names ${place} ${around.length - 1} times`);
      return around.join(`127.0.0.1:${port}`);
    }, readFileSync(EXAMPLE, 'utf8'));
  }

  /** Asks, and says what of it reached the site. One question at a time. */
  async asks(method: string, path: string, { headers = [], body, from }: Asking = {}): Promise<Answer> {
    const before = this.#site.reached.length;
    const lines = [['Host', `localhost:${this.#port}`], ...headers, ...(body && !isChunked(headers) ? [['Content-Length', `${body.length}`]] : [])].flat();
    const where = { host: '127.0.0.1', port: this.#port, method, path, headers: lines, agent: false, ...(from ? { localAddress: from } : {}) };
    const answer = await new Promise<Omit<Answer, 'reached'>>((done, failed) => {
      const asking = request(where, (coming) => {
        let text = '';
        coming.setEncoding('utf8').on('data', (part: string) => (text += part));
        coming.on('end', () => done({ status: coming.statusCode ?? 0, headers: coming.headers, body: text }));
      });
      asking.on('error', failed).end(body);
    });
    const reached = this.#site.reached.slice(before);
    if (reached.length > 1) throw new Error('One question reached the site more than once');
    return { ...answer, reached: reached[0] };
  }

  async close(): Promise<void> {
    const nginx = this.#nginx;
    if (nginx?.pid !== undefined && nginx.exitCode === null) {
      const ended = new Promise((done) => nginx.once('exit', done));
      nginx.kill('SIGTERM');
      await ended;
    }
    await this.latchkey.close();
    await this.#site.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const isChunked = (headers: Headers): boolean => headers.some(([name]) => name.toLowerCase() === 'transfer-encoding');

/** What lies around the example in an nginx of our own, which touches nothing of the system's. */
const AROUND = `
daemon off;
worker_processes 1;
pid nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  include latchkey.conf;
}
`;

function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const probe = createProbe().on('error', failed);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => found(port));
    });
  });
}
