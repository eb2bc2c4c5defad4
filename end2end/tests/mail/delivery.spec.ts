// Mail as it really leaves: the binary, and a post office that behaves, or does not.
import { setTimeout as pause } from 'node:timers/promises';
import { Api } from '../../support/api.ts';
import { type Person, someone } from '../../support/people.ts';
import { type Mail, type PostOffice, code, linkTo, links } from '../../support/post-office.ts';
import type { Latchkey, Settings } from '../../support/server.ts';
import { expect, test } from '../../support/test.ts';

const HASTE: Settings = {
  LATCHKEY_HASH_MEMORY: '8',
  LATCHKEY_HASH_ITERATIONS: '1',
  LATCHKEY_SMTP_TIMEOUT: '1',
  LATCHKEY_MAIL_FIRST_RETRY: '1',
  LATCHKEY_MAIL_LONGEST_RETRY: '2',
};
const SIGN_IN = 'Your sign-in link for Blue Harbour';
const CONFIRM = 'Confirm your address for Latchkey';

test.describe.configure({ timeout: 60_000 });

/** People who have just signed up: each has a mail under way. */
async function crowd(latchkey: Latchkey, size: number): Promise<Person[]> {
  const people = Array.from({ length: size }, () => someone());
  await together(people, (person) => Api.registering(latchkey, person));
  return people;
}

/** Does the same for everybody, a few at a time. */
async function together<T>(all: readonly T[], deed: (one: T) => Promise<unknown>): Promise<void> {
  const waiting = [...all];
  const one = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await deed(next);
  };
  await Promise.all(Array.from({ length: 16 }, one));
}

/** Waits until each of them has a mail with this subject. */
async function allHave(office: PostOffice, people: Person[], subject: string, timeout = 20_000): Promise<void> {
  await expect.poll(() => without(office, people, subject), { timeout, intervals: [50] }).toEqual([]);
}

function without(office: PostOffice, people: Person[], subject: string): string[] {
  const served = new Set(office.mails.filter((mail) => mail.subject === subject).flatMap(({ to }) => to));
  return people.map(({ email }) => email).filter((email) => !served.has(email));
}

const confirmations = (office: PostOffice): Mail[] => office.mails.filter(({ subject }) => subject === CONFIRM);

/** Waits until the server has told of trouble at this step. */
async function tellsOfTrouble(latchkey: Latchkey, stage: string): Promise<void> {
  await expect.poll(() => latchkey.log.split('\n').filter((line) => line.includes('a mail was not taken') && line.includes(`"${stage}"`)).length, { timeout: 15_000 }).toBeGreaterThan(0);
}

/** Time in which whatever should not come would have come. */
const SILENCE = 1_500;

