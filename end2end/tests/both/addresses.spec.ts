// Whose address it is: confirming it, having to, and moving to another.
import { Api } from '../../support/api.ts';
import { someone } from '../../support/people.ts';
import { code, linkTo } from '../../support/post-office.ts';
import { SESSION_COOKIE } from '../../support/visitor.ts';
import { expect, test } from '../../support/test.ts';

const CONFIRM = 'Confirm your address for Latchkey';

const answerTo = async (url: string, cookie: string | undefined): Promise<number> =>
  (await fetch(`${url}/v1/auth/me`, { headers: { Cookie: `${SESSION_COOKIE}=${cookie}` } })).status;

test('after sign-up one press on the mailed link confirms the address', async ({ visitor, office, watch }) => {
  const ada = someone();
  await visitor.registers(ada);
  await visitor.opens('/settings/profile');
  await expect(visitor.page.getByText('Not confirmed yet', { exact: true })).toBeVisible();
  const mail = await office.waitForMail(ada.email, { subject: CONFIRM });
  expect((await visitor.opens(linkTo('verify-email', mail)))?.status()).toBe(200);
  await visitor.reads('Confirm your address');
  await visitor.button(`Confirm ${ada.email}`).click();
  await visitor.isOn('/settings/profile');
  await expect(visitor.news).toHaveText('Your address is confirmed.');
  await expect(visitor.page.getByText('Confirmed', { exact: true })).toBeVisible();

  watch.expects(410, '/verify-email');
  await visitor.opens(linkTo('verify-email', mail));
  await visitor.reads('This link was used');
  await visitor.opens('/verify-email');
  await visitor.reads('Your address is confirmed');
});

test('the mail can be sent again from the profile, and its code does as well', async ({ visitor, office, watch }) => {
  const ada = someone();
  await visitor.registers(ada);
  const first = await office.waitForMail(ada.email, { subject: CONFIRM });
  await visitor.opens('/settings/profile');
  await visitor.button('Send the link again').click();
  await visitor.isOn('/verify-email');
  await visitor.reads('Check your mail');
  const second = await office.waitForMail(ada.email, { subject: CONFIRM, after: first });
  if (visitor.hasScript) watch.expects(400, '/fn/confirm-code');
  await visitor.entersCode(code(second) === '111111' ? '222222' : '111111', 'Confirm');
  await expect(visitor.errorUnder('Code from the mail')).toHaveText('This is not the code in the newest mail.');
  await visitor.entersCode(code(second), 'Confirm');
  await visitor.isOn('/settings/profile');
  await expect(visitor.news).toHaveText('Your address is confirmed.');
});

