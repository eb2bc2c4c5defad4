// "It was not me": what people are told by mail, and the link that ends all sessions.
import { type Mail, linkTo, links } from '../../support/post-office.ts';
import { SESSION_COOKIE } from '../../support/visitor.ts';
import { expect, test } from '../../support/test.ts';

const NEW = 'New sign-in to Blue Harbour';

const answerTo = async (url: string, cookie: string | undefined): Promise<number> =>
  (await fetch(`${url}/v1/auth/me`, { headers: { Cookie: `${SESSION_COOKIE}=${cookie}` } })).status;

test('a new browser is told of once, and the link in the notice ends every session', async ({ visitor, anotherVisitor, office, resident, latchkey, watch }) => {
  const { person } = resident;
  await visitor.signsIn(person);
  const first = await office.waitForMail(person.email, { subject: NEW });
  await visitor.signsOut();
  await visitor.signsIn(person);
  const thief = await anotherVisitor({ userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1' });
  await thief.signsIn(person);
  const second = await office.waitForMail(person.email, { subject: NEW, after: first });
  const notices = (): Mail[] => office.mailsTo(person.email).filter(({ subject }) => subject === NEW);
  expect(notices(), 'a known browser is no news').toHaveLength(2);
  expect(first.text).toContain('Chrome');
  expect(second.text).toMatch(/Safari on iPhone/);
  expect(second.text).toContain('127.0.0.1');

  const sessions = [await visitor.sessionCookie(), await thief.sessionCookie()];
  const owner = await anotherVisitor();
  const link = linkTo('secure-account', second);
  for (const method of ['HEAD', 'GET']) expect((await fetch(link, { method })).status).toBe(200);
  for (const session of sessions) expect(await answerTo(latchkey.url, session), 'looking ends nothing').toBe(200);
  await owner.opens(link);
  await owner.reads('Was it not you?');
  await owner.button('End all sessions').click();
  await owner.reads('All sessions are ended');
  for (const session of sessions) expect(await answerTo(latchkey.url, session)).toBe(401);
  expect(await resident.api.verifies()).toBe(401);
  await thief.opens('/settings/api-keys');
  await thief.isOn('/login');

  await owner.link('Choose a new password').click();
  await owner.isOn('/forgot-password');
  await expect(owner.field('Email')).toHaveValue(person.email);
  watch.expects(410, /^\/secure-account\//);
  expect((await owner.opens(link))?.status()).toBe(410);
  await owner.reads('This link was used');
});

test('an API key that was made, and a password that was changed, are told of', async ({ visitor, office, resident }) => {
  const { person } = resident;
  await visitor.signsIn(person);
  await visitor.keys.creates('Nightly export');
  await visitor.keys.isDone();
  const made = await office.waitForMail(person.email, { subject: 'A new API key for Blue Harbour' });
  expect(made.text).toContain('Nightly export');
  expect(made.text).not.toMatch(/lk_live_\w{12}/);
  expect(links(made).some((link) => link.endsWith('/settings/api-keys'))).toBe(true);

  await visitor.security.open();
  const next = `lantern ${person.password}`;
  await visitor.security.changesPassword(person.password, next);
  await expect(visitor.news).toHaveText('Password changed. Your other devices were signed out.');
  const changed = await office.waitForMail(person.email, { subject: 'Your password was changed' });
  expect(linkTo('secure-account', changed)).toContain('/secure-account/');
});

test('an invented link ends nothing and says what to do', async ({ visitor, watch }) => {
  watch.expects(400, /^\/secure-account\//);
  expect((await visitor.opens(`/secure-account/${'a'.repeat(43)}`))?.status()).toBe(400);
  await visitor.reads('This link is not valid');
  await expect(visitor.link('Choose a new password')).toBeVisible();
});
