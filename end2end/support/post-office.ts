// A real SMTP server on loopback: it keeps the mails it is given, and misbehaves when told to.
// It knows nothing of Playwright, so that scripts can use it too.
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server';
import { Certificates } from './certificates.ts';

const HOST = '127.0.0.1';
const SENDER = 'Blue Harbour <no-reply@example.org>';
/** Longer than any test: whoever hangs, hangs until the client gives up. */
const FOREVER = 600_000;

export interface Mail {
  messageId: string;
  /** As the envelope says, which is where it really goes. */
  to: string[];
  /** As the letter itself says. */
  from: string;
  subject: string;
  /** Empty when the mail has no such part; neither is made from the other. */
  text: string;
  html: string;
  headers: Map<string, unknown>;
  raw: string;
  /** Whether it came over TLS, and as whom. */
  secure: boolean;
  user: string | undefined;
}

export interface Customs {
  tls?: 'starttls' | 'implicit';
  /** Whoever brings mail must sign in so. */
  credentials?: { user: string; password: string };
}

export interface Extent {
  /** So often, then it accepts again; without it, until it is told otherwise. */
  times?: number;
  /** Only mail for this address. */
  whom?: string;
}

interface Trouble extends Extent {
  at: 'greeting' | 'recipient' | 'message';
  /** What it answers; without it, nothing at all. */
  code?: number;
  keepsTheMail?: boolean;
}

type Answer = (error?: Error | null) => void;

export class PostOffice {
  /** Every mail that was taken, duplicates too. */
  readonly mails: Mail[] = [];
  /** What went wrong on the wire, such as a certificate that the client does not trust. */
  readonly complaints: string[] = [];
  readonly #customs: Customs;
  readonly #certificates: Certificates | undefined;
  readonly #sockets = new Set<Socket>();
  #server: SMTPServer | undefined;
  #port = 0;
  #trouble: Trouble | undefined;
  #pace = 0;
  #connections = 0;
  #refusals = 0;

  private constructor(customs: Customs) {
    this.#customs = customs;
    this.#certificates = customs.tls ? new Certificates() : undefined;
  }

  static async open(customs: Customs = {}): Promise<PostOffice> {
    const office = new PostOffice(customs);
    await office.comesBack();
    return office;
  }

  async close(): Promise<void> {
    await this.goesDown();
    this.#certificates?.remove();
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    const { tls, credentials } = this.#customs;
    const who = credentials ? `${encodeURIComponent(credentials.user)}:${encodeURIComponent(credentials.password)}@` : '';
    return `${tls === 'implicit' ? 'smtps' : 'smtp'}://${who}${HOST}:${this.#port}${tls === 'starttls' ? '?tls=required' : ''}`;
  }

  /** The file that a client must trust, when there is TLS. */
  get authority(): string | undefined {
    return this.#certificates?.authority;
  }

  /** How a Latchkey is told to send its mail here. */
  get settings(): Record<string, string> {
    const trust: Record<string, string> = this.authority ? { LATCHKEY_SMTP_CA_FILE: this.authority } : {};
    return { LATCHKEY_SMTP_URL: this.url, LATCHKEY_MAIL_FROM: SENDER, ...trust };
  }

  /** How often somebody has come to the door, served or not. */
  get connections(): number {
    return this.#connections;
  }

  /** How often it has refused a recipient or a message. */
  get refusals(): number {
    return this.#refusals;
  }

  // How it behaves

  accepts(): void {
    this.#trouble = undefined;
  }

  /** Answers RCPT with 451, 550 or the like. */
  refusesRecipients(code: number, extent: Extent = {}): void {
    this.#trouble = { at: 'recipient', code, ...extent };
  }

  /** Reads the whole mail and then answers 554 or the like. */
  refusesMessages(code: number, extent: Extent = {}): void {
    this.#trouble = { at: 'message', code, ...extent };
  }

  /** Takes connections and never greets. */
  saysNothing(extent: Pick<Extent, 'times'> = {}): void {
    this.#trouble = { at: 'greeting', ...extent };
  }

  /** Reads the whole mail and never answers. It may have kept the mail all the same: then another try is a duplicate. */
  hangsAtTheDot(extent: Extent & { keepsTheMail?: boolean } = {}): void {
    this.#trouble = { at: 'message', ...extent };
  }

  /** Keeps every mail for so many milliseconds before it says that it has it. */
  takesItsTime(pace: number): void {
    this.#pace = pace;
  }

  /** Ends every connection, and refuses new ones. */
  async goesDown(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise<void>((done) => server.close(done));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Opens again, on the same port. */
  async comesBack(): Promise<void> {
    if (this.#server) throw new Error('The post office is open');
    const server = new SMTPServer(this.#rules());
    server.server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(this.#port, HOST, () => {
        server.off('error', failed);
        done();
      });
    });
    // A client that hangs up is no fault of the office's.
    server.on('error', (error: Error) => this.complaints.push(error.message));
    const address = server.server.address();
    this.#port = typeof address === 'object' && address ? address.port : 0;
    this.#server = server;
  }

  // What has arrived

  mailsTo(address: string): Mail[] {
    return this.mails.filter((mail) => mail.to.includes(address.toLowerCase()));
  }

  /** The first mail to `address` with these words as its subject; `after` another one, when a second is meant. */
  async waitForMail(address: string, about: { subject?: string | RegExp; after?: Mail; timeout?: number } = {}): Promise<Mail> {
    const until = Date.now() + (about.timeout ?? 10_000);
    for (;;) {
      const since = about.after ? this.mails.indexOf(about.after) + 1 : 0;
      const found = this.mails.slice(since).find((mail) => mail.to.includes(address.toLowerCase()) && isAbout(mail, about.subject));
      if (found) return found;
      if (Date.now() >= until) throw new Error(`No mail to ${address} about ${about.subject ?? 'anything'}. There is:\n${this.#list()}`);
      await pause(25);
    }
  }

