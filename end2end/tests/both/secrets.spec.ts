// Where secrets are, and where they are not.
import { someone } from '../../support/people.ts';
import { expect, test } from '../../support/test.ts';

test('S09 every cookie is bound to this host, secure, and out of the reach of scripts', async ({ visitor }) => {
  await visitor.registers(someone());
  await visitor.keys.creates('Anything');
  const cookies = await visitor.page.context().cookies();
  expect(cookies.map(({ name }) => name)).toContain('__Host-latchkey');
  for (const cookie of cookies) {
    expect(cookie, cookie.name).toMatchObject({ name: expect.stringMatching(/^__Host-latchkey/), secure: true, httpOnly: true, sameSite: 'Lax', path: '/', domain: 'localhost' });
  }
  await visitor.keys.isDone();
});

test('S08 nothing is kept in the browser, and no page holds a password', async ({ visitor, watch }) => {
  if (visitor.hasScript) watch.expects(401, '/fn/sign-in');
  const elif = someone();
  await visitor.registers(elif);
  const key = await visitor.keys.creates('Anything');
  await visitor.keys.isDone();
  const cookie = (await visitor.sessionCookie()) ?? '';
  for (const path of ['/settings/api-keys', '/settings/security', '/settings/profile']) {
    const source = (await (await visitor.page.context().request.get(path)).text()) + (await (await visitor.opens(path))?.text());
    for (const secret of [elif.password, key, cookie]) expect(source).not.toContain(secret);
  }
  const kept = await visitor.page.evaluate(async () => ({
    local: { ...localStorage },
    session: { ...sessionStorage },
    databases: (await indexedDB.databases()).length,
    caches: (await caches.keys()).length,
  }));
  expect(kept).toEqual({ local: {}, session: {}, databases: 0, caches: 0 });

  await visitor.signsOut();
  await visitor.entersCredentials({ ...elif, password: `${elif.password}x` });
  await expect(visitor.summary).toBeVisible();
  expect(await visitor.page.content()).not.toContain(elif.password);
});

test('S07 no page with something private is stored on the way', async ({ visitor, resident }) => {
  await visitor.signsIn(resident.person);
  for (const path of ['/login', '/settings/api-keys', '/settings/security', '/settings/profile', '/settings/organization', '/settings/audit']) {
    const answer = await visitor.page.context().request.get(path, { maxRedirects: 0 });
    expect(answer.headers()['cache-control'], path).toContain('no-store');
    expect(answer.headers()['referrer-policy'], path).toBe('same-origin');
    expect(answer.headers()['content-security-policy'], path).toMatch(/^default-src 'none'/);
  }
});

test('C01 a form without its proof, or with one of another visitor, changes nothing', async ({ visitor, anotherVisitor, resident }) => {
  await visitor.signsIn(resident.person);
  const stranger = await anotherVisitor();
  await stranger.opens('/login');
  const foreign = (await stranger.page.locator('input[name=csrf]').first().inputValue()) || 'none';
  const { request } = visitor.page.context();
  for (const csrf of ['', 'made-up', foreign]) {
    const answer = await request.post('/fn/create-key', {
      form: { csrf, 'key[name]': 'Forged', 'key[scopes][]': 'read', 'key[life]': '90' },
      headers: { Origin: visitor.latchkey.url, Accept: 'application/json' },
    });
    expect(answer.status()).toBe(403);
  }
  expect(await resident.api.gets('/v1/api-keys')).toEqual([]);
});

test('C01 a form sent from another site changes nothing, even with its proof', async ({ visitor, resident }) => {
  await visitor.signsIn(resident.person);
  await visitor.keys.open('?dialog=create');
  const csrf = await visitor.page.locator('form[action="/fn/create-key"] input[name=csrf]').inputValue();
  const form = { csrf, 'key[name]': 'Proof', 'key[scopes][]': 'read', 'key[life]': '90', 'key[owner]': 'user', 'key[mode]': 'live', 'key[rateLimit]': '1000', 'key[rateLimitWindow]': '3600' };
  const send = (headers: Record<string, string>) =>
    visitor.page.context().request.post('/fn/create-key', { form, headers: { Accept: 'application/json', ...headers } });
  const foreign: Record<string, string>[] = [{ Origin: 'https://evil.test' }, { Origin: 'null' }, { Origin: visitor.latchkey.url, 'Sec-Fetch-Site': 'cross-site' }];
  for (const headers of foreign) {
    expect((await send(headers)).status()).toBe(403);
  }
  expect(await resident.api.gets('/v1/api-keys')).toEqual([]);
  expect((await send({ Origin: visitor.latchkey.url, 'Sec-Fetch-Site': 'same-origin' })).status()).toBe(200);
  expect(await resident.api.gets('/v1/api-keys')).toHaveLength(1);
});
