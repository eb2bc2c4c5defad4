// What administrators read of what happened in their organization.
import { readFile } from 'node:fs/promises';
import type { Locator } from '@playwright/test';
import { Api } from '../../support/api.ts';
import { memberOf } from '../../support/member.ts';
import { someone } from '../../support/people.ts';
import { expect, test } from '../../support/test.ts';
import type { Visitor } from '../../support/visitor.ts';

const entriesOf = ({ page }: Visitor): Locator => page.locator('#entries .entries > li');
/** The line above them. */
const counted = ({ page }: Visitor): Locator => page.locator('#entries [data-announce]');

test('an administrator reads what happened, narrows it down, and takes it along as a table', async ({ visitor, latchkey }) => {
  const ada = someone();
  const api = await Api.registering(latchkey, ada);
  await api.makesKey({ name: 'Nightly, "export"' });
  await visitor.signsIn(ada);
  await visitor.link('Audit log').click();
  await visitor.isOn('/settings/audit');
  const entries = entriesOf(visitor);
  await expect(entries.first().locator('p').first(), 'the id of a session says nothing').toHaveText('Signed in');
  await expect(entries.filter({ hasText: 'API key created · Nightly, "export"' })).toContainText(ada.name);

  await visitor.page.getByLabel('What').selectOption('API keys');
  await visitor.button('Show').click();
  await expect(entries).toHaveCount(1);
  await expect(counted(visitor)).toHaveText('1 entry');
  await expect(visitor.page.getByLabel('What')).toHaveValue('api_key.');

  const [download] = await Promise.all([visitor.page.waitForEvent('download'), visitor.link('Download as CSV').click()]);
  const table = await readFile(await download.path(), 'utf8');
  expect(table.trimEnd().split('\r\n')).toHaveLength(2);
  expect(table).toContain('"Nightly, ""export"""');

  await visitor.opens('/settings/audit?kind=audit.');
  await expect(entries, 'that it was taken along is known too').toHaveText([/Audit exported/]);
  await visitor.opens('/settings/audit?to=2020-01-01');
  await expect(counted(visitor)).toHaveText('Nothing like this has happened.');
});

test('a long list comes in parts, and what was chosen stays chosen from part to part', async ({ visitor, resident }) => {
  for (let made = 1; made <= 51; made += 1) await resident.api.makesKey({ name: `Key ${made}` });
  await visitor.signsIn(resident.person);
  await visitor.opens('/settings/audit');
  await visitor.page.getByLabel('What').selectOption('API keys');
  await visitor.button('Show').click();
  const entries = entriesOf(visitor);
  const pager = visitor.page.getByRole('navigation', { name: 'Pages of this list' });
  await expect(pager).toContainText('Page 1 of 2');
  await expect(pager.getByRole('link')).toHaveText(['Next']);
  await expect(counted(visitor)).toHaveText('51 entries');
  await expect(entries).toHaveCount(50);
  await expect(entries.first()).toContainText('API key created · Key 51');

  const loads = visitor.countsLoads();
  await visitor.link('Next').click();
  await expect(pager).toContainText('Page 2 of 2');
  await expect(pager.getByRole('link')).toHaveText(['Previous']);
  await expect(entries).toHaveText([/^API key created · Key 1\D/]);
  await expect(visitor.page.getByLabel('What')).toHaveValue('api_key.');
  await visitor.link('Previous').click();
  await expect(pager).toContainText('Page 1 of 2');
  await expect(entries).toHaveCount(50);
  await expect(visitor.page.getByLabel('What')).toHaveValue('api_key.');
  expect(loads(), 'with a script in place').toBe(visitor.hasScript ? 0 : 2);
});

test('members do not', async ({ visitor, resident }) => {
  await visitor.signsIn(await memberOf(resident.api));
  await expect(visitor.link('Audit log')).toHaveCount(0);
  visitor.watch.expects(403, '/settings/audit');
  await visitor.opens('/settings/audit');
  await expect(visitor.page.locator('main')).toContainText('Your role does not allow this.');
});
