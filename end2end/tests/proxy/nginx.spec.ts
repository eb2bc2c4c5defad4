// Latchkey before a site, by a real nginx with the very file of deploy/nginx: who gets through, and as whom.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Api, type Key } from '../../support/api.ts';
import { type Answer, type Asking, Front, type Headers, digest } from '../../support/nginx.ts';
import { type Person, someone } from '../../support/people.ts';
import type { Settings } from '../../support/server.ts';
import { expect, test as base } from '../../support/test.ts';

const DEPLOY = join(import.meta.dirname, '../../../deploy');
const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'PURGE'];
const READS_PAGES: Headers = [['Accept', 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8']];
const MB = 1024 * 1024;

interface Words {
  /** A front of the test's own. */
  ownFront: (settings?: Settings) => Promise<Front>;
  /** Somebody with an account there. */
  ada: { person: Person; api: Api };
}

const test = base.extend<Words, { front: Front }>({
  front: [
    async ({}, use) => {
      const front = await Front.opens();
      await use(front);
      await closes(front);
    },
    { scope: 'worker' },
  ],
  ownFront: async ({}, use) => {
    const fronts: Front[] = [];
    await use(async (settings) => {
      const front = await Front.opens(settings);
      fronts.push(front);
      return front;
    });
    for (const front of fronts) await closes(front);
  },
  ada: async ({ front }, use) => use(await resides(front)),
});

async function closes(front: Front): Promise<void> {
  await front.close();
  expect(front.latchkey.complaints(), 'what the server’s log shows').toEqual([]);
}

async function resides(front: Front): Promise<Words['ada']> {
  const person = someone();
  return { person, api: await Api.registering(front.latchkey, person) };
}

const holding = ({ key }: Pick<Key, 'key'>, ...more: Headers): Asking => ({ headers: [['X-API-Key', key], ...more] });

/** Asserts that the site was asked, and gives what it was told of who asks. */
function told({ status, reached }: Answer): Record<string, string> {
  expect(status).toBe(200);
  const named = (reached?.headers ?? []).filter(([name]) => plain(name).startsWith('x-auth'));
  expect(new Set(named.map(([name]) => plain(name))).size, 'nothing stands there twice').toBe(named.length);
  return Object.fromEntries(named.map(([name, value]) => [name.toLowerCase(), value]));
}

/** A name as CGI, WSGI and PHP read it. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');

function isRefused(answer: Answer, status: number): void {
  expect({ status: answer.status, reached: answer.reached }).toEqual({ status, reached: undefined });
}

const MAY = { read: ['GET', 'HEAD', 'OPTIONS'], write: ['POST', 'PUT', 'PATCH'], delete: ['DELETE'], admin: METHODS };

for (const [scope, allowed] of Object.entries(MAY)) {
  test(`a key with “${scope}” may ${allowed === METHODS ? 'use every method' : `${allowed.join(', ')} and nothing else`}`, async ({ front, ada }) => {
    const key = await ada.api.makesKey({ name: 'Berths', scopes: [scope] });
    for (const method of METHODS) {
      const answer = await front.asks(method, '/berths?week=47', holding(key));
      if (allowed.includes(method)) {
        expect(answer.status, method).toBe(200);
        expect(answer.reached).toMatchObject({ method, url: '/berths?week=47' });
      } else {
        isRefused(answer, 403);
        expect(answer.headers['www-authenticate'], method).toBe('Bearer realm="latchkey", error="insufficient_scope"');
      }
    }
  });
}

test('a program without a good credential is told 401 and how to show one', async ({ front, ada }) => {
  const { key } = await ada.api.makesKey({ name: 'Berths' });
  for (const method of ['GET', 'POST', 'DELETE']) {
    const nobody = await front.asks(method, '/berths');
    isRefused(nobody, 401);
    expect(nobody.headers['www-authenticate']).toBe('Bearer realm="latchkey"');
    expect(JSON.parse(nobody.body)).toMatchObject({ statusCode: 401, error: 'Unauthorized' });
    const mistyped = await front.asks(method, '/berths', holding({ key: `${key.slice(0, -1)}?` }));
    isRefused(mistyped, 401);
    expect(mistyped.headers['www-authenticate']).toBe('Bearer realm="latchkey", error="invalid_token"');
  }
});

test('a form that comes without a session is refused and not sent elsewhere: what it carries would be lost', async ({ front }) => {
  const answer = await front.asks('POST', '/berths', { headers: READS_PAGES, body: Buffer.from('ship=Little+Auk') });
  isRefused(answer, 401);
  expect(answer.headers.location).toBeUndefined();
});

// People

/** Fills in the sign-in page as a browser without a script does; gives the cookies and where it was sent. */
async function signsIn(front: Front, { email, password }: Person, page: string): Promise<{ cookie: string; to: string | undefined }> {
  front.latchkey.keepsSecret('password', password);
  const form = await front.asks('GET', page, { headers: READS_PAGES });
  const field = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(form.body)?.[1]?.replaceAll('&amp;', '&') ?? '';
  const filled = { csrf: field('csrf'), next: field('next'), 'credentials[email]': email, 'credentials[password]': password };
  const headers: Headers = [...READS_PAGES, ['Content-Type', 'application/x-www-form-urlencoded'], ['Origin', front.url], ['Referer', `${front.url}${page}`]];
  const sent = await front.asks('POST', '/fn/sign-in', { headers: [...headers, ['Cookie', cookies(form)]], body: Buffer.from(`${new URLSearchParams(filled)}`) });
  const cookie = [cookies(form), cookies(sent)].filter(Boolean).join('; ');
  front.latchkey.keepsSecret('session', /__Host-latchkey=([^;]+)/.exec(cookie)?.[1] ?? '');
  return { cookie, to: sent.headers.location };
}

const cookies = ({ headers }: Answer): string => (headers['set-cookie'] ?? []).map((line) => line.split(';')[0]).join('; ');

for (const page of ['/', '/berths', '/berths/47/?from=2026-11-23&to=2026-11-29&ship=Little%20Auk+2', '/a?b=%26&c=1%2B1%25&d&=?/']) {
  test(`somebody who wants to see ${page} is sent to sign in, and then there`, async ({ front, ada }) => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await front.asks(method, page, { headers: READS_PAGES });
      isRefused(answer, 303);
      expect(answer.headers.location).toBe(`/login?next=${encodeURIComponent(page)}`);
    }
    const { cookie, to } = await signsIn(front, ada.person, `/login?next=${encodeURIComponent(page)}`);
    expect(to).toBe(page);
    expect((await front.asks('GET', page, { headers: [...READS_PAGES, ['Cookie', cookie]] })).reached?.url).toBe(page);
  });
}