test('a link arrives with both parts and one code, and opens the door once', async ({ ownServer, ownOffice }) => {
  const office = await ownOffice();
  const latchkey = await ownServer({ ...HASTE, ...office.settings });
  const ada = someone();
  await Api.registering(latchkey, ada);
  const said = await Api.asksForMail(latchkey, 'magic-link', ada.email);
  const mail = await office.waitForMail(ada.email, { subject: SIGN_IN });
  expect(said).not.toContain(ada.email);

  expect(mail.from).toMatch(/^"?Blue Harbour"? <no-reply@example\.org>$/);
  expect(mail.messageId).toMatch(/^<\S+@example\.org>$/);
  expect(mail.headers.get('auto-submitted')).toBe('auto-generated');
  expect(Math.max(...mail.raw.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
  const link = linkTo('magic-link', mail);
  expect(mail.text).toContain(link);
  expect(mail.html).toContain(`href="${link}"`);
  expect(mail.text).toContain(`${code(mail).slice(0, 3)} ${code(mail).slice(3)}`);
  expect(code({ text: mail.html.replaceAll(/<[^>]*>/g, ' ') })).toBe(code(mail));
  expect(mail.subject).not.toContain(code(mail));
  expect(mail.text).toContain('within 10\nminutes');
  for (const each of links(mail)) expect(each.startsWith(latchkey.url), each).toBe(true);

  const token = new URL(link).searchParams.get('token');
  const opened = await Api.calls(latchkey, 'magic-link/verify', { token });
  expect(opened.status).toBe(200);
  expect(await opened.json()).toMatchObject({ user: { email: ada.email, emailVerified: true } });
  const again = await Api.calls(latchkey, 'magic-link/verify', { token });
  expect(again.status).toBe(400);
  expect(await again.json()).toMatchObject({ code: 'invalid_token' });
  expect((await Api.calls(latchkey, 'magic-link/verify', { email: ada.email, code: code(mail) })).status).toBe(400);
});

test('signing up sends one mail, and no notice of one’s own first sign-in', async ({ ownServer, ownOffice }) => {
  const office = await ownOffice();
  const latchkey = await ownServer({ ...HASTE, ...office.settings });
  const people = await crowd(latchkey, 5);
  await allHave(office, people, CONFIRM);
  await pause(SILENCE);
  expect(office.mails.map(({ subject }) => subject)).toEqual(Array(5).fill(CONFIRM));
});

test('for an unknown address nothing is sent, and nothing shows it', async ({ ownServer, ownOffice }) => {
  const office = await ownOffice();
  const latchkey = await ownServer({ ...HASTE, ...office.settings });
  const [ada, nobody] = [someone(), someone()];
  await Api.registering(latchkey, ada);
  await office.waitForMail(ada.email, { subject: CONFIRM });
  for (const call of ['magic-link', 'forgot-password', 'verify-email/resend'] as const) {
    expect(await Api.asksForMail(latchkey, call, nobody.email)).toBe(await Api.asksForMail(latchkey, call, ada.email));
  }
  for (const subject of [SIGN_IN, 'Choose a new password for Blue Harbour']) await office.waitForMail(ada.email, { subject });
  await pause(SILENCE);
  expect(confirmations(office)).toHaveLength(2);
  expect([...new Set(office.mails.flatMap(({ to }) => to))]).toEqual([ada.email]);
});

for (const tls of ['starttls', 'implicit'] as const) {
  test(`with ${tls === 'starttls' ? 'STARTTLS' : 'TLS from the first byte'} and a password, mail goes encrypted and signed in`, async ({ ownServer, ownOffice }) => {
    const office = await ownOffice({ tls, credentials: { user: 'harbour', password: 'p@ss:w/rd violet' } });
    const latchkey = await ownServer({ ...HASTE, ...office.settings });
    latchkey.keepsSecret('SMTP password', 'p@ss:w/rd violet');
    const [ada] = await crowd(latchkey, 1);
    await allHave(office, [ada!], CONFIRM);
    for (const mail of office.mails) expect(mail).toMatchObject({ secure: true, user: 'harbour' });
  });

  test(`a ${tls} server with a stranger's certificate gets nothing, and the mail waits`, async ({ ownServer, ownOffice }) => {
    const office = await ownOffice({ tls, credentials: { user: 'harbour', password: 'p@ss:w/rd violet' } });
    const { LATCHKEY_SMTP_CA_FILE: authority = '', ...trusting } = office.settings;
    const latchkey = await ownServer({ ...HASTE, ...trusting });
    latchkey.keepsSecret('SMTP password', 'p@ss:w/rd violet');
    const people = await crowd(latchkey, 2);
    await tellsOfTrouble(latchkey, 'tls');
    await pause(SILENCE);
    expect(office.connections + office.complaints.length, 'who came or broke off').toBeGreaterThan(0);
    expect(office.mails).toEqual([]);

    await latchkey.stops();
    await latchkey.starts({ LATCHKEY_SMTP_CA_FILE: authority });
    await allHave(office, people, CONFIRM);
    expect(confirmations(office)).toHaveLength(2);
  });
}

test('a server that takes the offer of TLS away gets nothing in the clear', async ({ ownServer, ownOffice }) => {
  const office = await ownOffice();
  const latchkey = await ownServer({ ...HASTE, ...office.settings, LATCHKEY_SMTP_URL: `${office.url}?tls=required` });
  const people = await crowd(latchkey, 1);
  await tellsOfTrouble(latchkey, 'tls');
  await pause(SILENCE);
  expect(office.mails).toEqual([]);
  await latchkey.stops();
  await latchkey.starts({ LATCHKEY_SMTP_URL: office.url });
  await allHave(office, people, CONFIRM);
  expect(confirmations(office)).toHaveLength(1);
});

test('a wrong password loses no mail, and stands in no log', async ({ ownServer, ownOffice }) => {
  const office = await ownOffice({ tls: 'starttls', credentials: { user: 'harbour', password: 'violet window' } });
  const wrong = office.settings['LATCHKEY_SMTP_URL']!.replace('violet%20window', 'crimson-window');
  const latchkey = await ownServer({ ...HASTE, ...office.settings, LATCHKEY_SMTP_URL: wrong });
  for (const password of ['violet window', 'crimson-window']) latchkey.keepsSecret('SMTP password', password);
  const people = await crowd(latchkey, 2);
  await tellsOfTrouble(latchkey, 'authentication');
  expect(office.mails).toEqual([]);
  await latchkey.stops();
  await latchkey.starts({ LATCHKEY_SMTP_URL: office.url });
  await allHave(office, people, CONFIRM);
  expect(confirmations(office)).toHaveLength(2);
});

test.describe('every mail arrives exactly once', () => {
  /** Asserts it, and gives nothing time to arrive a second time. */
  async function once(office: PostOffice, people: Person[]): Promise<void> {
    await allHave(office, people, CONFIRM, 30_000);
    await pause(SILENCE);
    expect(office.duplicates).toEqual([]);
    expect(confirmations(office)).toHaveLength(people.length);
  }

  test('when the server refuses recipients for a while', async ({ ownServer, ownOffice }) => {
    const office = await ownOffice();
    const latchkey = await ownServer({ ...HASTE, ...office.settings });
    office.refusesRecipients(451, { times: 9 });
    await once(office, await crowd(latchkey, 6));
    expect(office.refusals).toBe(9);
  });

  test('when it refuses mails for a while', async ({ ownServer, ownOffice }) => {
    const office = await ownOffice();
    const latchkey = await ownServer({ ...HASTE, ...office.settings });
    office.refusesMessages(452, { times: 9 });
    await once(office, await crowd(latchkey, 6));
    expect(office.refusals).toBe(9);
  });

  test('when it says nothing at first', async ({ ownServer, ownOffice }) => {
    const office = await ownOffice();
    const latchkey = await ownServer({ ...HASTE, ...office.settings });
    office.saysNothing({ times: 3 });
    await once(office, await crowd(latchkey, 4));
  });

  test('when it hangs at the end of a mail and has not kept it', async ({ ownServer, ownOffice }) => {
    const office = await ownOffice();
    const latchkey = await ownServer({ ...HASTE, ...office.settings });
    office.hangsAtTheDot({ times: 3 });
    await once(office, await crowd(latchkey, 4));
  });

  test('when it is down for a while, and comes back on the same port', async ({ ownServer, ownOffice }) => {
    const office = await ownOffice();
    const latchkey = await ownServer({ ...HASTE, ...office.settings });
    await office.goesDown();
    const people = await crowd(latchkey, 40);
    await tellsOfTrouble(latchkey, 'connect');
    await pause(SILENCE);
    await office.comesBack();
    await once(office, people);
  });

  test('when it goes down in the middle of many', async ({ ownServer, ownOffice }) => {
    const office = await ownOffice();
    const latchkey = await ownServer({ ...HASTE, ...office.settings });
    office.takesItsTime(20);
    const filling = crowd(latchkey, 60);
    await expect.poll(() => office.mails.length, { intervals: [10] }).toBeGreaterThan(10);
    await office.goesDown();
    const cut = office.mails.length;
    const people = await filling;
    await pause(SILENCE);
    await office.comesBack();
    await allHave(office, people, CONFIRM, 30_000);
    await pause(SILENCE);
    // What it had taken and not yet acknowledged when it went down comes once more: one mail a sender at most.
    expect(office.duplicates.length).toBeLessThanOrEqual(2);
    for (const { messageId } of office.mails.slice(0, cut - 2)) expect(office.deliveries(messageId)).toBe(1);
  });

  test('when we are stopped in the middle of many', async ({ ownServer, ownOffice }) => {
    const office = await ownOffice();
    const latchkey = await ownServer({ ...HASTE, ...office.settings });
    office.takesItsTime(30);
    const people = await crowd(latchkey, 60);
    for (let stop = 1; stop <= 3; stop += 1) {
      const before = office.mails.length;
      await expect.poll(() => office.mails.length, { intervals: [5] }).toBeGreaterThan(before + 3);
      await latchkey.stops();
      const arrived = office.mails.length;
      expect(confirmations(office).length, 'mails left when it was stopped').toBeLessThan(60);
      await pause(200);
      expect(office.mails, 'mails after it has stopped').toHaveLength(arrived);
      await latchkey.starts();
    }
    await once(office, people);
  });
});

test('a short outage costs seconds, whatever is asked for meanwhile', async ({ ownServer, ownOffice }) => {
  const office = await ownOffice();
  const latchkey = await ownServer({ ...HASTE, ...office.settings, LATCHKEY_MAIL_LONGEST_RETRY: '900' });
  await office.goesDown();
  const people = await crowd(latchkey, 60);
  await tellsOfTrouble(latchkey, 'connect');
  await office.comesBack();
  await allHave(office, people, CONFIRM, 10_000);
});

test('a server that keeps a mail and never says so gets it once more, under the same name', async ({ ownServer, ownOffice }) => {
  const office = await ownOffice();
  const latchkey = await ownServer({ ...HASTE, ...office.settings });
  const [ada] = await crowd(latchkey, 1);
  await allHave(office, [ada!], CONFIRM);
  await pause(SILENCE);
  office.hangsAtTheDot({ keepsTheMail: true, times: 1 });
  await Api.asksForMail(latchkey, 'magic-link', ada!.email);
  const first = await office.waitForMail(ada!.email, { subject: SIGN_IN });
  await office.waitForMail(ada!.email, { subject: SIGN_IN, after: first });
  await pause(SILENCE);
  expect(office.deliveries(first.messageId)).toBe(2);
  expect(office.duplicates).toEqual([first.messageId]);
});

test('an address that is refused for good is given up after three tries, and holds up nobody', async ({ ownServer, ownOffice }) => {
  const office = await ownOffice();
  const latchkey = await ownServer({ ...HASTE, ...office.settings });
  const [gone, there] = await crowd(latchkey, 2);
  await allHave(office, [gone!, there!], CONFIRM);
  await pause(SILENCE);
  office.refusesRecipients(550, { whom: gone!.email });
  await Api.asksForMail(latchkey, 'magic-link', gone!.email);
  await Api.asksForMail(latchkey, 'magic-link', there!.email);
  await office.waitForMail(there!.email, { subject: SIGN_IN, timeout: 1_000 });
  await expect.poll(() => office.refusals, { timeout: 15_000 }).toBe(3);
  await pause(4 * SILENCE);
  expect(office.refusals).toBe(3);
});

// Mails and kills

const SENDERS = 2;
/** How many may come twice: those that senders had in hand when they were killed. */
const inHand = (kills: number): number => SENDERS * kills;

function noMoreTwiceThan(most: number, mails: Mail[], office: PostOffice): number {
  const twice = mails.length - new Set(mails.map(({ messageId }) => messageId)).size;
  expect(twice, 'mails that came more than once').toBeLessThanOrEqual(most);
  // At each kill a mail is in the hands of one sender, so it comes once for each kill at most.
  for (const id of office.duplicates) expect(office.deliveries(id)).toBeLessThanOrEqual(1 + most / SENDERS);
  return twice;
}

test('500 mails are queued, and the server is killed again and again: all 500 arrive', async ({ ownServer, ownOffice }) => {
  test.setTimeout(120_000);
  const office = await ownOffice();
  const latchkey = await ownServer({ ...HASTE, ...office.settings });
  await office.goesDown();
  const people = await crowd(latchkey, 250);
  await together(people, ({ email }) => Api.asksForMail(latchkey, 'magic-link', email));
  await latchkey.isKilled();
  let kills = 1;
  office.takesItsTime(5);
  await office.comesBack();
  const arrived = () => new Set(office.mails.filter(({ subject }) => [CONFIRM, SIGN_IN].includes(subject)).map(({ messageId }) => messageId)).size;
  expect(arrived()).toBe(0);
  while (arrived() < 500 && kills < 40) {
    await latchkey.starts();
    const before = arrived();
    await expect.poll(arrived, { intervals: [5], timeout: 20_000 }).toBeGreaterThan(before);
    if (kills > 8) break;
    await pause(Math.random() * 250);
    await latchkey.isKilled();
    kills += 1;
  }
  await expect.poll(arrived, { timeout: 30_000 }).toBe(500);
  await pause(SILENCE);
  expect(arrived()).toBe(500);
  for (const subject of [CONFIRM, SIGN_IN]) expect(without(office, people, subject)).toEqual([]);
  const twice = noMoreTwiceThan(inHand(kills), office.mails, office);
  test.info().annotations.push({ type: 'figure', description: `${kills} kills, ${twice} of 500 twice (at most ${inHand(kills)})` });
});

test('what was answered before a kill has its mail, whatever the server was doing', async ({ ownServer, ownOffice }) => {
  test.setTimeout(120_000);
  const office = await ownOffice();
  const latchkey = await ownServer({ ...HASTE, ...office.settings });
  office.takesItsTime(5);
  const answered: Person[] = [];
  const kills = 4;
  for (let kill = 1; kill <= kills; kill += 1) {
    const before = answered.length;
    const asking = together(Array.from({ length: 300 }, () => someone()), async (person) => {
      const answer = await fetch(`${latchkey.url}/v1/auth/register`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(person) }).catch(() => undefined);
      if (answer?.status === 201) answered.push(person);
    });
    await expect.poll(() => answered.length, { intervals: [5] }).toBeGreaterThan(before + 20 + Math.random() * 60);
    await latchkey.isKilled();
    await asking;
    await latchkey.starts();
  }
  await allHave(office, answered, CONFIRM, 30_000);
  const twice = noMoreTwiceThan(inHand(kills), office.mails, office);
  test.info().annotations.push({ type: 'figure', description: `${kills} kills, ${answered.length} answered, ${twice} mails twice (at most ${inHand(kills)})` });
});
