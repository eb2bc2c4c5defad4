// Pasting a password, as people do who keep theirs in a safe.
import { expect, test } from '../../support/test.ts';

test('P07 a password that is pasted lands in its field', async ({ visitor, resident }) => {
  const { person } = resident;
  await visitor.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await visitor.opens('/login');
  await visitor.field('Email').fill(person.email);
  await visitor.page.evaluate((text) => navigator.clipboard.writeText(text), person.password);
  await visitor.field('Password').focus();
  await visitor.page.keyboard.press('Control+V');
  await expect(visitor.field('Password')).toHaveValue(person.password);
  await visitor.button('Sign in').click();
  await visitor.isOn('/settings/api-keys');
});
