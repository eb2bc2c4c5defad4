// A forgotten password.
import { Api } from '../../support/api.ts';
import { someone } from '../../support/people.ts';
import { type Mail, code, linkTo } from '../../support/post-office.ts';
import { SESSION_COOKIE, type Visitor } from '../../support/visitor.ts';
import { expect, test } from '../../support/test.ts';

const SUBJECT = 'Choose a new password for Blue Harbour';
const CHANGED = 'Your password was changed. Sign in with the new one.';

/** On the page that takes it: a weak one first, which loses nothing. */
async function choosesPassword(visitor: Visitor, password: string): Promise<void> {
  visitor.latchkey.keepsSecret('password', password);
  if (visitor.hasScript) visitor.watch.expects(422, '/fn/reset-password');
  await visitor.reads('Choose a new password');
  await visitor.field('New password').fill('password1234');
  await visitor.button('Change password').click();
  await expect(visitor.errorUnder('New password')).not.toBeEmpty();
  await visitor.field('New password').fill(password);
  await visitor.button('Change password').click();
  await visitor.isOn('/login');
  await expect(visitor.news).toHaveText(CHANGED);
}

const answerTo = async (url: string, cookie: string | undefined): Promise<number> =>
  (await fetch(`${url}/v1/auth/me`, { headers: { Cookie: `${SESSION_COOKIE}=${cookie}` } })).status;

test('by link: a new password, and every session is over', async ({ visitor, anotherVisitor, office, resident, latchkey, watch }) => {
  const { person, api } = resident;
  const password = someone().password;
  const phone = await anotherVisitor();
  await phone.signsIn(person);
  const old = await phone.sessionCookie();
  const refreshed = await Api.signingIn(latchkey, person);

  await visitor.opens('/login');
  await visitor.link('Forgot your password?').click();
  await visitor.isOn('/forgot-password');
  await visitor.field('Email').fill(person.email);
  await visitor.button('Email me a link').click();
  await visitor.waitsForMail();
  expect(decodeURIComponent(visitor.page.url())).not.toContain(person.email);
  const mail = await office.waitForMail(person.email, { subject: SUBJECT });
  expect((await visitor.opens(linkTo('reset-password', mail)))?.status()).toBe(200);
  await expect(visitor.lead).toContainText(`For ${person.email}. It signs you out everywhere.`);
  await choosesPassword(visitor, password);

  expect(await answerTo(latchkey.url, old)).toBe(401);
  for (const credential of [api, refreshed]) expect(await credential.verifies()).toBe(401);
  await phone.opens('/settings/api-keys');
  await phone.isOn('/login');
  const notice = await office.waitForMail(person.email, { subject: 'Your password was changed' });
  expect(linkTo('secure-account', notice)).toBeTruthy();

  if (visitor.hasScript) watch.expects(401, '/fn/sign-in');
  await visitor.entersCredentials(person);
  await expect(visitor.summary).toBeVisible();
  await visitor.entersCredentials({ ...person, password });
  await visitor.isOn('/settings/api-keys');
});

test('by code: typed where it was asked for; its link is dead from then on', async ({ visitor, anotherVisitor, office, resident, watch }) => {
  const { person } = resident;
  const password = someone().password;
  await visitor.asksForNewPassword(person.email);
  const mail = await office.waitForMail(person.email, { subject: SUBJECT });
  if (visitor.hasScript) watch.expects(400, '/fn/reset-code');
  await visitor.entersCode(code(mail) === '111111' ? '222222' : '111111', 'Choose a new password');
  await expect(visitor.errorUnder('Code from the mail')).toHaveText('This is not the code in the newest mail.');
  await visitor.entersCode(code(mail), 'Choose a new password');
  await visitor.isOn('/reset-password');
  await expect(visitor.page).toHaveURL((url) => url.search === '');

  watch.expects(400, '/reset-password');
  const other = await anotherVisitor();
  await other.opens(linkTo('reset-password', mail));
  await expect(other.button('Change password')).toHaveCount(0);

  await choosesPassword(visitor, password);
  await visitor.entersCredentials({ ...person, password });
  await visitor.isOn('/settings/api-keys');
});

test('a used and an expired link offer a new one that works', async ({ ownServer, anotherVisitor, office, watch }) => {
  const latchkey = await ownServer({ ...office.settings, LATCHKEY_RESET_TTL: '5' });
  const ada = someone();
  await Api.registering(latchkey, ada);
  const visitor = await anotherVisitor({ at: latchkey });
  await visitor.asksForNewPassword(ada.email);
  const first = await office.waitForMail(ada.email, { subject: SUBJECT });
  await expect.poll(async () => (await fetch(linkTo('reset-password', first))).status, { timeout: 10_000 }).toBe(410);
  watch.expects(410, '/reset-password');
  await visitor.opens(linkTo('reset-password', first));
  await visitor.reads('This link has expired');

  const renewed = async (after: Mail): Promise<Mail> => {
    await visitor.button('Send a new one').click();
    await visitor.waitsForMail();
    return office.waitForMail(ada.email, { subject: SUBJECT, after });
  };
  const second = await renewed(first);
  await visitor.opens(linkTo('reset-password', second));
  await visitor.field('New password').fill(someone().password);
  await visitor.button('Change password').click();
  await visitor.isOn('/login');
  await visitor.opens(linkTo('reset-password', second));
  await visitor.reads('This link was used');
  const third = await renewed(second);
  await visitor.opens(linkTo('reset-password', third));
  await visitor.reads('Choose a new password');
});

test('an unknown address is answered alike, and gets no mail', async ({ visitor, office }) => {
  const nobody = someone();
  await visitor.asksForNewPassword(nobody.email);
  await expect(visitor.lead).toContainText(`If ${nobody.email} has an account here, a mail is on its way.`);
  expect(office.mailsTo(nobody.email)).toEqual([]);
});

test('the address typed on the sign-in page need not be typed again', async ({ visitor }) => {
  await visitor.asksForLink('ada@example.test');
  await visitor.opens('/forgot-password');
  await expect(visitor.field('Email')).toHaveValue('ada@example.test');
});