test('nobody is led off the site by way of signing in', async ({ front, ada }) => {
  for (const page of ['//evil.test/', '/\\evil.test/', '//evil.test/?a=1&b=2']) {
    const answer = await front.asks('GET', page, { headers: READS_PAGES });
    isRefused(answer, 303);
    const { to } = await signsIn(front, ada.person, answer.headers.location ?? '');
    expect(to).toBe('/settings/api-keys');
  }
});

test('a person who is signed in gets through with every method, until they sign out', async ({ front, ada }) => {
  const { cookie } = await signsIn(front, ada.person, '/login');
  const asking: Asking = { headers: [['Cookie', cookie]] };
  for (const method of METHODS) expect((await front.asks(method, '/berths', asking)).reached?.method).toBe(method);
  await ada.api.endsOtherSessions();
  isRefused(await front.asks('GET', '/berths', asking), 401);
});

// As whom

test('the site is told who it is: a person, their key, a key of the organization', async ({ front, ada }) => {
  const me = await ada.api.gets<{ id: string; organizationId: string }>('/v1/auth/me');
  const person = { 'x-auth-user': me.id, 'x-auth-email': ada.person.email, 'x-auth-organization': me.organizationId, 'x-auth-role': 'OWNER' };
  const { cookie } = await signsIn(front, ada.person, '/login');
  expect(told(await front.asks('GET', '/', { headers: [['Cookie', cookie]] }))).toEqual({ ...person, 'x-auth-scopes': 'read write delete admin' });

  const own = await ada.api.makesKey({ name: 'Berths', scopes: ['read', 'READ_LEADS'] });
  const expected = { ...person, 'x-auth-scopes': 'read READ_LEADS' };
  expect(told(await front.asks('GET', '/', holding(own)))).toEqual(expected);
  expect(told(await front.asks('GET', '/', { headers: [['Authorization', `Bearer ${own.key}`]] }))).toEqual(expected);

  const shared = await ada.api.makesKey({ name: 'Harbour office', scopes: ['read'], owner: 'organization' });
  // It has no address, and what a client might put there is gone too.
  const { 'x-auth-email': _, ...organization } = person;
  const answer = await front.asks('GET', '/', holding(shared, ['X-Auth-Email', ada.person.email]));
  expect(told(answer)).toEqual({ ...organization, 'x-auth-user': shared.id, 'x-auth-role': 'ADMIN', 'x-auth-scopes': 'read' });
});