  /** How often the mail with this Message-ID was taken. */
  deliveries(messageId: string): number {
    return this.mails.filter((mail) => mail.messageId === messageId).length;
  }

  /** The Message-IDs that were taken more than once. */
  get duplicates(): string[] {
    return [...new Set(this.mails.map(({ messageId }) => messageId))].filter((id) => this.deliveries(id) > 1);
  }

  #list(): string {
    return this.mails.map(({ to, subject }) => `${to.join(', ')}: ${subject}`).join('\n') || 'no mail at all';
  }

  // How it works

  #rules(): SMTPServerOptions {
    const { tls, credentials } = this.#customs;
    const certificate = this.#certificates ? { key: this.#certificates.key, cert: this.#certificates.cert } : {};
    return {
      ...certificate,
      name: 'post.example.org',
      secure: tls === 'implicit',
      allowInsecureAuth: !tls,
      disabledCommands: [...(tls === 'starttls' ? [] : ['STARTTLS']), ...(credentials ? [] : ['AUTH'])],
      disableReverseLookup: true,
      socketTimeout: FOREVER,
      closeTimeout: 100,
      onAuth: ({ username, password }, _session, answer) => {
        const right = username === credentials?.user && password === credentials?.password;
        answer(right ? null : refusal(535), right ? { user: username } : undefined);
      },
      onConnect: (_session, answer) => {
        this.#connections += 1;
        this.#responds(answer, this.#meets('greeting', []));
      },
      onRcptTo: ({ address }, _session, answer) => this.#responds(answer, this.#meets('recipient', [address])),
      onData: (stream, session, answer) => {
        // Whoever hangs up in the middle of a mail has sent none.
        whole(stream).then((raw) => this.#receives(raw, session, answer)).catch((error: Error) => this.complaints.push(error.message));
      },
    };
  }

  async #receives(raw: Buffer, session: SMTPServerSession, answer: Answer): Promise<void> {
    const mail = await read(raw, session);
    const trouble = this.#meets('message', mail.to);
    if (!trouble || trouble.keepsTheMail) this.mails.push(mail);
    if (this.#pace) await pause(this.#pace);
    this.#responds(answer, trouble);
  }

  #responds(answer: Answer, trouble: Trouble | undefined): void {
    if (!trouble) answer();
    else if (trouble.code) {
      this.#refusals += 1;
      answer(refusal(trouble.code));
    }
  }

  /** The trouble that waits at this step, which is then one less. */
  #meets(step: Trouble['at'], whom: string[]): Trouble | undefined {
    const trouble = this.#trouble;
    if (trouble?.at !== step || trouble.times === 0) return undefined;
    if (trouble.whom && !whom.some((address) => address.toLowerCase() === trouble.whom?.toLowerCase())) return undefined;
    if (trouble.times) trouble.times -= 1;
    return trouble;
  }
}

/** Every address in the mail that leads to the web, each once. */
export function links({ text, html }: Pick<Mail, 'text' | 'html'>): string[] {
  const inText = text.match(/https?:\/\/[^\s<>"]+/g) ?? [];
  const inHtml = [...html.matchAll(/href="(https?:[^"]+)"/g)].map(([, link]) => (link ?? '').replaceAll('&amp;', '&'));
  return [...new Set([...inText, ...inHtml])];
}

/** The link in the mail that leads to a page. */
export function linkTo(page: string, mail: Pick<Mail, 'text' | 'html'>): string {
  const found = links(mail).filter((link) => new URL(link).pathname.split('/')[1] === page);
  const [only] = found;
  if (!only || found.length > 1) throw new Error(`Expected one link to /${page}, found ${found.length} in:\n${mail.text}`);
  return only;
}

/** The tokens in the links of the mail: whoever has one may do something. */
export function tokens(mail: Pick<Mail, 'text' | 'html'>): string[] {
  const urls = links(mail).map((link) => new URL(link));
  return urls.flatMap(({ searchParams, pathname }) => searchParams.get('token') ?? /^\/(?:secure-account|invite)\/(.+)/.exec(pathname)?.[1] ?? []);
}

/** The one code of six digits in the mail, however it is grouped. */
export function code({ text }: Pick<Mail, 'text'>): string {
  const words = text.replace(/https?:\/\/\S+/g, ' ');
  const found = new Set([...words.matchAll(/(?<![\w.-])(\d{3})[ \u00a0\u2009\u202f-]?(\d{3})(?![\w-])/g)].map(([, left, right]) => `${left}${right}`));
  const [only] = found;
  if (!only || found.size > 1) throw new Error(`Expected one code, found ${found.size} in:\n${text}`);
  return only;
}

function isAbout({ subject }: Mail, words: string | RegExp | undefined): boolean {
  return words === undefined || (typeof words === 'string' ? subject === words : words.test(subject));
}

function refusal(code: number): Error {
  return Object.assign(new Error(code < 500 ? 'Not now' : 'Not here'), { responseCode: code });
}

async function whole(stream: AsyncIterable<Buffer | string>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

async function read(raw: Buffer, { envelope, secure, user }: SMTPServerSession): Promise<Mail> {
  const parsed = await simpleParser(raw, { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true });
  return {
    messageId: parsed.messageId ?? '',
    to: envelope.rcptTo.map(({ address }) => address.toLowerCase()),
    from: parsed.from?.text ?? '',
    subject: parsed.subject ?? '',
    text: parsed.text ?? '',
    html: parsed.html || '',
    headers: parsed.headers,
    raw: raw.toString('utf8'),
    secure,
    user: typeof user === 'string' ? user : undefined,
  };
}
