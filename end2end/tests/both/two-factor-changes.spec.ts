// What becomes of a second factor: lost, moved, renewed, given up.
import { Api } from '../../support/api.ts';
import { nth } from '../../support/guarded.ts';
import { someone } from '../../support/people.ts';
import { expect, test } from '../../support/test.ts';

test('a lost phone: a backup code leads in, once, and another phone takes its place', async ({ visitor, anotherVisitor, guarded, office, latchkey }) => {
  const { person, phone: lost, backupCodes } = guarded;
  await visitor.signsInWithBackupCode(person, nth(backupCodes, 0).replaceAll('-', '').toLowerCase());
  await office.waitForMail(person.email, { subject: 'A backup code was used at Blue Harbour' });
  await visitor.security.open();
  const { twoFactor } = visitor.security;
  await expect(twoFactor.backupCodesLeft).toHaveText('9 left');

  const other = await anotherVisitor();
  other.expectsRefusal(401, '/fn/second-step');
  await other.comesToSecondStep(person);
  await other.entersBackupCode(nth(backupCodes, 0));
  await expect(other.errorUnder('Backup code')).toContainText('Not right, or used already.');
  await expect(other.summary).toContainText('That code is not right, or was used already. Try the next one.');
  await other.reads('Enter a backup code');

  await twoFactor.opens('Move to another phone or app');
  const found = await twoFactor.begins('Set up another authenticator');
  expect(found.secret).not.toBe(lost.secret);
  await expect(twoFactor.badge).toHaveText('On');
  await visitor.button('Keep the present one').click();
  await expect(twoFactor.backupCodesLeft).toHaveText('9 left');
  await twoFactor.opens('Move to another phone or app');
  const next = await twoFactor.begins('Set up another authenticator');
  await twoFactor.confirms(await next.next());
  const fresh = await twoFactor.readsBackupCodes();
  expect(fresh).not.toContain(nth(backupCodes, 1));
  await twoFactor.savesBackupCodes();
  await expect(twoFactor.backupCodesLeft).toHaveText('10 left');

  for (const dead of [await lost.next(), nth(backupCodes, 1)]) expect(await Api.triesCode(latchkey, person, dead)).toBe(401);
  await other.opens('/login');
  await other.signsInWithCode(person, await next.next());
});

test('new backup codes end the old ones', async ({ visitor, guarded, latchkey }) => {
  const { person, phone, backupCodes } = guarded;
  await visitor.signsInWithCode(person, await phone.next());
  await visitor.security.open();
  const { twoFactor } = visitor.security;
  await twoFactor.opens('Make new backup codes');
  await visitor.button('Make new codes').click();
  const fresh = await twoFactor.readsBackupCodes();
  await expect(twoFactor.itself).toContainText('These are your new backup codes. The old ones stopped working just now.');
  await twoFactor.savesBackupCodes();
  await expect(twoFactor.backupCodesLeft).toHaveText('10 left');
  expect(await Api.triesCode(latchkey, person, nth(backupCodes, 0))).toBe(401);
  expect(await Api.triesCode(latchkey, person, nth(fresh, 0))).toBe(200);
});

test('few backup codes are worth a word', async ({ visitor, guarded, latchkey }) => {
  const { person, phone, backupCodes } = guarded;
  for (const code of backupCodes.slice(0, 8)) expect(await Api.triesCode(latchkey, person, code)).toBe(200);
  await visitor.signsInWithCode(person, await phone.next());
  await visitor.security.open();
  await expect(visitor.security.twoFactor.itself).toContainText('You have few backup codes left.');
  await expect(visitor.security.twoFactor.backupCodesLeft).toHaveText('2 left');
  for (const code of backupCodes.slice(8)) expect(await Api.triesCode(latchkey, person, code)).toBe(200);
  await visitor.security.open();
  await expect(visitor.security.twoFactor.itself).toContainText('You have no backup codes left.');
  await visitor.signsOut();
  await visitor.entersCredentials(person);
  await visitor.isOn('/login/two-factor');
  await expect(visitor.link('Use a backup code instead')).toHaveCount(0);
  await expect(visitor.page.getByText('Lost your authenticator? Whoever administers your organization, or this installation, can reset it.')).toBeVisible();
});