const NAMES = ['X-Auth-User', 'X-Auth-Email', 'X-Auth-Organization', 'X-Auth-Role', 'X-Auth-Scopes'];
const forgeries: Record<string, Headers> = {
  'as they are': NAMES.map((name) => [name, 'forged']),
  'in other letters': NAMES.flatMap((name): Headers => [[name.toLowerCase(), 'forged'], [name.toUpperCase(), 'forged']]),
  'twice, and empty': NAMES.flatMap((name): Headers => [[name, ''], [name, 'forged']]),
  'as names that others read the same way': [..."_.~+!'^|$%&#`*"].flatMap((mark) => NAMES.flatMap((name): Headers => [[name.replaceAll('-', mark), 'forged'], [name.replace(/-(\w+)$/, `${mark}$1`), 'forged']])),
  'as names to be dropped on the way': [['Connection', 'close'], ['Connection', [...NAMES, 'X-Original-Method', 'X-API-Key'].join(', ')]],
};

for (const [how, headers] of Object.entries(forgeries)) {
  test(`what a client says of itself changes nothing: the headers ${how}`, async ({ front, ada }) => {
    for (const owner of ['user', 'organization']) {
      const key = await ada.api.makesKey({ name: 'Berths', scopes: ['read'], owner });
      const honest = told(await front.asks('GET', '/berths', holding(key)));
      expect(told(await front.asks('GET', '/berths', holding(key, ...headers)))).toEqual(honest);
      isRefused(await front.asks('POST', '/berths', holding(key, ...headers)), 403);
    }
    isRefused(await front.asks('GET', '/berths', { headers }), 401);
  });
}

const CLAIMS = ['X-Original-Method', 'X-Forwarded-Method', 'X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'];

test('what a client says of its method changes nothing, neither here nor at the site', async ({ front, ada }) => {
  const key = await ada.api.makesKey({ name: 'Berths', scopes: ['read'] });
  for (const claim of ['GET', 'get', 'POST', 'DELETE', '']) {
    const headers: Headers = CLAIMS.map((name) => [name, claim]);
    isRefused(await front.asks('POST', '/berths', holding(key, ...headers)), 403);
    const { status, reached } = await front.asks('GET', '/berths', holding(key, ...headers));
    expect([status, reached?.method]).toEqual([200, 'GET']);
    expect(reached?.headers.filter(([name]) => CLAIMS.some((claimed) => plain(claimed) === plain(name)))).toEqual([]);
  }
});

test('what a client says of its address changes nothing, and the one it has counts', async ({ front, ada }) => {
  const key = await ada.api.makesKey({ name: 'Berths', scopes: ['read'], allowedIps: ['127.0.0.9'] });
  for (const claim of [[], [['X-Forwarded-For', '127.0.0.9']], [['X-Forwarded-For', '127.0.0.9, 127.0.0.1']], [['X-Real-IP', '127.0.0.9'], ['Forwarded', 'for=127.0.0.9']]] as Headers[]) {
    isRefused(await front.asks('GET', '/berths', holding(key, ...claim)), 403);
  }
  const { reached } = await front.asks('GET', '/berths', { ...holding(key, ['X-Forwarded-For', '203.0.113.7']), from: '127.0.0.9' });
  expect(reached?.headers).toContainEqual(['X-Forwarded-For', '127.0.0.9']);
});

