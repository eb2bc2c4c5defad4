// The instruments themselves: each must be able to find something.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from '../../support/test.ts';
import { Watch } from '../../support/watch.ts';

test('axe finds a field that has lost its label', async ({ visitor }) => {
  await visitor.opens('/login');
  await visitor.page.locator('label[for="credentials-email"]').evaluate((label) => label.remove());
  const { violations } = await new AxeBuilder({ page: visitor.page }).withTags(['wcag2a']).analyze();
  expect(violations.map(({ id }) => id)).toContain('label');
});

test('the watch sees console errors, page errors, bad answers, forbidden scripts and questions', async ({ browser, latchkey }) => {
  const deeds: Record<string, (page: Page) => Promise<unknown>> = {
    'console error': (page) => page.evaluate(() => console.error('oh')),
    'page error': (page) => page.evaluate(() => void setTimeout(() => { throw new Error('oh'); })),
    '404 from': (page) => page.evaluate(() => fetch('/nowhere')),
    'unexpected question': (page) => page.evaluate(() => confirm('Really?')),
    'Content Security Policy': (page) => page.evaluate(() => document.body.setAttribute('onclick', '1')),
  };
  for (const [words, deed] of Object.entries(deeds)) {
    const page = await browser.newPage({ baseURL: latchkey.url });
    await page.goto('/login');
    const watch = new Watch(true);
    watch.over(page.context());
    await deed(page);
    await expect.poll(() => failureOf(watch)).toContain(words);
    await page.close();
  }
});

test('the watch misses what was expected and did not happen', () => {
  const watch = new Watch(true);
  watch.expects(401, '/fn/sign-in');
  watch.expectsQuestion(/leave/, 'yes');
  expect(failureOf(watch)).toContain('expected 401 from /fn/sign-in');
  expect(failureOf(watch)).toContain('expected to be asked /leave/');
});

function failureOf(watch: Watch): string {
  try {
    watch.hasSeenNothingElse();
    return '';
  } catch (error) {
    return String(error);
  }
}