test('turning it off takes the password, and then the password alone leads in', async ({ visitor, anotherVisitor, guarded, office }) => {
  const { person, phone } = guarded;
  const other = await anotherVisitor();
  await other.signsInWithCode(person, await phone.next(), { trusting: true });
  await visitor.signsInWithCode(person, await phone.next());
  await visitor.security.open();
  const { twoFactor } = visitor.security;
  const part = await twoFactor.opens('Turn off');
  const turnOff = part.getByRole('button', { name: 'Turn it off' });
  await expect(part.getByLabel('Code or backup code'), 'a code was just proven').toHaveCount(0);
  visitor.expectsRefusal(400, '/fn/end-two-factor');
  await part.getByLabel('Your password').fill('not my password at all');
  await turnOff.click();
  await expect(part.locator('.field-error')).toHaveText('This is not your password.');
  await expect(twoFactor.badge).toHaveText('On');
  await part.getByLabel('Your password').fill(person.password);
  await turnOff.click();
  await expect(visitor.news).toHaveText('Two-factor authentication is off. Your other devices were signed out.');
  await expect(twoFactor.badge).toHaveText('Off');
  await office.waitForMail(person.email, { subject: 'Two-factor authentication is off at Blue Harbour' });
  await other.opens('/settings/api-keys');
  await other.isOn('/login');
  await visitor.signsOut();
  await visitor.signsIn(person);
});

test('where no code was shown a short while ago, every change asks for its proofs, and tells of each beside its own field', async ({ visitor, guarded, latchkey }) => {
  const { person, phone, backupCodes } = guarded;
  await visitor.signsInTrusted(guarded);
  await visitor.security.open();
  const { twoFactor } = visitor.security;

  const renew = await twoFactor.opens('Make new backup codes');
  visitor.expectsRefusal(400, '/fn/renew-codes');
  await renew.getByLabel('Your password').fill('not my password at all');
  await visitor.button('Make new codes').click();
  await expect(renew.locator('.field-error')).toHaveText('This is not your password.');
  await renew.getByLabel('Your password').fill(person.password);
  await visitor.button('Make new codes').click();
  const fresh = await twoFactor.readsBackupCodes();
  expect(await Api.triesCode(latchkey, person, nth(backupCodes, 0))).toBe(401);
  await twoFactor.savesBackupCodes();

  const part = await twoFactor.opens('Turn off');
  const turnOff = part.getByRole('button', { name: 'Turn it off' });
  visitor.expectsRefusal(400, '/fn/end-two-factor');
  await part.getByLabel('Your password').fill(person.password);
  await part.getByLabel('Code or backup code').fill(phone.wrong());
  await turnOff.click();
  await expect(part.locator('.field', { hasText: 'Code or backup code' }).locator('.field-error')).toContainText('Not right, or used already.');
  await expect(part.locator('.field', { hasText: 'Your password' }).locator('.field-error')).toBeEmpty();
  await part.getByLabel('Your password').fill(person.password);
  await part.getByLabel('Code or backup code').fill(nth(fresh, 0));
  await turnOff.click();
  await expect(twoFactor.badge).toHaveText('Off');
});

test('whoever is signed in by a trusted device shows a code before moving to another phone', async ({ visitor, guarded }) => {
  const { phone, backupCodes } = guarded;
  await visitor.signsInTrusted(guarded);
  await visitor.security.open();
  const { twoFactor } = visitor.security;
  await twoFactor.opens('Move to another phone or app');
  await visitor.button('Set up another authenticator').click();
  await visitor.isOn('/confirm');
  visitor.expectsRefusal(400, '/fn/show-again');
  await visitor.showsAgain('Code or backup code', phone.wrong());
  await expect(visitor.errorUnder('Code or backup code')).toContainText('Not right, or used already.');
  await visitor.showsAgain('Code or backup code', nth(backupCodes, 0));
  await visitor.isOn('/settings/security');
  await expect(twoFactor.change('Move to another phone or app')).toHaveAttribute('open');
  const next = await twoFactor.begins('Set up another authenticator');
  await twoFactor.confirms(await next.next());
  await twoFactor.readsBackupCodes();
  await twoFactor.savesBackupCodes();
});

test('whoever has just signed up can turn it on and off again', async ({ visitor }) => {
  const ada = someone();
  await visitor.registers(ada);
  await visitor.security.open();
  const { twoFactor } = visitor.security;
  await twoFactor.enrols();
  await twoFactor.savesBackupCodes();
  await twoFactor.turnsOff(ada.password);
  await expect(twoFactor.badge).toHaveText('Off');
  const again = await twoFactor.begins();
  await twoFactor.confirms(await again.next());
  await twoFactor.readsBackupCodes();
  await twoFactor.savesBackupCodes();
  await expect(twoFactor.badge).toHaveText('On');
});
