// The main job: sign up, make a key, use it.
import { Api } from '../../support/api.ts';
import { someone } from '../../support/people.ts';
import { expect, test } from '../../support/test.ts';

test('a new person makes a key, and the key opens the API', async ({ visitor, latchkey }) => {
  const ada = someone();
  await visitor.registers(ada);
  await expect(visitor.page.getByText('No keys yet.')).toBeVisible();

  const key = await visitor.keys.creates('Billing export');
  await expect(visitor.keys.dialog).toContainText(`curl -H "Authorization: Bearer ${key}" ${latchkey.url}/v1/auth/verify`);
  await visitor.keys.isDone();
  await expect(visitor.keys.row('Billing export')).toContainText(`${key.slice(0, 16)}…${key.slice(-4)}`);
  await expect(visitor.keys.lastUse('Billing export')).toHaveText('Never used');

  expect(await Api.holding(latchkey, key).verifies()).toBe(200);
  await expect(async () => {
    await visitor.keys.open();
    await expect(visitor.keys.lastUse('Billing export')).toContainText('just now', { timeout: 100 });
  }).toPass({ timeout: 10_000 });
});

test('a key is shown once: neither a reload nor the way back brings it again', async ({ visitor }) => {
  await visitor.registers(someone());
  const key = await visitor.keys.creates('Shown once');
  expect(visitor.page.url()).not.toContain(key);
  await visitor.keys.isDone();
  await visitor.keys.open();
  await expect(visitor.keys.dialog).toHaveCount(0);
  expect(await visitor.page.content()).not.toContain(key);
  await visitor.page.goBack();
  await visitor.settles();
  expect(await visitor.page.content()).not.toContain(key);
});

test('a key without a name or a scope is refused beside the fields, and nothing is made', async ({ visitor, watch, resident }) => {
  if (visitor.hasScript) watch.expects(400, '/fn/create-key');
  await visitor.signsIn(resident.person);
  await visitor.keys.startsToCreate();
  await visitor.keys.dialog.getByRole('checkbox', { name: 'Read' }).uncheck();
  await visitor.keys.presses('Create key');
  await expect(visitor.summary.locator('p')).toHaveText('Almost there: have another look at the marked fields.');
  await expect(visitor.errorUnder('Name')).toHaveText('Enter a name.');
  await expect(visitor.keys.dialog.locator('#key-scopes-error')).toHaveText('Choose at least one.');
  await expect(visitor.field('Name')).toHaveAttribute('aria-invalid', 'true');
  expect(await resident.api.gets('/v1/api-keys')).toEqual([]);
});

test('what the form says is what the key gets', async ({ visitor, resident }) => {
  await visitor.signsIn(resident.person);
  await visitor.keys.startsToCreate();
  const { dialog } = visitor.keys;
  await visitor.field('Name').fill('Everything set');
  await dialog.getByRole('checkbox', { name: 'Write' }).check();
  await dialog.getByLabel('Expires').selectOption('7');
  await dialog.getByRole('radio', { name: 'Blue Harbour' }).check();
  await dialog.getByText('More settings').click();
  await visitor.field('Description (optional)').fill('For the tests');
  await visitor.field('Scopes of your own (optional)').fill('READ_LEADS, leads.write');
  await visitor.field('Allowed addresses (optional)').fill('203.0.113.7, 10.0.0.0/8');
  await visitor.field('Most calls').fill('50');
  await visitor.field('In').selectOption('60');
  await dialog.getByRole('radio', { name: 'Test' }).check();
  await visitor.keys.presses('Create key');
  const key = await visitor.keys.readsNewKey();
  expect(key).toMatch(/^lk_test_/);

  const [made] = await resident.api.gets<Record<string, unknown>[]>('/v1/api-keys');
  expect(made).toMatchObject({
    name: 'Everything set',
    description: 'For the tests',
    owner: 'organization',
    mode: 'test',
    rateLimit: 50,
    rateLimitWindow: 60,
    allowedIps: expect.arrayContaining(['10.0.0.0/8']),
    scopes: expect.arrayContaining(['read', 'write', 'READ_LEADS', 'leads.write']),
  });
  const days = (Date.parse(String(made?.['expiresAt'])) - Date.now()) / 86_400_000;
  expect(Math.round(days)).toBe(7);
  await visitor.keys.isDone();
});

test('a key may end on a day of one’s choice', async ({ visitor, resident }) => {
  await visitor.signsIn(resident.person);
  await visitor.keys.startsToCreate();
  await visitor.field('Name').fill('Until a day');
  await visitor.field('Expires').selectOption('custom');
  await visitor.field('Last day').fill('2098-03-04');
  if (visitor.hasScript) await expect(visitor.page.locator('.expiry-sentence')).toHaveText(/2098/);
  await visitor.keys.presses('Create key');
  await visitor.keys.readsNewKey();
  const [made] = await resident.api.gets<{ expiresAt: string }[]>('/v1/api-keys');
  expect(made?.expiresAt).toMatch(/^2098-03-04T23:59:59/);
  await visitor.keys.isDone();
});