test.describe('where addresses must be confirmed', () => {
  const REQUIRED = { LATCHKEY_REQUIRE_VERIFIED_EMAIL: 'true' };

  test('sign-up leads to the mail, and its link leads in', async ({ ownServer, anotherVisitor, office }) => {
    const latchkey = await ownServer({ ...office.settings, ...REQUIRED });
    const visitor = await anotherVisitor({ at: latchkey });
    const ada = someone();
    await visitor.opens('/register?next=%2Fsettings%2Fsecurity');
    await visitor.fillsInRegistration(ada);
    await visitor.button('Create account').click();
    await visitor.isOn('/verify-email');
    await visitor.reads('Check your mail');
    expect(decodeURIComponent(visitor.page.url())).not.toContain(ada.email);
    expect(await visitor.sessionCookie()).toBeUndefined();
    await visitor.opens('/settings/api-keys');
    await visitor.isOn('/login');

    await visitor.opens(linkTo('verify-email', await office.waitForMail(ada.email, { subject: CONFIRM })));
    await visitor.button(`Confirm ${ada.email}`).click();
    await visitor.isOn('/settings/security');
    expect(await answerTo(latchkey.url, await visitor.sessionCookie())).toBe(200);
  });

  test('by code as well', async ({ ownServer, anotherVisitor, office }) => {
    const latchkey = await ownServer({ ...office.settings, ...REQUIRED });
    const visitor = await anotherVisitor({ at: latchkey });
    const ada = someone();
    await visitor.opens('/register');
    await visitor.fillsInRegistration(ada);
    await visitor.button('Create account').click();
    await visitor.isOn('/verify-email');
    await visitor.entersCode(code(await office.waitForMail(ada.email, { subject: CONFIRM })), 'Confirm');
    await visitor.isOn('/settings/api-keys');
    await expect(visitor.news).toHaveText('Your address is confirmed.');
  });

  test('signing in before says why, and can send the link again', async ({ ownServer, anotherVisitor, office, watch }) => {
    const latchkey = await ownServer({ ...office.settings, ...REQUIRED });
    const ada = someone();
    const answer = await fetch(`${latchkey.url}/v1/auth/register`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(ada) });
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ success: true, email: ada.email, requiresVerification: true });
    const first = await office.waitForMail(ada.email, { subject: CONFIRM });

    const visitor = await anotherVisitor({ at: latchkey });
    await visitor.opens('/login?next=%2Fsettings%2Fprofile');
    if (visitor.hasScript) watch.expects(401, '/fn/sign-in');
    await visitor.entersCredentials({ ...ada, password: 'not the password at all' });
    await expect(visitor.summary).toContainText('That email and password do not match.');
    await visitor.entersCredentials(ada);
    await visitor.isOn('/verify-email');
    await expect(visitor.lead).toContainText(`Before you can sign in, confirm that ${ada.email} is yours`);
    await visitor.button('Send the link again').click();
    await expect(visitor.news).toHaveText('We sent a new mail. Only its link and its code work now.');
    const second = await office.waitForMail(ada.email, { subject: CONFIRM, after: first });

    watch.expects(400, '/verify-email');
    await visitor.opens(linkTo('verify-email', first));
    await visitor.reads('This link is not valid');
    await visitor.opens(linkTo('verify-email', second));
    await visitor.button(`Confirm ${ada.email}`).click();
    await visitor.isOn('/settings/profile');
  });

  test('a link to sign in confirms the address too', async ({ ownServer, anotherVisitor, office }) => {
    const latchkey = await ownServer({ ...office.settings, ...REQUIRED });
    const ada = someone();
    await fetch(`${latchkey.url}/v1/auth/register`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(ada) });
    const visitor = await anotherVisitor({ at: latchkey });
    await visitor.asksForLink(ada.email);
    const mail = await office.waitForMail(ada.email, { subject: 'Your sign-in link for Blue Harbour' });
    await visitor.opens(linkTo('magic-link', mail));
    await visitor.button(`Sign in as ${ada.email}`).click();
    await visitor.isOn('/settings/api-keys');
    await visitor.opens('/settings/profile');
    await expect(visitor.page.getByText('Confirmed', { exact: true })).toBeVisible();
  });
});

