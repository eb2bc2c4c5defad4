// What administrators read of what happened in their organization.
import { readFile } from 'node:fs/promises';
import { Api } from '../../support/api.ts';
import { someone } from '../../support/people.ts';
import { expect, test } from '../../support/test.ts';

test('an administrator reads what happened, narrows it down, and takes it along as a table', async ({ visitor, latchkey }) => {
  const ada = someone();
  const api = await Api.registering(latchkey, ada);
  await api.makesKey({ name: 'Nightly, "export"' });
  await visitor.signsIn(ada);
  await visitor.link('Audit log').click();
  await visitor.isOn('/settings/audit');
  const entries = visitor.page.locator('.entries > li');
  await expect(entries.first().locator('p').first(), 'the id of a session says nothing').toHaveText('Signed in');
  await expect(entries.filter({ hasText: 'API key created · Nightly, "export"' })).toContainText(ada.name);

  await visitor.page.getByLabel('What').selectOption('API keys');
  await visitor.button('Show').click();
  await expect(entries).toHaveCount(1);
  await expect(visitor.page.getByLabel('What')).toHaveValue('api_key.');

  const [download] = await Promise.all([visitor.page.waitForEvent('download'), visitor.link('Download as CSV').click()]);
  const table = await readFile(await download.path(), 'utf8');
  expect(table.trimEnd().split('\r\n')).toHaveLength(2);
  expect(table).toContain('"Nightly, ""export"""');

  await visitor.opens('/settings/audit?kind=audit.');
  await expect(entries, 'that it was taken along is known too').toHaveText([/Audit exported/]);
  await visitor.opens('/settings/audit?to=2020-01-01');
  await expect(visitor.page.locator('main')).toContainText('Nothing like this has happened.');
});

test('members do not', async ({ visitor, latchkey, resident }) => {
  const ada = someone();
  await Api.registering(latchkey, ada);
  latchkey.joins(ada.email, { of: resident.person.email });
  await visitor.signsIn(ada);
  await expect(visitor.link('Audit log')).toHaveCount(0);
  visitor.watch.expects(403, '/settings/audit');
  await visitor.opens('/settings/audit');
  await expect(visitor.page.locator('main')).toContainText('Your role does not allow this.');
});
