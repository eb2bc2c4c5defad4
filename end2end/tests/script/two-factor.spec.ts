// What only a script does around the second factor.
import { linkTo } from '../../support/post-office.ts';
import { nth } from '../../support/guarded.ts';
import { someone } from '../../support/people.ts';
import { expect, test } from '../../support/test.ts';

test('a wrong code puts the focus into its field, without a reload, and what was ticked stays', async ({ visitor, guarded }) => {
  visitor.expectsRefusal(401, '/fn/second-step');
  await visitor.comesToSecondStep(guarded.person);
  const field = visitor.field('Code of six digits');
  await expect(field).toBeFocused();
  const loads = visitor.countsLoads();
  await visitor.entersSecondCode(guarded.phone.wrong(), { trusting: true });
  await expect(field).toHaveAttribute('aria-invalid', 'true');
  await expect(field).toBeFocused();
  await expect(visitor.page.getByRole('checkbox', { name: /^Trust this device/ })).toBeChecked();
  await visitor.page.keyboard.press('ControlOrMeta+A');
  await visitor.page.keyboard.type('1');
  await expect(field).not.toHaveAttribute('aria-invalid', 'true');
  expect(loads()).toBe(0);
});

test('a wrong first code puts the focus into its field', async ({ visitor }) => {
  await visitor.registers(someone());
  await visitor.security.open();
  const phone = await visitor.security.twoFactor.begins();
  visitor.expectsRefusal(400, '/fn/confirm-two-factor');
  await visitor.security.twoFactor.confirms(phone.wrong());
  await expect(visitor.field('Code of six digits')).toBeFocused();
  await expect(visitor.field('Code of six digits')).toHaveAttribute('aria-invalid', 'true');
});

test('setting it up reads on: the card keeps the focus from step to step', async ({ visitor }) => {
  await visitor.registers(someone());
  await visitor.security.open();
  const { twoFactor } = visitor.security;
  const focused = () => twoFactor.itself.evaluate((card) => card.contains(document.activeElement));
  await visitor.button('Set up two-factor authentication').press('Enter');
  const phone = await twoFactor.readsKey();
  await expect.poll(focused).toBe(true);
  await visitor.field('Code of six digits').fill(await phone.next());
  await visitor.field('Code of six digits').press('Enter');
  await twoFactor.readsBackupCodes();
  await expect.poll(focused).toBe(true);
  await twoFactor.saved.focus();
  await visitor.page.keyboard.press('Space');
  await visitor.button('Done').press('Enter');
  await expect(twoFactor.backupCodesLeft).toHaveText('10 left');
  await expect.poll(focused).toBe(true);
});

test('the key and all ten backup codes can be copied', async ({ visitor }) => {
  await visitor.mayUseClipboard();
  await visitor.registers(someone());
  await visitor.security.open();
  const { twoFactor } = visitor.security;
  const phone = await twoFactor.begins();
  await visitor.button('Copy').click();
  await expect.poll(() => visitor.readsClipboard()).toBe(phone.secret);
  await twoFactor.confirms(await phone.next());
  const codes = await twoFactor.readsBackupCodes();
  await visitor.button('Copy').click();
  await expect.poll(async () => (await visitor.readsClipboard()).split('\n')).toEqual(codes);
  // Copied is kept: leaving asks nothing.
  await visitor.opens('/settings/profile');
});

test('leaving backup codes behind asks, until they are said to be saved', async ({ visitor, watch }) => {
  await visitor.registers(someone());
  await visitor.security.open();
  const { twoFactor } = visitor.security;
  await twoFactor.enrols();
  watch.expectsQuestion(/^$/, 'no');
  await Promise.all([visitor.page.waitForEvent('dialog'), visitor.page.evaluate(() => location.reload())]);
  await expect(twoFactor.itself.locator('.backup-codes')).toBeVisible();
  await twoFactor.itself.getByText('I saved them').click();
  await visitor.opens('/settings/profile');
});

