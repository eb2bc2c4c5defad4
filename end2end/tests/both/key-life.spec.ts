// The life of a key after its birth: rotate, revoke, regenerate; and finding it again.
import { Api, secondsFromNow } from '../../support/api.ts';
import { expect, test } from '../../support/test.ts';

test('a rotated key and its successor both work until the overlap is ended early', async ({ visitor, resident, latchkey }) => {
  const old = await resident.api.makesKey({ name: 'Warehouse sync', scopes: ['read', 'write'] });
  await visitor.signsIn(resident.person);
  await visitor.keys.chooses('Rotate', 'Warehouse sync');
  await expect(visitor.keys.dialog.getByRole('radio', { name: 'After 24 hours' })).toBeChecked();
  await visitor.keys.presses('Rotate key');
  const next = await visitor.keys.readsNewKey();
  expect(next).not.toBe(old.key);
  await visitor.keys.isDone();
  await expect(visitor.keys.state('Warehouse sync')).toContainText('Rotating');
  await expect(visitor.keys.state('Warehouse sync')).toContainText(/Old key ends in (23 hours|1 day)/);
  expect(await Api.holding(latchkey, old.key).verifies()).toBe(200);
  expect(await Api.holding(latchkey, next).verifies()).toBe(200);

  await visitor.keys.chooses('End overlap', 'Warehouse sync');
  await visitor.keys.presses('End old key');
  await expect(visitor.news).toHaveText('The old key stopped working just now. The new one goes on.');
  await expect(visitor.keys.state('Warehouse sync')).toHaveText('Active');
  expect(await Api.holding(latchkey, old.key).verifies()).toBe(401);
  expect(await Api.holding(latchkey, next).verifies()).toBe(200);
});

test('rotating at once ends the old key with the same press', async ({ visitor, resident, latchkey }) => {
  const old = await resident.api.makesKey({ name: 'Leaked one' });
  await visitor.signsIn(resident.person);
  await visitor.keys.chooses('Rotate', 'Leaked one');
  await visitor.keys.dialog.getByRole('radio', { name: /^Now/ }).check();
  await visitor.keys.presses('Rotate key');
  const next = await visitor.keys.readsNewKey();
  await visitor.keys.isDone();
  await expect(visitor.keys.state('Leaked one')).toHaveText('Active');
  expect(await Api.holding(latchkey, old.key).verifies()).toBe(401);
  expect(await Api.holding(latchkey, next).verifies()).toBe(200);
});

test('revoking says what is lost, asks why, and shows the reason', async ({ visitor, resident, latchkey }) => {
  const key = await resident.api.makesKey({ name: 'Laptop of an intern' });
  const program = Api.holding(latchkey, key.key);
  expect(await program.verifies()).toBe(200);
  await resident.api.waitsForCalls(key.id, 1);
  await visitor.signsIn(resident.person);

  await visitor.keys.chooses('Revoke', 'Laptop of an intern');
  await expect(visitor.keys.dialog).toContainText('Whatever uses this key stops working at once.');
  await expect(visitor.keys.dialog.locator('.loss')).toContainText(/Last used.*(just now|minute).*1 call/s);
  await visitor.keys.dialog.getByRole('link', { name: 'Keep the key' }).click();
  await expect(visitor.keys.dialog).toHaveCount(0);
  expect(await program.verifies()).toBe(200);

  await visitor.keys.chooses('Revoke', 'Laptop of an intern');
  await visitor.field('Reason (optional)').fill('Left in a public repository');
  await visitor.keys.presses('Revoke key');
  await expect(visitor.news).toHaveText('The key is revoked. It stopped working just now.');
  await expect(visitor.keys.state('Laptop of an intern')).toHaveText(/Revoked\s*Left in a public repository/);
  await expect(visitor.keys.row('Laptop of an intern').locator('td.actions a')).toHaveCount(0);
  expect(await program.verifies()).toBe(401);
});

test('an expired key stays in the list and lives again with a new secret', async ({ visitor, resident, latchkey }) => {
  const key = await resident.api.makesKey({ name: 'Old importer', scopes: ['read'], expiresAt: secondsFromNow(1) });
  await resident.api.waitsFor(key.id, 'EXPIRED');
  await visitor.signsIn(resident.person);
  await expect(visitor.keys.row('Old importer')).toHaveClass(/key-dead/);
  await visitor.keys.chooses('Regenerate', 'Old importer');
  await visitor.keys.presses('Regenerate key');
  const next = await visitor.keys.readsNewKey();
  expect(next.slice(0, 16)).not.toBe(key.keyPrefix);
  await visitor.keys.isDone();
  expect(await Api.holding(latchkey, key.key).verifies()).toBe(401);
});

test('filters and search find by state, by name, and by the beginning of a key', async ({ visitor, household }) => {
  const { person, keys } = household;
  await visitor.signsIn(person);
  await visitor.keys.filters('Revoked');
  await expect(visitor.keys.names).toHaveText(['Laptop of an intern']);
  await visitor.keys.filters('Active');
  await expect(visitor.keys.names).toHaveText(['Billing export', 'Trying things out', 'Warehouse sync']);
  await visitor.keys.filters('All');
  await expect(visitor.keys.names).toHaveCount(5);

  await visitor.keys.searches('BILLING');
  await expect(visitor.keys.names).toHaveText(['Billing export']);
  await expect(visitor.page).toHaveURL((url) => url.searchParams.get('q') === 'BILLING');
  await visitor.keys.searches(keys.unused.keyPrefix);
  await expect(visitor.keys.names).toHaveText(['Trying things out']);
  await visitor.keys.searches('nothing like it');
  await expect(visitor.page.getByText('No key looks like that.')).toBeVisible();
  await visitor.page.getByRole('link', { name: 'Show all keys' }).click();
  await expect(visitor.keys.names).toHaveCount(5);
});

test('of a whole key pasted into the search nothing secret stays', async ({ visitor, household }) => {
  const { person, keys } = household;
  await visitor.signsIn(person);
  const field = visitor.page.getByRole('searchbox');
  await field.focus();
  await visitor.page.keyboard.insertText(keys.unused.key);
  await field.press('Enter');
  await expect(visitor.keys.names).toHaveText(['Trying things out']);
  expect(visitor.page.url()).not.toContain(keys.unused.key.slice(17, 30));
});

test('the list says who may do what, and until when', async ({ visitor, household }) => {
  await visitor.signsIn(household.person);
  const { keys } = visitor;
  await expect(keys.row('Billing export')).toContainText(`${household.keys.active.keyPrefix}…${household.keys.active.lastFour}`);
  await expect(keys.row('Billing export').locator('.scopes > *')).toHaveText(['read', 'write', 'delete']);
  await expect(keys.row('Billing export').locator('td[data-label="Owner"]')).toHaveText('Me');
  await expect(keys.row('Warehouse sync').locator('td[data-label="Owner"]')).toHaveText('Blue Harbour');
  await expect(keys.row('Trying things out').locator('td[data-label="Expires"]')).toHaveText(/in (6|7) days/);
  await expect(keys.lastUse('Trying things out')).toHaveText('Never used');
  await expect(keys.lastUse('Billing export').locator('svg.usage')).toHaveAccessibleName('12 calls in the last 24 hours');
  await expect(keys.state('Old importer')).toHaveText('Expired');
});
