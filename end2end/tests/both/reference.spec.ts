// The API reference: found from the keys, read by anybody, and its commands work as they stand.
import { expect, test } from '../../support/test.ts';

test('leads from the keys to a call, whose command makes a key when it is typed', async ({ visitor, resident }) => {
  await visitor.signsIn(resident.person);
  await visitor.link('API reference').click();
  await visitor.isOn('/docs');
  await visitor.reads('API reference');
  await visitor.link('Make a key').click();
  await visitor.isOn('/docs/api-keys');
  const call = visitor.page.getByRole('article', { name: 'Make a key' });
  await expect(call).toContainText('POST /v1/api-keys');
  await expect(call).toBeInViewport();
  const command = await call.getByRole('region', { name: /^Command/ }).innerText();
  const made = await resident.api.types(command);
  visitor.latchkey.keepsSecret('credential', String(made['key']));
  await visitor.opens('/settings/api-keys');
  await expect(visitor.keys.row(String(made['name']))).toBeVisible();
});

test('is for anybody, keeps its place when the theme is chosen, and says what is in an answer', async ({ visitor }) => {
  await visitor.opens('/docs');
  await visitor.page.getByRole('navigation', { name: 'API reference' }).getByRole('link', { name: 'Verification' }).click();
  await visitor.isOn('/docs/verification');
  await visitor.reads('Verification');
  await visitor.button('Dark').click();
  await expect(visitor.page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await visitor.isOn('/docs/verification');
  const call = visitor.page.getByRole('article', { name: 'Is this credential good, and what may it?' });
  await call.getByText('What is in it').click();
  await expect(call).toContainText('principal.userId');
});

test('says so when there is no such section', async ({ visitor, watch }) => {
  watch.expects(404, '/docs/nothing');
  expect((await visitor.opens('/docs/nothing'))?.status()).toBe(404);
  await visitor.reads('There is no such page');
});