test('an account moves to another address, and the old address moves it back', async ({ visitor, anotherVisitor, office, resident, latchkey, watch }) => {
  const { person } = resident;
  const next = someone().email;
  await visitor.signsIn(person);
  await visitor.opens('/settings/profile');
  await visitor.page.getByText('Change your email').click();
  if (visitor.hasScript) watch.expects(400, '/fn/new-address');
  const asks = async (password: string) => {
    await visitor.field('New email').fill(next);
    await visitor.field('Current password').fill(password);
    await visitor.button('Send a link to the new email').click();
  };
  await asks('not my password at all');
  await expect(visitor.errorUnder('Current password')).toHaveText('This is not your current password.');
  await expect(visitor.field('New email')).toHaveValue(next);
  await asks(person.password);
  await expect(visitor.news).toHaveText(`We sent a link to ${next}. Your address changes when you open it.`);

  const confirm = await office.waitForMail(next, { subject: 'Confirm your new address for Blue Harbour' });
  expect(confirm.text).toContain(person.email);
  await visitor.opens(linkTo('verify-email', confirm));
  await visitor.reads('Move your account');
  await visitor.button(`Move your account to ${next}`).click();
  await visitor.isOn('/settings/profile');
  await expect(visitor.news).toHaveText('Your account is at its new address. Sign in with that one from now on.');
  await expect(visitor.page.locator('#email')).toContainText(next);
  const mover = await visitor.sessionCookie();
  expect(await answerTo(latchkey.url, mover)).toBe(200);

  const owner = await anotherVisitor();
  const undo = await office.waitForMail(person.email, { subject: 'Your address for Blue Harbour was changed' });
  await owner.opens(linkTo('secure-account', undo));
  await owner.reads('Move your account back?');
  await owner.button(`Move your account back to ${person.email}`).click();
  await owner.reads('Your account is back');
  expect(await answerTo(latchkey.url, mover)).toBe(401);
  await visitor.opens('/settings/profile');
  await visitor.isOn('/login');

  await owner.link('Choose a new password').click();
  await owner.isOn('/forgot-password');
  await expect(owner.field('Email')).toHaveValue(person.email);
  await owner.button('Email me a link').click();
  await owner.waitsForMail();
  await owner.opens(linkTo('reset-password', await office.waitForMail(person.email, { subject: 'Choose a new password for Blue Harbour' })));
  const password = someone().password;
  latchkey.keepsSecret('password', password);
  await owner.field('New password').fill(password);
  await owner.button('Change password').click();
  await owner.isOn('/login');
  if (owner.hasScript) watch.expects(401, '/fn/sign-in');
  await owner.entersCredentials({ email: next, password });
  await expect(owner.summary).toBeVisible();
  await owner.entersCredentials({ email: person.email, password });
  await owner.isOn('/settings/api-keys');
});

test('the code moves the account as well, typed on the profile', async ({ visitor, office, resident, watch }) => {
  const { person } = resident;
  const next = someone().email;
  await visitor.signsIn(person);
  await visitor.opens('/settings/profile');
  await visitor.page.getByText('Change your email').click();
  await visitor.field('New email').fill(next);
  await visitor.field('Current password').fill(person.password);
  await visitor.button('Send a link to the new email').click();
  await expect(visitor.page.getByText(`Waiting for ${next}.`)).toBeVisible();
  const mail = await office.waitForMail(next, { subject: 'Confirm your new address for Blue Harbour' });
  if (visitor.hasScript) watch.expects(400, '/fn/move-code');
  await visitor.entersCode(code(mail) === '111111' ? '222222' : '111111', 'Confirm new email');
  await expect(visitor.errorUnder('Code from the mail')).toHaveText('This is not the code in the newest mail.');
  await visitor.entersCode(code(mail), 'Confirm new email');
  await expect(visitor.news).toHaveText('Your account is at its new address. Sign in with that one from now on.');
  await expect(visitor.page.locator('#email')).toContainText(next);
  await expect(visitor.page.getByText(`Waiting for ${next}.`)).toHaveCount(0);
});

test('an address that is taken is answered alike, and its owner is told', async ({ visitor, office, resident, latchkey }) => {
  const owner = someone();
  await Api.registering(latchkey, owner);
  await visitor.signsIn(resident.person);
  await visitor.opens('/settings/profile');
  await visitor.page.getByText('Change your email').click();
  await visitor.field('New email').fill(owner.email);
  await visitor.field('Current password').fill(resident.person.password);
  await visitor.button('Send a link to the new email').click();
  await expect(visitor.news).toHaveText(`We sent a link to ${owner.email}. Your address changes when you open it.`);
  const told = await office.waitForMail(owner.email, { subject: 'You already have an account at Blue Harbour' });
  expect(told.text).not.toContain(resident.person.email);
});
