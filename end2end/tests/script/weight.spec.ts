// What travels, what shifts, and what works before everything has arrived.
import type { Page } from '@playwright/test';
import { linkTo } from '../../support/post-office.ts';
import { expect, test } from '../../support/test.ts';
import type { Visitor } from '../../support/visitor.ts';

const KIB = 1024;

/** Counts every byte that comes over the wire, headers included. */
async function weighs(page: Page): Promise<() => number> {
  const devtools = await page.context().newCDPSession(page);
  let bytes = 0;
  devtools.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  await devtools.send('Network.enable');
  return () => bytes;
}

/** The sum of all shifts so far. */
async function shifts(page: Page): Promise<number> {
  return page.evaluate(async () => {
    let sum = 0;
    const add = (entries: PerformanceEntryList) => entries.forEach((entry) => (sum += (entry as PerformanceEntry & { value: number }).value));
    const observer = new PerformanceObserver((list) => add(list.getEntries()));
    observer.observe({ type: 'layout-shift', buffered: true });
    for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
    add(observer.takeRecords());
    return sum;
  });
}

/** The least of three loads: what a page shifts by itself it shifts each time, what a busy machine paints late it does not. */
async function steadiest(visitor: Visitor, path: string): Promise<number> {
  const sums: number[] = [];
  for (let load = 0; load < 3; load += 1) {
    await visitor.opens(path);
    sums.push(await shifts(visitor.page));
  }
  return Math.min(...sums);
}

test('the first visit of /login weighs at most 90 KiB', async ({ visitor }) => {
  const bytes = await weighs(visitor.page);
  await visitor.opens('/login');
  await visitor.page.waitForLoadState('networkidle');
  test.info().annotations.push({ type: 'figure', description: `${(bytes() / KIB).toFixed(1)} KiB (goal 64)` });
  expect(bytes()).toBeGreaterThan(10 * KIB);
  expect(bytes()).toBeLessThanOrEqual(90 * KIB);
});

test('the first visit of the API keys page weighs at most 130 KiB', async ({ visitor, anotherVisitor, household }) => {
  await visitor.signsIn(household.person);
  const fresh = await anotherVisitor();
  await fresh.page.context().addCookies(await visitor.page.context().cookies());
  const bytes = await weighs(fresh.page);
  await fresh.opens('/settings/api-keys');
  await fresh.page.waitForLoadState('networkidle');
  await expect(fresh.keys.names).toHaveCount(5);
  test.info().annotations.push({ type: 'figure', description: `${(bytes() / KIB).toFixed(1)} KiB` });
  expect(bytes()).toBeGreaterThan(10 * KIB);
  expect(bytes()).toBeLessThanOrEqual(130 * KIB);
});

test('the first visit of the second step weighs at most 90 KiB, and nothing shifts on it', async ({ visitor, anotherVisitor, guarded }) => {
  await visitor.comesToSecondStep(guarded.person);
  const fresh = await anotherVisitor();
  await fresh.page.context().addCookies(await visitor.page.context().cookies());
  const bytes = await weighs(fresh.page);
  await fresh.opens('/login/two-factor');
  await fresh.page.waitForLoadState('networkidle');
  await fresh.reads('Enter your code');
  test.info().annotations.push({ type: 'figure', description: `${(bytes() / KIB).toFixed(1)} KiB` });
  expect(bytes()).toBeGreaterThan(10 * KIB);
  expect(bytes()).toBeLessThanOrEqual(90 * KIB);
  expect(await steadiest(visitor, '/login/two-factor')).toBe(0);
});

for (const path of ['/login', '/register', '/forgot-password', '/settings/api-keys', '/settings/security', '/settings/profile', '/settings/organization', '/settings/audit']) {
  test(`nothing shifts on ${path}`, async ({ visitor, household, resident }) => {
    // The household has signed in for a hundred tests, and its list of sessions is longer than anybody's.
    await visitor.signsIn(path === '/settings/security' ? resident.person : household.person);
    if (!path.startsWith('/settings')) await visitor.signsOut();
    expect(await steadiest(visitor, path)).toBe(0);
  });
}

test('nothing shifts while a tab waits for a mail, nor on the page of its link', async ({ visitor, office, resident }) => {
  const { email } = resident.person;
  await visitor.asksForLink(email);
  expect(await steadiest(visitor, '/login?way=mail')).toBe(0);
  const link = linkTo('magic-link', await office.waitForMail(email, { subject: 'Your sign-in link for Blue Harbour' }));
  expect(await steadiest(visitor, link)).toBe(0);
});

test('files come compressed with brotli, and are kept for ever under their hashed names', async ({ visitor }) => {
  const files: { url: string; headers: Record<string, string> }[] = [];
  visitor.page.on('response', (response) => {
    if (/\.(js|css|wasm)$/.test(response.url())) files.push({ url: response.url(), headers: response.headers() });
  });
  await visitor.opens('/login');
  expect(files.length).toBeGreaterThanOrEqual(3);
  for (const { url, headers } of files) {
    expect(headers['content-encoding'], url).toBe('br');
    expect(headers['cache-control'], url).toContain('immutable');
    expect(headers['cache-control'], url).toMatch(/max-age=31536000/);
  }
});

test('a second visit loads no file again', async ({ visitor }) => {
  await visitor.opens('/login');
  const bytes = await weighs(visitor.page);
  await visitor.opens('/register');
  await visitor.page.waitForLoadState('networkidle');
  expect(bytes()).toBeLessThan(10 * KIB);
});

test('when islands have hydrated, the page says so', async ({ visitor }) => {
  await visitor.page.goto('/login');
  await expect(visitor.page.locator('html[data-hydrated]')).toBeAttached();
  expect(await visitor.page.evaluate(() => performance.getEntriesByName('hydrated').length)).toBe(1);
});

test('a module that never arrives takes nothing away', async ({ visitor, resident, watch }) => {
  watch.expects('lost', /\.wasm$/);
  watch.expectsComplaint(/wasm|fetch|module/i);
  await visitor.page.route('**/*.wasm', (route) => route.abort('failed'));
  await visitor.page.goto('/login');
  await visitor.entersCredentials(resident.person);
  await visitor.page.waitForURL('**/settings/api-keys');
  await visitor.page.getByRole('link', { name: 'Create key' }).first().click();
  await visitor.field('Name').fill('Without a module');
  await visitor.keys.presses('Create key');
  await expect(visitor.keys.newKey).toHaveAttribute('data-copy', /^lk_live_/);
});

test('signing in works while the module is still under way', async ({ visitor, resident }) => {
  let asked = 0;
  await visitor.page.route('**/*.wasm', () => void (asked += 1));
  await visitor.page.goto('/login', { waitUntil: 'domcontentloaded' });
  await visitor.entersCredentials(resident.person);
  await visitor.page.waitForURL('**/settings/api-keys', { waitUntil: 'domcontentloaded' });
  await expect(visitor.page.getByRole('heading', { name: 'API keys' })).toBeVisible();
  await expect(visitor.page.locator('html[data-hydrated]')).toHaveCount(0);
  expect(asked).toBeGreaterThan(0);
});
