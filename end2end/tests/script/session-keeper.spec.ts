// The tokens that pages of a session keep which came by a handoff: a pair for each tab, renewed in time, and heard of by no
// other tab.
import type { BrowserContext, Page } from '@playwright/test';
import { Api } from '../../support/api.ts';
import { type SfToken, goOn, holdsTokens, keepsSecret, ticketLink } from '../../support/handoff.ts';
import { type Person, someone } from '../../support/people.ts';
import type { Latchkey } from '../../support/server.ts';
import { expect, test } from '../../support/test.ts';
import type { Visitor } from '../../support/visitor.ts';

const KEYS = '/settings/api-keys';
const NOTICE = 'You were signed out.';

/** Somebody new, handed on from another site. */
async function comes(visitor: Visitor): Promise<{ person: Person; api: Api }> {
  const { latchkey } = visitor;
  const person = someone();
  const api = await Api.registering(latchkey, person);
  await visitor.opens(await ticketLink(latchkey, await holdsTokens(latchkey, person)));
  await visitor.button(goOn(person)).click();
  await visitor.isOn(KEYS);
  return { person, api };
}

/** The pair of a tab, once it has one. */
async function pairOf(page: Page, latchkey: Latchkey): Promise<SfToken> {
  await expect.poll(() => page.evaluate(() => sessionStorage['SF_Token'] !== undefined)).toBe(true);
  const token = JSON.parse(await page.evaluate(() => sessionStorage['SF_Token'] as string)) as SfToken;
  keepsSecret(latchkey, token);
  return token;
}

const hasPair = (page: Page): Promise<boolean> => page.evaluate(() => sessionStorage['SF_Token'] !== undefined);

/** Somebody comes back to a tab. */
const comesBack = (page: Page): Promise<unknown> => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })));

async function tab(context: BrowserContext, path = KEYS): Promise<Page> {
  const page = await context.newPage();
  await page.goto(path);
  await expect(page.locator('html[data-hydrated]')).toBeAttached();
  return page;
}

test('pages of a session that was handed on keep a pair of their own, and no other page does', async ({ visitor, anotherVisitor, latchkey }) => {
  const { person } = await comes(visitor);
  const pair = await pairOf(visitor.page, latchkey);
  expect(Object.keys(pair).sort()).toEqual(['accessToken', 'email', 'expiresIn', 'localId', 'refreshToken']);
  expect(pair).toMatchObject({ email: person.email, expiresIn: 3600 });
  const me = await fetch(`${latchkey.url}/v1/auth/me`, { headers: { Authorization: `Bearer ${pair.accessToken}` } });
  expect(me.status).toBe(200);
  expect(await visitor.page.evaluate(() => ({ ...localStorage }))).toEqual({});

  await visitor.opens('/settings/profile');
  expect((await pairOf(visitor.page, latchkey)).refreshToken, 'it stays with the tab').toBe(pair.refreshToken);

  const usual = await anotherVisitor();
  await usual.signsIn(person);
  await usual.opens('/settings/security');
  expect(await usual.page.evaluate(() => Object.keys(sessionStorage))).toEqual([]);
});

test('a new tab, and a tab that was made from another, have pairs of their own', async ({ visitor, latchkey }) => {
  await comes(visitor);
  const first = await pairOf(visitor.page, latchkey);
  const second = await pairOf(await tab(visitor.page.context()), latchkey);
  const [copy] = await Promise.all([visitor.page.waitForEvent('popup'), visitor.page.evaluate(() => void window.open(location.href))]);
  await expect(copy.locator('html[data-hydrated]')).toBeAttached();
  await expect.poll(async () => (await pairOf(copy, latchkey)).refreshToken).not.toBe(first.refreshToken);
  const third = await pairOf(copy, latchkey);
  expect(new Set([first, second, third].map(({ refreshToken }) => refreshToken)).size).toBe(3);
});

test('two tabs that renew a hundred times sign nobody out', async ({ ownServer, anotherVisitor }) => {
  test.setTimeout(150_000);
  // A minute before its end is a second after its beginning.
  const hasty = await ownServer({ LATCHKEY_ACCESS_TOKEN_TTL: '61' });
  const visitor = await anotherVisitor({ at: hasty });
  const statuses: number[] = [];
  visitor.page.context().on('response', (answer) => {
    if (new URL(answer.url()).pathname === '/auth/refreshToken') statuses.push(answer.status());
  });
  await comes(visitor);
  const first = await pairOf(visitor.page, hasty);
  const other = await tab(visitor.page.context());
  await expect.poll(() => statuses.length, { timeout: 120_000, intervals: [500] }).toBeGreaterThanOrEqual(100);
  expect(new Set(statuses)).toEqual(new Set([200]));
  for (const page of [visitor.page, other]) {
    await comesBack(page);
    await expect(page.getByText(NOTICE)).toBeHidden();
    expect(await hasPair(page)).toBe(true);
  }
  expect((await pairOf(visitor.page, hasty)).refreshToken).not.toBe(first.refreshToken);
  await visitor.opens('/settings/profile');
  await visitor.isOn('/settings/profile');
});

