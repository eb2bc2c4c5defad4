// The post office itself, asked by a client that speaks SMTP line by line: tests of mail can lean on it.
import { readFileSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { createInterface } from 'node:readline';
import { type ConnectionOptions, type TLSSocket, connect as connectSecurely } from 'node:tls';
import { expect, test as base } from '@playwright/test';
import { Certificates } from '../../support/certificates.ts';
import { type Customs, PostOffice, code, links } from '../../support/post-office.ts';

const ADA = 'ada@example.org';
const GRACE = 'grace@example.org';
const LETTER = [
  'From: Blue Harbour <no-reply@example.org>',
  `To: ${ADA}`,
  'Subject: =?utf-8?q?Your_code_=E2=80=93_Blue_Harbour?=',
  'Message-ID: <one@example.org>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/alternative; boundary=part',
  '',
  '--part',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Your code is 482 913. Or follow https://example.org/in?token=3Dabc123456789=',
  '0 within 15 minutes.',
  '--part',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p><b>482 913</b> <a href="https://example.org/in?token=abc1234567890">Sign in</a> <a href="https://example.org/a?b=1&amp;c=2">Not you?</a></p>',
  '--part--',
];

const test = base.extend<{ opens: (customs?: Customs) => Promise<PostOffice> }>({
  opens: async ({}, use) => {
    const offices: PostOffice[] = [];
    await use(async (customs) => {
      const office = await PostOffice.open(customs);
      offices.push(office);
      return office;
    });
    for (const office of offices) await office.close();
  },
});

/** A sender who says one line at a time and reads the last line of each answer. */
class Sender {
  #socket: Socket;
  #lines: AsyncIterator<string>;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  static async arrives(office: PostOffice): Promise<Sender> {
    const sender = new Sender(connect(office.port, '127.0.0.1'));
    expect(await sender.hears()).toMatch(/^220 /);
    return sender;
  }

  async hears(): Promise<string> {
    for (;;) {
      const { value = 'gone' } = await this.#lines.next();
      if (value[3] !== '-') return value;
    }
  }

  async says(line: string): Promise<string> {
    this.#socket.write(`${line}\r\n`);
    return this.hears();
  }

  /** The last answer: to the recipient when that is refused, else to the final dot. */
  async sends(to = ADA): Promise<string> {
    await this.says('EHLO client.example.org');
    const sender = await this.says('MAIL FROM:<no-reply@example.org>');
    if (!sender.startsWith('250')) return sender;
    const recipient = await this.says(`RCPT TO:<${to}>`);
    if (!recipient.startsWith('250')) return recipient;
    await this.says('DATA');
    return this.says([...LETTER, '.'].join('\r\n'));
  }

  async goesUnderCover(authority: string): Promise<TLSSocket> {
    await this.says('EHLO client.example.org');
    expect(await this.says('STARTTLS')).toMatch(/^220 /);
    this.#socket.removeAllListeners('data');
    return secured({ socket: this.#socket, host: '127.0.0.1', ca: readFileSync(authority) });
  }
}

async function secured(options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((done, failed) => {
    const socket = connectSecurely(options, () => done(socket));
    socket.once('error', failed);
  });
}

const sends = async (office: PostOffice, to?: string): Promise<string> => (await Sender.arrives(office)).sends(to);

test('a mail is kept, taken apart, and found by its recipient', async ({ opens }) => {
  const office = await opens();
  const waiting = office.waitForMail('Ada@Example.org', { subject: /code/ });
  expect(await sends(office)).toMatch(/^250 /);
  const mail = await waiting;
  expect(mail).toMatchObject({ messageId: '<one@example.org>', to: [ADA], subject: 'Your code – Blue Harbour', secure: false, user: undefined });
  expect(mail.from).toContain('no-reply@example.org');
  expect(code(mail)).toBe('482913');
  expect(links(mail)).toEqual(['https://example.org/in?token=abc1234567890', 'https://example.org/a?b=1&c=2']);
  expect(office.mailsTo(GRACE)).toEqual([]);
  expect(office.url).toBe(`smtp://127.0.0.1:${office.port}`);
});

test('a mail that does not come is named, with those that did', async ({ opens }) => {
  const office = await opens();
  await sends(office);
  await expect(office.waitForMail(GRACE, { timeout: 50 })).rejects.toThrow(`No mail to ${GRACE} about anything. There is:\n${ADA}: Your code`);
});

test('the same mail twice is a duplicate, and the second can be waited for', async ({ opens }) => {
  const office = await opens();
  await sends(office);
  const first = await office.waitForMail(ADA);
  expect(office.duplicates).toEqual([]);
  await sends(office);
  expect(await office.waitForMail(ADA, { after: first })).not.toBe(first);
  expect(office.deliveries(first.messageId)).toBe(2);
  expect(office.duplicates).toEqual([first.messageId]);
});

test('it refuses recipients and messages for a while', async ({ opens }) => {
  const office = await opens();
  office.refusesRecipients(451, { times: 2 });
  expect(await sends(office)).toMatch(/^451 /);
  expect(await sends(office)).toMatch(/^451 /);
  expect(await sends(office)).toMatch(/^250 /);
  office.refusesRecipients(550, { whom: GRACE });
  expect(await sends(office, GRACE)).toMatch(/^550 /);
  expect(await sends(office)).toMatch(/^250 /);
  office.refusesMessages(554);
  expect(await sends(office)).toMatch(/^554 /);
  office.accepts();
  expect(await sends(office, GRACE)).toMatch(/^250 /);
  expect([office.mailsTo(ADA).length, office.mailsTo(GRACE).length, office.refusals]).toEqual([2, 1, 4]);
});

const PATIENCE = 300;
const impatient = <T>(answer: Promise<T>): Promise<T | 'nothing'> => Promise.race([answer, new Promise<'nothing'>((done) => setTimeout(done, PATIENCE, 'nothing'))]);

test('it says nothing at all, or nothing after the dot', async ({ opens }) => {
  const office = await opens();
  office.saysNothing({ times: 1 });
  expect(await impatient(new Sender(connect(office.port, '127.0.0.1')).hears())).toBe('nothing');
  expect(office.connections).toBe(1);
  office.hangsAtTheDot();
  expect(await impatient(sends(office))).toBe('nothing');
  expect(office.mails).toEqual([]);
  office.hangsAtTheDot({ keepsTheMail: true, times: 1 });
  expect(await impatient(sends(office))).toBe('nothing');
  expect(await sends(office)).toMatch(/^250 /);
  expect(office.duplicates).toEqual(['<one@example.org>']);
});

test('it goes down in the middle of a talk, and comes back on the same port', async ({ opens }) => {
  const office = await opens();
  const { port } = office;
  const sender = await Sender.arrives(office);
  await office.goesDown();
  expect(await sender.hears()).toMatch(/^gone$|^421 /);
  const refused = await new Promise((done) => connect(port, '127.0.0.1').once('error', done).once('connect', () => done('open')));
  expect(refused).toMatchObject({ code: 'ECONNREFUSED' });
  await office.comesBack();
  expect(office.port).toBe(port);
  expect(await sends(office)).toMatch(/^250 /);
});

test('who must sign in brings nothing before', async ({ opens }) => {
  const office = await opens({ credentials: { user: 'harbour', password: 'p@ss:word' } });
  expect(office.url).toContain('smtp://harbour:p%40ss%3Aword@127.0.0.1:');
  const sender = await Sender.arrives(office);
  expect(await sender.sends()).toMatch(/^530 /);
  const plain = (password: string) => `AUTH PLAIN ${Buffer.from(`\0harbour\0${password}`).toString('base64')}`;
  expect(await sender.says(plain('wrong'))).toMatch(/^535 /);
  expect(await sender.says(plain('p@ss:word'))).toMatch(/^235 /);
  expect(await sender.sends()).toMatch(/^250 /);
  expect(office.mails).toMatchObject([{ user: 'harbour' }]);
});

test('STARTTLS is answered with a certificate of the authority’s, and no other', async ({ opens }) => {
  const office = await opens({ tls: 'starttls', credentials: { user: 'harbour', password: 'violet' } });
  expect(office.settings).toEqual({
    LATCHKEY_SMTP_URL: `smtp://harbour:violet@127.0.0.1:${office.port}?tls=required`,
    LATCHKEY_SMTP_CA_FILE: office.authority,
    LATCHKEY_MAIL_FROM: 'Blue Harbour <no-reply@example.org>',
  });
  const sender = new Sender(await (await Sender.arrives(office)).goesUnderCover(office.authority ?? ''));
  await sender.says('EHLO client.example.org');
  expect(await sender.says(`AUTH PLAIN ${Buffer.from('\0harbour\0violet').toString('base64')}`)).toMatch(/^235 /);
  expect(await sender.sends()).toMatch(/^250 /);
  expect(office.mails).toMatchObject([{ secure: true }]);

  const stranger = new Certificates();
  await expect((await Sender.arrives(office)).goesUnderCover(stranger.authority)).rejects.toThrow(/certificate|issuer/);
  stranger.remove();
});

test('with TLS from the first byte the same', async ({ opens }) => {
  const office = await opens({ tls: 'implicit' });
  expect(office.url).toBe(`smtps://127.0.0.1:${office.port}`);
  const sender = new Sender(await secured({ host: '127.0.0.1', port: office.port, ca: readFileSync(office.authority ?? '') }));
  expect(await sender.hears()).toMatch(/^220 /);
  expect(await sender.sends()).toMatch(/^250 /);
  expect(office.mails).toMatchObject([{ secure: true }]);
});

test('a code is read only where one is meant', () => {
  const of = (text: string) => code({ text });
  for (const text of ['482913', 'Code: 482-913.', '482\u00a0913\n\n482 913', 'From 2026-11-22 on https://example.org/123456 say 482913']) expect(of(text)).toBe('482913');
  for (const text of ['no code', '1482913', '482 913 and 482 914', 'key_482913']) expect(() => of(text)).toThrow('Expected one code');
});
