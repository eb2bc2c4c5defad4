// Coming from another site, with a ticket or with the tokens of a session.
import { Api } from '../../support/api.ts';
import { LANDING, goOn, holdsTokens, rawLink, ticketLink } from '../../support/handoff.ts';
import { someone } from '../../support/people.ts';
import { expect, test } from '../../support/test.ts';
import type { Visitor } from '../../support/visitor.ts';

const KEYS = '/settings/api-keys';

/** What a browser keeps of a page that was left with nothing. */
async function keepsNothing(visitor: Visitor): Promise<void> {
  expect(await visitor.sessionCookie()).toBeUndefined();
  expect(await visitor.page.evaluate(() => ({ ...localStorage, ...sessionStorage }))).toEqual({});
}

test('a link with tokens signs in after one click, however it was encoded', async ({ anotherVisitor, resident, latchkey }) => {
  for (const times of [1, 2]) {
    const token = await holdsTokens(latchkey, resident.person);
    const visitor = await anotherVisitor();
    await visitor.opens(rawLink(token, times));
    await visitor.reads('Continue?');
    await keepsNothing(visitor);
    await visitor.button(goOn(resident.person)).click();
    await visitor.isOn(KEYS);
    expect(await visitor.page.content()).not.toContain(token.accessToken);
  }
});

test('a ticket signs in once', async ({ visitor, anotherVisitor, resident, latchkey, watch }) => {
  const link = await ticketLink(latchkey, await holdsTokens(latchkey, resident.person));
  const late = await anotherVisitor();
  for (const guest of [visitor, late]) {
    await guest.opens(link);
    await guest.reads('Continue?');
  }
  await visitor.button(goOn(resident.person)).click();
  await visitor.isOn(KEYS);

  watch.expects(410, LANDING);
  await late.button(goOn(resident.person)).click();
  await late.reads('This link is over');
  await keepsNothing(late);
  await late.link('Go to sign-in').click();
  await late.isOn('/login');
  watch.expects(400, LANDING);
  const later = await anotherVisitor();
  expect((await later.opens(link))?.status()).toBe(400);
  await later.reads('This link is not valid');
});

test('nobody is signed in as somebody else without a click', async ({ visitor, resident, latchkey }) => {
  const ben = someone();
  await visitor.registers(ben);
  const before = await visitor.sessionCookie();
  const link = await ticketLink(latchkey, await holdsTokens(latchkey, resident.person));
  await visitor.opens(link);
  await expect(visitor.page.getByText(`You are signed in as ${ben.email}. That session ends.`)).toBeVisible();
  await visitor.link('Stay signed in as you are').click();
  await visitor.isOn(KEYS);
  expect(await visitor.sessionCookie()).toBe(before);

  await visitor.opens(link);
  await visitor.button(goOn(resident.person)).click();
  await visitor.isOn(KEYS);
  await expect(visitor.page.locator('.who')).toContainText(resident.person.name);
  const answer = await fetch(`${latchkey.url}/v1/auth/me`, { headers: { Cookie: `__Host-latchkey=${before}` } });
  expect(answer.status).toBe(401);
});

test('somebody who is here already is not warned', async ({ visitor, resident, latchkey }) => {
  await visitor.signsIn(resident.person);
  await visitor.opens(rawLink(await holdsTokens(latchkey, resident.person)));
  await expect(visitor.button(goOn(resident.person))).toBeVisible();
  await expect(visitor.page.getByText('That session ends.')).toHaveCount(0);
});

