import { expect, test } from '../../support/test.ts';

test('a chosen theme stays, and its press leads back to the same page', async ({ visitor, resident }) => {
  await visitor.signsIn(resident.person);
  await visitor.opens('/settings/security');
  await visitor.button('Dark').click();
  await expect(visitor.page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await visitor.isOn('/settings/security');
  await visitor.opens('/settings/profile');
  await expect(visitor.page.locator('html')).toHaveAttribute('data-theme', 'dark');
});
