// Devices that are not asked for a code.
import { nth } from '../../support/guarded.ts';
import { expect, test } from '../../support/test.ts';
import type { Visitor } from '../../support/visitor.ts';

const TRUST = 'Trust this device for 30 days';
const DAY = 86_400;

/** Signs out and in again with the password. */
async function comesBack(visitor: Visitor, person: { email: string; password: string }): Promise<void> {
  await visitor.signsOut();
  await visitor.entersCredentials(person);
}

test('D01 a trusted device is asked for the password alone, another one for the code, and so is this one when trust ends', async ({ visitor, anotherVisitor, guarded }) => {
  const { person, phone, backupCodes } = guarded;
  await visitor.comesToSecondStep(person);
  await expect(visitor.page.getByRole('checkbox', { name: TRUST })).not.toBeChecked();
  await visitor.entersSecondCode(await phone.next(), { trusting: true });
  await visitor.isOn('/settings/api-keys');
  const kept = (await visitor.page.context().cookies()).find(({ name }) => name === '__Host-latchkey-devices');
  expect(kept?.expires).toBeGreaterThan(Date.now() / 1000 + 29 * DAY);
  expect(kept?.expires).toBeLessThanOrEqual(Date.now() / 1000 + 30 * DAY + 60);

  for (let again = 0; again < 2; again += 1) {
    await comesBack(visitor, person);
    await visitor.isOn('/settings/api-keys');
  }
  const other = await anotherVisitor();
  await other.comesToSecondStep(person);

  await visitor.security.open();
  await expect(visitor.security.trustedDevices).toHaveCount(1);
  await expect(visitor.security.trustedDevices).toContainText(/Chrom.*This device/);
  await visitor.security.trustedDevices.getByRole('button', { name: 'Stop trusting' }).click();
  await expect(visitor.news).toHaveText('That device is asked for a code again.');
  await expect(visitor.security.trustedDevices).toHaveCount(0);
  await comesBack(visitor, person);
  await visitor.isOn('/login/two-factor');
  await visitor.entersBackupCode(nth(backupCodes, 0));
  await visitor.isOn('/settings/api-keys');
});

test('without the tick, and with a backup code, nothing is trusted', async ({ visitor, guarded }) => {
  const { person, phone, backupCodes } = guarded;
  await visitor.signsInWithCode(person, await phone.next());
  await comesBack(visitor, person);
  await visitor.isOn('/login/two-factor');
  await visitor.link('Use a backup code instead').click();
  await visitor.reads('Enter a backup code');
  await expect(visitor.page.getByRole('checkbox')).toHaveCount(0);
  await visitor.link('Use your authenticator instead').click();
  await visitor.reads('Enter your code');
  await visitor.settles();
  await visitor.entersBackupCode(nth(backupCodes, 0));
  await visitor.isOn('/settings/api-keys');
  await comesBack(visitor, person);
  await visitor.isOn('/login/two-factor');
});

test('the tick is kept when the code is wrong', async ({ visitor, guarded }) => {
  const { person, phone } = guarded;
  visitor.expectsRefusal(401, '/fn/second-step');
  await visitor.comesToSecondStep(person);
  await visitor.isRefusedSecondCode(phone.wrong(), { trusting: true });
  await expect(visitor.page.getByRole('checkbox', { name: TRUST })).toBeChecked();
});

test('D03 trust in all devices can be ended at once', async ({ visitor, guarded }) => {
  const { person, phone, api } = guarded;
  await api.trustsDevice('Ada’s phone');
  await visitor.signsInWithCode(person, await phone.next(), { trusting: true });
  await visitor.security.open();
  await expect(visitor.security.trustedDevices).toHaveCount(2);
  await visitor.button('Trust none of them').click();
  await expect(visitor.news).toHaveText('Every device is asked for a code again.');
  await expect(visitor.security.trustedDevices).toHaveCount(0);
  await comesBack(visitor, person);
  await visitor.isOn('/login/two-factor');
});

test('D03 each device is listed with its time and browser, and each can be removed', async ({ visitor, guarded }) => {
  const { person, phone, api } = guarded;
  await api.trustsDevice('Ada’s phone');
  await visitor.signsInWithCode(person, await phone.next(), { trusting: true });
  await visitor.security.open();
  const { trustedDevices } = visitor.security;
  await expect(trustedDevices).toHaveCount(2);
  for (const device of [trustedDevices.filter({ hasText: 'This device' }), trustedDevices.filter({ hasText: 'Ada’s phone' })]) {
    await expect(device).toContainText(/· used .+ · ends .+/);
    await expect(device.locator('time')).toHaveCount(2);
  }
  await expect(trustedDevices.filter({ hasText: 'This device' })).toContainText(/Chrom/);
  await trustedDevices.filter({ hasText: 'Ada’s phone' }).getByRole('button', { name: 'Stop trusting' }).click();
  await expect(trustedDevices).toHaveCount(1);
  await expect(trustedDevices).toContainText('This device');
  await trustedDevices.getByRole('button', { name: 'Stop trusting' }).click();
  await expect(trustedDevices).toHaveCount(0);
  await comesBack(visitor, person);
  await visitor.isOn('/login/two-factor');
});

test('an organization says how long, or not at all', async ({ visitor, guarded }) => {
  const { person, phone, api } = guarded;
  await api.setsPolicy({ trustedDeviceDays: 7 });
  await visitor.comesToSecondStep(person);
  await expect(visitor.page.getByRole('checkbox', { name: 'Trust this device for 7 days' })).toBeVisible();
  await visitor.entersSecondCode(await phone.next(), { trusting: true });
  await visitor.isOn('/settings/api-keys');
  await api.setsPolicy({ trustedDevices: false });
  await comesBack(visitor, person);
  await visitor.isOn('/login/two-factor');
  await expect(visitor.page.getByRole('checkbox')).toHaveCount(0);
});
