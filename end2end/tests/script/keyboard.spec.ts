// Everything by keyboard: no mouse in this file.
import { expect, test } from '../../support/test.ts';

test('sign in and make a key with Tab, Enter and Escape alone', async ({ visitor, resident, latchkey }) => {
  const { page, keys } = visitor;
  const { keyboard } = page;
  latchkey.keepsSecret('password', resident.person.password);
  await visitor.mayUseClipboard();
  await visitor.opens('/login');
  await expect(visitor.field('Email')).toBeFocused();
  await keyboard.type(resident.person.email);
  await keyboard.press('Tab');
  await expect(visitor.field('Password')).toBeFocused();
  await keyboard.type(resident.person.password);
  await keyboard.press('Enter');
  await visitor.isOn('/settings/api-keys');

  await keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the page' })).toBeFocused();
  await keyboard.press('Enter');
  await visitor.tabsTo(keys.createLink);
  await keyboard.press('Enter');
  await expect(visitor.field('Name')).toBeFocused();

  await keyboard.type('Nothing yet');
  await keyboard.press('Escape');
  await expect(keys.dialog).toHaveCount(0);
  await expect(keys.createLink).toBeFocused();
  await expect(page).toHaveURL('/settings/api-keys');

  await keyboard.press('Enter');
  await expect(visitor.field('Name')).toBeFocused();
  await keyboard.type('Made by hand');
  await keyboard.press('Enter');
  await keys.readsNewKey();
  await expect(keys.dialog.locator('#new-key')).toBeFocused();
  await visitor.tabsTo(keys.dialog.getByRole('button', { name: 'Copy' }).first());
  await keyboard.press('Enter');
  await keys.hasCopiedNewKey();
  await expect(keys.newKey.getByRole('button')).toBeFocused();
  await visitor.tabsTo(keys.dialog.getByRole('link', { name: 'Done' }));
  await keyboard.press('Enter');
  await expect(keys.dialog).toHaveCount(0);
  await expect(keys.createLink).toBeFocused();
  await expect(keys.row('Made by hand')).toBeVisible();
});

test('the focus stays in an open dialog', async ({ visitor, household }) => {
  await visitor.signsIn(household.person);
  await visitor.keys.chooses('Revoke', 'Billing export');
  const inside = () => visitor.page.evaluate(() => document.activeElement === document.body || document.activeElement?.closest('dialog') !== null);
  for (let step = 0; step < 12; step += 1) {
    await visitor.page.keyboard.press('Tab');
    expect(await inside(), `after ${step + 1} times Tab`).toBe(true);
  }
  await visitor.page.keyboard.press('Escape');
  await expect(visitor.keys.row('Billing export').getByRole('link', { name: 'Revoke Billing export' })).toBeFocused();
});

test('what has the focus can be seen', async ({ visitor }) => {
  await visitor.opens('/login');
  for (const target of [visitor.field('Email'), visitor.button('Sign in')]) {
    await visitor.tabsTo(target);
    const ring = await target.evaluate((element) => {
      const style = getComputedStyle(element);
      return { outline: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2, shadow: style.boxShadow !== 'none' };
    });
    expect(ring.outline || ring.shadow).toBe(true);
  }
});

test('P07 the show button of a password works by keyboard and hides again', async ({ visitor }) => {
  await visitor.opens('/login');
  await visitor.field('Password').fill('seen for a moment');
  const button = visitor.page.getByRole('button', { name: /show/i });
  await button.focus();
  await visitor.page.keyboard.press('Enter');
  await expect(visitor.field('Password')).toHaveAttribute('type', 'text');
  await visitor.page.keyboard.press('Enter');
  await expect(visitor.field('Password')).toHaveAttribute('type', 'password');
});
