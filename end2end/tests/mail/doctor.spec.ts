// `latchkey doctor`: whether mail would leave, and where on the way it does not.
import { Certificates } from '../../support/certificates.ts';
import type { Customs, PostOffice } from '../../support/post-office.ts';
import { type Settings, command } from '../../support/server.ts';
import { expect, test } from '../../support/test.ts';

const CREDENTIALS = { user: 'harbour', password: 'violet window' };
const TO_ADA = ['--mail-to', 'ada@example.org'];

/** The line about mail, and how the doctor ended. */
async function looksAt(settings: Settings, words: string[] = []): Promise<{ status: number | null; mail: string }> {
  const { status, said } = await command(['doctor', ...words], { LATCHKEY_SMTP_TIMEOUT: '1', ...settings });
  expect(said).not.toMatch(/violet|crimson/);
  return { status, mail: said.split('\n').find((line) => /^\S+\s+mail\s/.test(line)) ?? said };
}

for (const customs of [{}, { tls: 'starttls' }, { tls: 'implicit', credentials: CREDENTIALS }] satisfies Customs[]) {
  test(`a server that is as it should be (${JSON.stringify(customs)}) is well, and takes a mail`, async ({ ownOffice }) => {
    const office = await ownOffice(customs);
    const look = await looksAt(office.settings);
    expect(look).toEqual({ status: 0, mail: expect.stringMatching(/^ok\s+mail\s+127\.0\.0\.1:\d+ would take mails from us$/) });
    expect(office.mails).toEqual([]);
    const sent = await looksAt(office.settings, TO_ADA);
    expect(sent).toEqual({ status: 0, mail: expect.stringMatching(/^ok\s+mail\s+127\.0\.0\.1:\d+ took a mail to ada@example\.org$/) });
    expect(office.mails).toMatchObject([{ to: ['ada@example.org'], subject: 'A test mail from Latchkey' }]);
  });
}

test('without a mail server that is no fault, unless a mail is to be sent or addresses are to be confirmed', async () => {
  expect(await looksAt({})).toEqual({ status: 0, mail: expect.stringContaining('not configured: set LATCHKEY_SMTP_URL') });
  expect(await looksAt({}, TO_ADA)).toEqual({ status: 1, mail: expect.stringMatching(/^FAIL\s+mail\s+not configured/) });
  expect((await looksAt({ LATCHKEY_REQUIRE_VERIFIED_EMAIL: 'true' })).status).toBe(1);
});

interface Illness {
  about: string;
  stage: string;
  customs?: Customs;
  words?: string[];
  told?: RegExp;
  falls?: (office: PostOffice) => void | Promise<void>;
  settings?: (office: PostOffice, stranger: Certificates) => Settings;
}

const illnesses: Illness[] = [
  { about: 'it is down', stage: 'connect', falls: (office) => office.goesDown() },
  { about: 'it says nothing', stage: 'connect', falls: (office) => office.saysNothing(), told: /no answer within 1s/ },
  { about: 'it offers no TLS', stage: 'tls', settings: ({ url }) => ({ LATCHKEY_SMTP_URL: `${url}?tls=required` }), told: /STARTTLS/ },
  { about: 'its certificate is a stranger’s (STARTTLS)', stage: 'tls', customs: { tls: 'starttls' }, settings: (_, { authority }) => ({ LATCHKEY_SMTP_CA_FILE: authority }), told: /certificate/i },
  { about: 'its certificate is a stranger’s (implicit)', stage: 'tls', customs: { tls: 'implicit' }, settings: (_, { authority }) => ({ LATCHKEY_SMTP_CA_FILE: authority }), told: /certificate/i },
  { about: 'it speaks without TLS where TLS is expected', stage: 'tls', settings: ({ port }) => ({ LATCHKEY_SMTP_URL: `smtps://127.0.0.1:${port}` }) },
  { about: 'it does not know the password', stage: 'authentication', customs: { tls: 'starttls', credentials: CREDENTIALS }, settings: ({ url }) => ({ LATCHKEY_SMTP_URL: url.replace('violet%20window', 'crimson') }), told: /535/ },
  { about: 'it wants a password and we have none', stage: 'sender', customs: { tls: 'starttls', credentials: CREDENTIALS }, words: TO_ADA, settings: ({ url }) => ({ LATCHKEY_SMTP_URL: url.replace(/\/\/.*@/, '//') }), told: /530/ },
  { about: 'it refuses the recipient', stage: 'recipient', words: TO_ADA, falls: (office) => office.refusesRecipients(550), told: /550 Not here/ },
  { about: 'it refuses the mail', stage: 'content', words: TO_ADA, falls: (office) => office.refusesMessages(554), told: /554 Not here/ },
  { about: 'it hangs at the end of the mail', stage: 'content', words: TO_ADA, falls: (office) => office.hangsAtTheDot(), told: /no answer within 1s/ },
];

for (const { about, stage, customs, words, told = /./, falls, settings } of illnesses) {
  test(`when ${about}, the doctor fails and names “${stage}”`, async ({ ownOffice }) => {
    const office = await ownOffice(customs);
    await falls?.(office);
    const stranger = new Certificates();
    const { status, mail } = await looksAt({ ...office.settings, ...settings?.(office, stranger) }, words);
    stranger.remove();
    expect(mail).toMatch(new RegExp(`^FAIL\\s+mail\\s+${stage}: `));
    expect(mail).toMatch(told);
    expect(status).toBe(1);
    expect(office.mails).toEqual([]);
  });
}

test('a server that is written down wrongly is refused in words, without its password', async () => {
  for (const url of ['http://harbour:violet@127.0.0.1', 'smtp://harbour:violet@mail.example.org?tls=none', 'smtp://harbour:violet@']) {
    const { status, said } = await command(['doctor'], { LATCHKEY_SMTP_URL: url });
    expect(status, said).toBe(1);
    expect(said).toContain('LATCHKEY_SMTP_URL');
    expect(said).not.toContain('violet');
  }
});