test('a pair that is refused once is renewed, and asked with once more', async ({ visitor, latchkey, watch }) => {
  await comes(visitor);
  const pair = await pairOf(visitor.page, latchkey);
  const asked: string[] = [];
  visitor.page.on('response', (answer) => asked.push(`${answer.status()} ${new URL(answer.url()).pathname}`));
  await visitor.page.evaluate((broken) => sessionStorage.setItem('SF_Token', JSON.stringify(broken)), { ...pair, accessToken: `${pair.accessToken}x` });
  watch.expects(401, '/v1/auth/verify');
  await comesBack(visitor.page);
  await expect.poll(() => asked).toEqual(['401 /v1/auth/verify', '200 /auth/refreshToken', '200 /v1/auth/verify']);
  expect((await pairOf(visitor.page, latchkey)).refreshToken).not.toBe(pair.refreshToken);
  await expect(visitor.page.getByText(NOTICE)).toBeHidden();
});

test('signing out is heard in the other tab, which loses no typed text', async ({ visitor, latchkey }) => {
  await comes(visitor);
  await pairOf(visitor.page, latchkey);
  await visitor.opens('/settings/profile');
  await visitor.field('Name').fill('Typed before the end');
  const other = await tab(visitor.page.context());
  await pairOf(other, latchkey);
  const listener = await tab(visitor.page.context(), '/login?next=%2Fsettings%2Faudit');
  await listener.evaluate(() => {
    const heard: unknown[] = [];
    new BroadcastChannel('latchkey').addEventListener('message', ({ data }) => heard.push(data));
    Object.assign(window, { heard });
  });
  await other.locator('.sign-out').click();
  await other.waitForURL('**/login');
  await expect(visitor.page.getByText(NOTICE)).toBeVisible();
  await expect(visitor.field('Name')).toHaveValue('Typed before the end');
  expect(await hasPair(visitor.page)).toBe(false);
  expect(await hasPair(other)).toBe(false);
  const link = visitor.page.getByRole('link', { name: 'Sign in again in a new tab' });
  await expect(link).toHaveAttribute('href', '/login?next=%2Fsettings%2Fprofile');
  expect(await listener.evaluate(() => (window as unknown as { heard: unknown[] }).heard)).toEqual(['signed-out']);
});

test('a session that ended elsewhere is noticed, and gone on from', async ({ visitor, latchkey, watch }) => {
  const { person, api } = await comes(visitor);
  await pairOf(visitor.page, latchkey);
  await visitor.opens('/settings/profile');
  await visitor.field('Name').fill('Typed before the end');
  await api.endsOtherSessions();
  for (const path of ['/v1/auth/verify', '/auth/refreshToken', '/fn/session-tokens']) watch.expects(401, path);
  await comesBack(visitor.page);
  await expect(visitor.page.getByText(NOTICE)).toBeVisible();
  expect(await hasPair(visitor.page)).toBe(false);

  const [next] = await Promise.all([visitor.page.context().waitForEvent('page'), visitor.page.getByRole('link', { name: 'Sign in again in a new tab' }).click()]);
  await expect(next.locator('html[data-hydrated]')).toBeAttached();
  await next.getByLabel('Email', { exact: true }).fill(person.email);
  await next.getByLabel('Password', { exact: true }).fill(person.password);
  await next.getByRole('button', { name: 'Sign in', exact: true }).click();
  await next.waitForURL('**/settings/profile');
  watch.expects(403, '/fn/session-tokens');
  await comesBack(visitor.page);
  await expect(visitor.page.getByText(NOTICE)).toBeHidden();
  await expect(visitor.field('Name')).toHaveValue('Typed before the end');
  expect(await hasPair(visitor.page), 'a session of our own keeps none').toBe(false);
});

test('a server that does not answer for a while takes nothing away', async ({ visitor, latchkey, watch }) => {
  await comes(visitor);
  const pair = await pairOf(visitor.page, latchkey);
  await visitor.page.evaluate((broken) => sessionStorage.setItem('SF_Token', JSON.stringify(broken)), { ...pair, accessToken: `${pair.accessToken}x` });
  watch.expects(401, '/v1/auth/verify');
  watch.expects('lost', '/auth/refreshToken');
  await visitor.page.route('**/auth/refreshToken', (route) => route.abort('failed'));
  const lost = visitor.page.waitForEvent('requestfailed');
  await comesBack(visitor.page);
  await lost;
  await expect(visitor.page.getByText(NOTICE)).toBeHidden();
  expect(await hasPair(visitor.page)).toBe(true);
});