test('the site gets no credential of Latchkey’s, and keeps its own cookies', async ({ front, ada }) => {
  const { cookie } = await signsIn(front, ada.person, '/login');
  const { key } = await ada.api.makesKey({ name: 'Berths', scopes: ['read'] });
  const session = /__Host-latchkey=[^;]+/.exec(cookie)?.[0];
  const crowd = ['-visitor', '-theme', '', '-devices', '-note'].map((name) => `__Host-latchkey${name}=secret`);
  const arrive = async (...headers: Headers) => (await front.asks('GET', '/berths', { headers })).reached?.headers ?? [];
  for (const [sent, kept] of [
    [`${session}`, undefined],
    [`${session}; berth=4`, 'berth=4'],
    [`berth=4; ${session}; ship=Little Auk; __Host-latchkey-theme=dark; __Host-latchkey-devices=secret; crew=7`, 'berth=4; ship=Little Auk; crew=7'],
    [`${session}; a=1; ${crowd.join('; b=2; ')}`, undefined],
  ]) {
    expect((await arrive(['Cookie', sent!])).find(([name]) => name === 'Cookie')?.[1]).toBe(kept);
  }
  for (const headers of [[['X-API-Key', key]], [['Authorization', `Bearer ${key}`]]] as Headers[]) {
    expect(JSON.stringify(await arrive(...headers, ['Cookie', 'berth=4']))).not.toContain(key);
  }
});

// What lasts, and what does not

test('a revoked key is refused within a second', async ({ front, ada }) => {
  const key = await ada.api.makesKey({ name: 'Berths', scopes: ['read'] });
  for (let call = 0; call < 20; call += 1) expect((await front.asks('GET', '/berths', holding(key))).status).toBe(200);
  await ada.api.changesKey(key.id, 'revoke', { reason: 'Left on a train' });
  const since = Date.now();
  let answer = await front.asks('GET', '/berths', holding(key));
  while (answer.status === 200 && Date.now() - since < 5_000) answer = await front.asks('GET', '/berths', holding(key));
  const took = Date.now() - since;
  isRefused(answer, 401);
  expect(answer.headers['www-authenticate']).toBe('Bearer realm="latchkey", error="invalid_token"');
  expect(took).toBeLessThan(1_000);
  test.info().annotations.push({ type: 'figure', description: `${took} ms` });
});

test('a key at its limit is told 429 and when to come back', async ({ front, ada }) => {
  const key = await ada.api.makesKey({ name: 'Berths', scopes: ['read'], rateLimit: 3, rateLimitWindow: 60 });
  for (let call = 0; call < 3; call += 1) expect((await front.asks('GET', '/berths', holding(key))).status).toBe(200);
  const answer = await front.asks('GET', '/berths', holding(key));
  isRefused(answer, 429);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(60);
  expect(JSON.parse(answer.body)).toMatchObject({ statusCode: 429, error: 'Too Many Requests' });
});

test('what cannot be decided is a plain 400', async ({ front, ada }) => {
  const [one, other] = [await ada.api.makesKey({ name: 'One', scopes: ['read'] }), await ada.api.makesKey({ name: 'Other', scopes: ['read'] })];
  for (const more of [['Authorization', `Bearer ${other.key}`], ['X-API-Key', other.key], ['X-Organization-ID', 'org_00000000000000000000000000']] satisfies Headers) {
    isRefused(await front.asks('GET', '/berths', holding(one, more)), 400);
  }
});

test('while Latchkey is away nobody gets in, and afterwards everybody as before', async ({ ownFront }) => {
  const front = await ownFront();
  const { person, api } = await resides(front);
  const key = await api.makesKey({ name: 'Berths', scopes: ['read'] });
  const { cookie } = await signsIn(front, person, '/login');
  const everybody: Asking[] = [holding(key), { headers: [['Cookie', cookie]] }, { headers: [...READS_PAGES, ['Cookie', cookie]] }];
  const all = async (asked: (answer: Answer) => void) => {
    for (const asking of everybody) asked(await front.asks('GET', '/berths', asking));
  };
  await all(({ status }) => expect(status).toBe(200));
  await front.latchkey.isKilled();
  await all((answer) => isRefused(answer, 503));
  isRefused(await front.asks('GET', '/berths'), 503);
  await front.latchkey.starts();
  await all(({ status }) => expect(status).toBe(200));
});

