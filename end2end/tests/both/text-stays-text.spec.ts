// What people type is shown as they typed it, and nothing of it runs (C07).
import { someone } from '../../support/people.ts';
import { expect, test } from '../../support/test.ts';
import type { Visitor } from '../../support/visitor.ts';

const EVIL = {
  name: `</script><script>window.ran = 'name'</script>`,
  company: `"'><img src=x onerror="window.ran = 'company'">`,
  key: `<svg onload=window.ran='key'>{{7*7}}</svg>`,
  description: `" onmouseover="window.ran='description'`,
  reason: `<!--</textarea><script>window.ran='reason'</script>`,
  device: `Mozilla/5.0 <script>window.ran='device'</script> "><b>Firefox/140.0`,
};

async function nothingRan(visitor: Visitor): Promise<void> {
  expect(await visitor.page.evaluate(() => (window as { ran?: string }).ran)).toBeUndefined();
  const strangers = visitor.page.locator('img[src=x], svg[onload], script:not([nonce]), [onmouseover], [onerror]');
  await expect(strangers).toHaveCount(0);
}

test('C07 markup in names, labels, reasons and devices stays text', async ({ anotherVisitor }) => {
  const visitor = await anotherVisitor({ userAgent: EVIL.device });
  await visitor.registers(someone({ name: EVIL.name, company: EVIL.company }));
  await expect(visitor.page.locator('.who b')).toHaveText(EVIL.name);
  await expect(visitor.page.locator('.who .hint')).toHaveText(EVIL.company);

  await visitor.keys.startsToCreate();
  await visitor.field('Name').fill(EVIL.key);
  await visitor.keys.dialog.getByText('More settings').click();
  await visitor.field('Description (optional)').fill(EVIL.description);
  await visitor.keys.presses('Create key');
  await visitor.keys.readsNewKey();
  await nothingRan(visitor);
  await visitor.keys.isDone();
  await expect(visitor.keys.names).toHaveText([EVIL.key]);
  await expect(visitor.keys.names).toHaveAttribute('title', EVIL.description);

  await visitor.keys.row(EVIL.key).getByRole('link', { name: /^Revoke/ }).click();
  await expect(visitor.keys.dialog.getByRole('heading')).toContainText(EVIL.key);
  await visitor.field('Reason (optional)').fill(EVIL.reason);
  await visitor.keys.presses('Revoke key');
  await expect(visitor.keys.state(EVIL.key)).toContainText(EVIL.reason);
  await nothingRan(visitor);

  for (const path of ['/settings/profile', '/settings/security', '/settings/organization', '/settings/audit']) {
    await visitor.opens(path);
    await nothingRan(visitor);
  }
});

test('C07 markup in the address of a page stays text', async ({ visitor, resident }) => {
  await visitor.signsIn(resident.person);
  await resident.api.makesKey({ name: 'Anything' });
  for (const query of ['?q="><svg onload=1>', '?state=<script>', '?dialog=rotate&key="><script>1</script>', '?dialog=<b>']) {
    await visitor.keys.open(query);
    await nothingRan(visitor);
  }
});

test('C07 a refused form gives back markup as text', async ({ visitor, watch }) => {
  if (visitor.hasScript) watch.expects(400, '/fn/register');
  await visitor.opens('/register');
  await visitor.field('Name').fill(EVIL.name);
  await visitor.field('Email').fill(`"><script>window.ran='email'</script>`);
  await visitor.button('Create account').click();
  await expect(visitor.errorUnder('Email')).not.toBeEmpty();
  await expect(visitor.field('Name')).toHaveValue(EVIL.name);
  await nothingRan(visitor);
});
