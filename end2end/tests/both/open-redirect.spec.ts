// Nobody is led out of the house by a link into it (C06).
import { expect, test } from '../../support/test.ts';

const OUTWARD = [
  '//evil.test',
  '///evil.test',
  '/\\evil.test',
  '\\\\evil.test',
  'https:evil.test',
  'https://evil.test/settings/api-keys',
  'http://localhost@evil.test/',
  '/%2f%2fevil.test',
  '/%5cevil.test',
  '/\t/evil.test',
  '/\r\nLocation: https://evil.test',
  ' //evil.test',
  '/user@evil.test',
  'javascript:alert(document.domain)',
  'data:text/html,<script>alert(1)</script>',
  '/fn/sign-out',
  '/..//evil.test',
  '/a/../fn/sign-out',
];

test('C06 signing in never leads to another site', async ({ visitor, anotherVisitor, resident }) => {
  for (const next of OUTWARD.slice(0, 8)) {
    const guest = await anotherVisitor();
    await guest.opens(`/login?next=${encodeURIComponent(next)}`);
    await guest.entersCredentials(resident.person);
    await guest.isOn('/settings/api-keys');
    expect(new URL(guest.page.url()).origin, next).toBe(visitor.latchkey.url);
    await guest.leaves();
  }
});

test('C06 somebody who is signed in is not led away either', async ({ visitor, resident, latchkey }) => {
  await visitor.signsIn(resident.person);
  const { request } = visitor.page.context();
  for (const next of OUTWARD) {
    const answer = await request.get(`/login?next=${encodeURIComponent(next)}`, { maxRedirects: 0 });
    expect(answer.status(), next).toBe(303);
    const to = new URL(answer.headers()['location'] ?? '', latchkey.url);
    expect(to.href, next).toBe(`${latchkey.url}/settings/api-keys`);
  }
});

test('C06 a target put into the form by hand leads nowhere else', async ({ visitor, resident, latchkey }) => {
  for (const next of OUTWARD.slice(0, 3)) {
    await visitor.opens('/login');
    await visitor.page.locator('form[action="/fn/sign-in"] input[name=next]').evaluate((input, value) => input.setAttribute('value', value), next);
    await visitor.entersCredentials(resident.person);
    await visitor.isOn('/settings/api-keys');
    expect(new URL(visitor.page.url()).origin).toBe(latchkey.url);
    await visitor.signsOut();
  }
});

test('C06 the ways between signing in and registering carry no foreign target', async ({ visitor }) => {
  for (const path of ['/login', '/register']) {
    for (const next of OUTWARD) {
      await visitor.opens(`${path}?next=${encodeURIComponent(next)}`);
      for (const link of await visitor.page.locator('main a').all()) {
        expect(await link.getAttribute('href'), `${path} with ${next}`).not.toContain('next=');
      }
    }
  }
});
