// Where one is signed in, and ending it.
import { someone } from '../../support/people.ts';
import { SESSION_COOKIE } from '../../support/visitor.ts';
import { expect, test } from '../../support/test.ts';

const answerTo = async (url: string, cookie: string | undefined): Promise<number> =>
  (await fetch(`${url}/v1/auth/me`, { headers: { Cookie: `${SESSION_COOKIE}=${cookie}` } })).status;

test('both devices are listed, and ending the other one signs it out at once', async ({ visitor, anotherVisitor, latchkey }) => {
  const ada = someone();
  await visitor.registers(ada);
  const phone = await anotherVisitor({ userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1' });
  await phone.signsIn(ada);
  const phoneCookie = await phone.sessionCookie();
  expect(await answerTo(latchkey.url, phoneCookie)).toBe(200);

  await visitor.security.open();
  await expect(visitor.security.sessions).toHaveCount(2);
  await expect(visitor.security.thisDevice).toHaveCount(1);
  await expect(visitor.security.thisDevice).toContainText('Chrom');
  await expect(visitor.security.otherDevices).toContainText(/Safari|iPhone/);
  await visitor.security.endsTheOtherSession();
  await expect(visitor.news).toHaveText('That device is signed out.');
  await expect(visitor.security.sessions).toHaveCount(1);

  expect(await answerTo(latchkey.url, phoneCookie)).toBe(401);
  await phone.opens('/settings/api-keys');
  await phone.isOn('/login');
  expect(await answerTo(latchkey.url, await visitor.sessionCookie())).toBe(200);
});

test('signing out everywhere else leaves only this device', async ({ visitor, anotherVisitor, latchkey }) => {
  const bo = someone();
  await visitor.registers(bo);
  const others = [await anotherVisitor(), await anotherVisitor()];
  for (const other of others) await other.signsIn(bo);
  await visitor.security.open();
  await expect(visitor.security.sessions).toHaveCount(3);
  await visitor.button('Sign out everywhere else').click();
  await expect(visitor.news).toHaveText('Your other devices are signed out.');
  await expect(visitor.security.sessions).toHaveCount(1);
  await expect(visitor.button('Sign out everywhere else')).toHaveCount(0);
  for (const other of others) expect(await answerTo(latchkey.url, await other.sessionCookie())).toBe(401);
});

test('S07 after signing out the way back shows nothing, and the old cookie is dead', async ({ visitor, anotherVisitor, resident, latchkey }) => {
  await resident.api.makesKey({ name: 'Nobody else’s business' });
  await visitor.signsIn(resident.person);
  await expect(visitor.keys.row('Nobody else’s business')).toBeVisible();
  const old = (await visitor.page.context().cookies()).find(({ name }) => name === SESSION_COOKIE);
  await visitor.signsOut();
  expect(await visitor.sessionCookie()).toBeUndefined();

  await visitor.page.goBack();
  await visitor.settles();
  await visitor.isOn('/login');
  expect(await visitor.page.content()).not.toContain('Nobody else’s business');
  await visitor.page.reload();
  await visitor.isOn('/login');
  expect(await visitor.page.content()).not.toContain('Nobody else’s business');

  expect(await answerTo(latchkey.url, old?.value)).toBe(401);
  const thief = await anotherVisitor();
  if (old) await thief.page.context().addCookies([old]);
  await thief.opens('/settings/api-keys');
  await thief.isOn('/login');
});

test('a new password signs out every other device and stays here', async ({ visitor, anotherVisitor, watch, latchkey }) => {
  if (visitor.hasScript) watch.expects(400, '/fn/password');
  const dara = someone();
  const next = someone().password;
  await visitor.registers(dara);
  const other = await anotherVisitor();
  await other.signsIn(dara);

  await visitor.security.open();
  await visitor.security.changesPassword('not my password at all', next);
  await expect(visitor.errorUnder('Current password')).toHaveText('This is not your current password.');
  expect(await answerTo(latchkey.url, await other.sessionCookie())).toBe(200);

  await visitor.security.changesPassword(dara.password, next);
  await expect(visitor.news).toHaveText('Password changed. Your other devices were signed out.');
  expect(await answerTo(latchkey.url, await other.sessionCookie())).toBe(401);
  await visitor.signsOut();
  await visitor.signsIn({ ...dara, password: next });
});

test('a session that ended elsewhere loses no typed text', async ({ visitor, resident, watch }) => {
  if (visitor.hasScript) {
    watch.expects(401, '/fn/create-key');
    // The form still has the proof of the ended session; it fetches a new one and tries once more.
    watch.expects(403, '/fn/create-key');
  }
  await visitor.signsIn(resident.person);
  await visitor.keys.startsToCreate();
  await visitor.field('Name').fill('Typed before the end');
  await resident.api.endsOtherSessions();
  await visitor.keys.presses('Create key');

  if (visitor.hasScript) {
    await expect(visitor.summary).toContainText('You were signed out.');
    await expect(visitor.field('Name')).toHaveValue('Typed before the end');
    const [tab] = await Promise.all([
      visitor.page.context().waitForEvent('page'),
      visitor.summary.getByRole('link', { name: 'Sign in again in a new tab' }).click(),
    ]);
    await tab.getByLabel('Email', { exact: true }).fill(resident.person.email);
    await tab.getByLabel('Password', { exact: true }).fill(resident.person.password);
    await expect(tab.locator('html[data-hydrated]')).toBeAttached();
    await tab.getByRole('button', { name: 'Sign in', exact: true }).click();
    await tab.waitForURL('**/settings/api-keys**');
    await tab.close();
    await visitor.keys.presses('Create key');
  } else {
    await visitor.isOn('/login');
    await visitor.entersCredentials(resident.person);
    await visitor.isOn('/settings/api-keys');
    await expect(visitor.field('Name')).toHaveValue('Typed before the end');
    await visitor.keys.presses('Create key');
  }
  await visitor.keys.readsNewKey();
  await visitor.keys.isDone();
  await expect(visitor.keys.row('Typed before the end')).toBeVisible();
});

test('a saved name shows everywhere', async ({ visitor, resident, watch }) => {
  if (visitor.hasScript) watch.expects(400, '/fn/profile');
  await visitor.signsIn(resident.person);
  await visitor.opens('/settings/profile');
  await visitor.field('Name').fill('');
  await visitor.button('Save profile').click();
  await expect(visitor.errorUnder('Name')).toHaveText('Enter a name.');
  await visitor.field('Name').fill('Zoë Quill');
  await visitor.button('Save profile').click();
  await expect(visitor.news).toHaveText('Saved.');
  await visitor.opens('/settings/security');
  await expect(visitor.page.locator('.who')).toContainText('Zoë Quill');
  expect(await resident.api.gets('/v1/auth/me')).toMatchObject({ name: 'Zoë Quill' });
});