// What passes unchanged

const bodies: Record<string, { body: Buffer; more?: Headers }> = {
  'no byte': { body: Buffer.alloc(0) },
  '1 MB': { body: Buffer.alloc(MB, 'harbour ') },
  '1 MB in pieces': { body: Buffer.alloc(MB, 'harbour '), more: [['Transfer-Encoding', 'chunked']] },
  '15 MB': { body: Buffer.alloc(15 * MB, 'harbour ') },
};

for (const [size, { body, more = [] }] of Object.entries(bodies)) {
  test(`a request with ${size} reaches the site whole, or not at all`, async ({ front, ada }) => {
    const key = await ada.api.makesKey({ name: 'Berths', scopes: ['write'] });
    const { status, reached } = await front.asks('POST', '/berths', { ...holding(key, ...more), body });
    expect(status).toBe(200);
    expect(reached).toMatchObject({ method: 'POST', length: body.length, digest: digest(body) });
    // nginx may hang up on somebody who goes on sending.
    const refused = await front.asks('DELETE', '/berths', { ...holding(key, ...more), body }).catch(() => undefined);
    if (refused) isRefused(refused, 403);
  });
}

test('a body that is too large for the site is told so, and not taken for a refusal', async ({ front, ada }) => {
  const key = await ada.api.makesKey({ name: 'Berths', scopes: ['write'] });
  // Only announced: nginx answers before it comes.
  isRefused(await front.asks('POST', '/berths', holding(key, ['Content-Length', `${17 * MB}`])), 413);
});

test('what the site itself answers is passed on, errors too', async ({ front, ada }) => {
  const key = await ada.api.makesKey({ name: 'Berths', scopes: ['read'] });
  for (const status of [200, 204, 302, 400, 401, 403, 404, 429, 500, 503]) {
    for (const more of [[], READS_PAGES]) {
      const answer = await front.asks('GET', `/berths?status=${status}`, holding(key, ...more));
      expect([answer.status, answer.body]).toEqual([status, status === 204 ? '' : 'the site']);
    }
  }
});

test('Latchkey’s pages, forms, files and API are reached past the site', async ({ front, ada }) => {
  const key = await ada.api.makesKey({ name: 'Berths', scopes: ['read'] });
  const page = await front.asks('GET', '/login', { headers: READS_PAGES });
  expect(page).toMatchObject({ status: 200, body: expect.stringContaining('Sign in') });
  const files = [...page.body.matchAll(/(?:href|src)="(\/[^"#?]+\.[a-z]+)/g)].map(([, file]) => file ?? '');
  expect(files.length).toBeGreaterThan(2);
  for (const file of [...files, '/v1/auth/me', '/.well-known/jwks.json']) {
    expect(await front.asks('GET', file, holding(key)), file).toMatchObject({ status: 200, reached: undefined });
  }
});

test('every page of Latchkey’s is in all three examples', async ({ front, ada }) => {
  const key = await ada.api.makesKey({ name: 'Berths', scopes: ['read'] });
  const routes = readFileSync(join(DEPLOY, '../app/src/routes.rs'), 'utf8');
  const pages = [...routes.matchAll(/Self::\w+ => "(\/[^"]+)"/g)].map(([, path]) => path ?? '').filter((path) => !path.startsWith('/dev/'));
  expect(pages.length).toBeGreaterThan(15);
  for (const page of pages) {
    expect((await front.asks('GET', page, holding(key, ...READS_PAGES))).reached, page).toBeUndefined();
  }
  const first = new Set(pages.map((page) => page.split('/')[1] ?? ''));
  for (const example of ['caddy/Caddyfile', 'traefik/dynamic.yml']) {
    const text = readFileSync(join(DEPLOY, example), 'utf8');
    expect([...first].filter((part) => !new RegExp(`[/(|]${part}\\b`).test(text)), example).toEqual([]);
  }
});

test('the addresses by which nginx asks are not there for others', async ({ front, ada }) => {
  const key = await ada.api.makesKey({ name: 'Berths', scopes: ['admin'] });
  for (const path of ['/_latchkey/forward', '/_latchkey/sign-in']) isRefused(await front.asks('GET', path, holding(key)), 404);
});