test('what is not good is a page that says so, and nothing is stored', async ({ visitor, anotherVisitor, resident, latchkey, ownServer, watch }) => {
  const good = await holdsTokens(latchkey, resident.person);
  const other = someone();
  await Api.registering(latchkey, other);
  const elsewhere = await ownServer();
  await Api.registering(elsewhere, resident.person);
  const foreign = await holdsTokens(elsewhere, resident.person);
  const [head, body, signature] = good.accessToken.split('.');
  const bad: [string, string][] = [
    ['of another installation', rawLink(foreign)],
    ['of another person', rawLink({ ...good, email: other.email })],
    ['with another id', rawLink({ ...good, localId: 'G5X86jcOynfWEATcKaVI3u11Nlo2' })],
    ['tampered with', rawLink({ ...good, accessToken: `${head}.${body}.${signature?.split('').reverse().join('')}` })],
    ['unsigned', rawLink({ ...good, accessToken: `${btoa('{"alg":"none"}')}.${body}.` })],
    ['with another refresh token', rawLink({ ...good, refreshToken: foreign.refreshToken })],
    ['cut off', rawLink(JSON.stringify(good).slice(0, -20))],
    ['no JSON', rawLink('[object Object]')],
    ['huge', rawLink({ ...good, more: 'x'.repeat(9000) })],
    ['a ticket that was never given out', `${LANDING}?ticket=lkh_${'x'.repeat(43)}`],
    ['a refresh token as a ticket', `${LANDING}?ticket=${good.refreshToken}`],
    ['nothing at all', LANDING],
  ];
  watch.expects(400, LANDING);
  for (const [what, link] of bad) {
    const answer = await visitor.opens(link);
    expect(answer?.status(), what).toBe(400);
    await visitor.reads(what === 'nothing at all' ? 'Nothing came with this link' : 'This link is not valid');
    expect(await visitor.page.content(), what).not.toContain(good.accessToken);
    await keepsNothing(visitor);
    if (visitor.hasScript) expect(new URL(visitor.page.url()).search, what).toBe('');
  }
  await visitor.link('Go to sign-in').click();
  await visitor.isOn('/login');
  const here = await anotherVisitor();
  await here.opens(rawLink(good));
  await here.reads('Continue?');
});

test('tokens whose time is over are refused', async ({ ownServer, anotherVisitor, watch }) => {
  const hasty = await ownServer({ LATCHKEY_ACCESS_TOKEN_TTL: '1' });
  const person = someone();
  await Api.registering(hasty, person);
  const token = await holdsTokens(hasty, person);
  const visitor = await anotherVisitor({ at: hasty });
  watch.expects(400, LANDING);
  await expect(async () => {
    expect((await visitor.opens(rawLink(token)))?.status()).toBe(400);
  }).toPass();
  await visitor.reads('This link is not valid');
  await keepsNothing(visitor);
});

test('an operator can take tickets alone', async ({ ownServer, anotherVisitor, watch }) => {
  const strict = await ownServer({ LATCHKEY_RAW_HANDOFF: 'false' });
  const person = someone();
  await Api.registering(strict, person);
  const token = await holdsTokens(strict, person);
  const visitor = await anotherVisitor({ at: strict });
  watch.expects(400, LANDING);
  await visitor.opens(rawLink(token));
  await visitor.reads('This link is not valid');
  await visitor.opens(await ticketLink(strict, token));
  await visitor.button(goOn(person)).click();
  await visitor.isOn(KEYS);
});

test('a second factor that was not proven there is due here', async ({ visitor, guarded, latchkey }) => {
  const { person, phone, api } = guarded;
  const about = { deviceName: 'Program', deviceType: 'desktop', deviceFingerprint: 'p1' };
  const trusted = await api.asks('POST', '/v1/auth/2fa/trusted-devices', about);
  expect(trusted.status).toBe(201);
  const { deviceToken } = (await trusted.json()) as { deviceToken: string };
  latchkey.keepsSecret('token of a device', deviceToken);
  await visitor.opens(rawLink(await holdsTokens(latchkey, person, { 'X-Device-Token': deviceToken })));
  await visitor.button(goOn(person)).click();
  await visitor.isOn('/login/two-factor');
  await visitor.entersSecondCode(await phone.next());
  await visitor.isOn(KEYS);
});

test('a page that was open for too long strands nobody', async ({ visitor, resident, latchkey, watch }) => {
  const link = await ticketLink(latchkey, await holdsTokens(latchkey, resident.person));
  await visitor.opens(link);
  await visitor.page.context().clearCookies();
  if (visitor.hasScript) {
    // The form fetches a new proof from the page, which now says that nothing came with it.
    watch.expects(403, '/fn/continue');
    watch.expects(400, LANDING);
  }
  await visitor.button(goOn(resident.person)).click();
  if (!visitor.hasScript) {
    await expect(visitor.summary).toContainText('Send the form once more.');
    await visitor.button(goOn(resident.person)).click();
  }
  await visitor.isOn(KEYS);
});