test('a download or a print keeps them as well', async ({ visitor }) => {
  await visitor.page.addInitScript(() => {
    window.print = () => document.documentElement.setAttribute('data-printed', '');
  });
  await visitor.registers(someone());
  await visitor.security.open();
  await visitor.security.twoFactor.enrols();
  await visitor.button('Print').click();
  await expect(visitor.page.locator('html[data-printed]')).toBeAttached();
  await visitor.opens('/settings/profile');
});

test('the codes are all there is on paper', async ({ visitor }) => {
  await visitor.registers(someone());
  await visitor.security.open();
  const { twoFactor } = visitor.security;
  await twoFactor.enrols();
  const others = ['#sessions', '#password', '.side', '.backup-codes button'].map((other) => visitor.page.locator(other).first());
  for (const other of others) await expect(other).toBeVisible();
  await visitor.page.emulateMedia({ media: 'print' });
  await expect(twoFactor.itself.locator('.backup-codes')).toBeVisible();
  for (const other of others) await expect(other).toBeHidden();
  await visitor.page.emulateMedia({ media: 'screen' });
  await twoFactor.savesBackupCodes();
});

test('the second step with Tab, Enter and Space alone', async ({ visitor, guarded }) => {
  const { keyboard } = visitor.page;
  await visitor.opens('/login');
  await keyboard.type(guarded.person.email);
  await keyboard.press('Tab');
  await keyboard.type(guarded.person.password);
  await keyboard.press('Enter');
  await visitor.isOn('/login/two-factor');
  await expect(visitor.field('Code of six digits')).toBeFocused();
  await visitor.tabsTo(visitor.link('Use a backup code instead'));
  await keyboard.press('Enter');
  await visitor.reads('Enter a backup code');
  await visitor.settles();
  await expect(visitor.field('Backup code')).toBeFocused();
  await visitor.tabsTo(visitor.link('Use your authenticator instead'));
  await keyboard.press('Enter');
  await visitor.reads('Enter your code');
  await visitor.settles();
  await expect(visitor.field('Code of six digits')).toBeFocused();
  await keyboard.type(await guarded.phone.next());
  await visitor.tabsTo(visitor.page.getByRole('checkbox', { name: /^Trust this device/ }));
  await keyboard.press('Space');
  await visitor.tabsTo(visitor.button('Sign in'));
  await keyboard.press('Enter');
  await visitor.isOn('/settings/api-keys');

  await visitor.security.open();
  await visitor.tabsTo(visitor.security.trustedDevices.getByRole('button', { name: 'Stop trusting' }));
  await keyboard.press('Enter');
  await expect(visitor.news).toHaveText('That device is asked for a code again.');
  await expect(visitor.security.trustedDevices).toHaveCount(0);
  await visitor.tabsTo(visitor.security.twoFactor.change('Turn off').locator('summary'));
  await keyboard.press('Enter');
  await visitor.tabsTo(visitor.field('Your password'));
  await keyboard.type(guarded.person.password);
  await keyboard.press('Enter');
  await expect(visitor.security.twoFactor.badge).toHaveText('Off');
});

test('a tab that waits for a mail goes on to the second step when the link was opened beside it', async ({ visitor, guarded, office }) => {
  const { person, backupCodes } = guarded;
  await visitor.asksForLink(person.email);
  const link = linkTo('magic-link', await office.waitForMail(person.email, { subject: 'Your sign-in link for Blue Harbour' }));
  const tab = await visitor.page.context().newPage();
  await tab.goto(link);
  await expect(tab.locator('html[data-hydrated]')).toBeAttached();
  await tab.getByRole('button', { name: `Sign in as ${person.email}` }).click();
  await tab.waitForURL('**/login/two-factor');
  await expect(tab.locator('html[data-hydrated]')).toBeAttached();
  await tab.getByRole('link', { name: 'Use a backup code instead' }).click();
  await tab.getByLabel('Backup code', { exact: true }).fill(nth(backupCodes, 0));
  await tab.getByRole('button', { name: 'Sign in', exact: true }).click();
  await tab.waitForURL('**/settings/api-keys');
  await tab.close();
  await visitor.page.waitForURL('**/settings/api-keys', { timeout: 15_000 });
  await visitor.settles();
});
