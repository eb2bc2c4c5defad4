// Getting in without a password: a link, or its code.
import { Api } from '../../support/api.ts';
import { someone } from '../../support/people.ts';
import { type Mail, type PostOffice, code, linkTo } from '../../support/post-office.ts';
import { expect, test } from '../../support/test.ts';

const SUBJECT = 'Your sign-in link for Blue Harbour';
const ELSEWHERE =
  'This link was asked for in another browser. If you want to sign in there, type the code from the mail there instead.';

const mailTo = (office: PostOffice, email: string, after?: Mail): Promise<Mail> =>
  office.waitForMail(email, after ? { subject: SUBJECT, after } : { subject: SUBJECT });

test('with the link in the same browser it takes one press, and leads to the page first asked for', async ({ visitor, office, resident }) => {
  const { email } = resident.person;
  await visitor.opens('/settings/security');
  await visitor.isOn('/login');
  await visitor.field('Email').fill(email);
  await visitor.button('Email me a link instead').click();
  await visitor.waitsForMail();
  expect(decodeURIComponent(visitor.page.url())).not.toContain(email);
  await expect(visitor.lead).toContainText(`If ${email} has an account here, a mail is on its way.`);

  const mail = await mailTo(office, email);
  expect((await visitor.opens(linkTo('magic-link', mail)))?.status()).toBe(200);
  await visitor.reads('Sign in');
  await expect(visitor.page.getByText(ELSEWHERE)).toHaveCount(0);
  expect(await visitor.sessionCookie(), 'looking signs nobody in').toBeUndefined();
  await visitor.button(`Sign in as ${email}`).click();
  await visitor.isOn('/settings/security');
  expect(await resident.api.gets('/v1/auth/me')).toMatchObject({ emailVerified: true });
});

test('an unknown address is answered alike, and gets no mail', async ({ visitor, office }) => {
  const nobody = someone();
  await visitor.asksForLink(nobody.email);
  await expect(visitor.lead).toContainText(`If ${nobody.email} has an account here, a mail is on its way.`);
  expect(office.mailsTo(nobody.email)).toEqual([]);
});

test('the address that was typed for a link is asked for, not forgotten', async ({ visitor, watch }) => {
  if (visitor.hasScript) watch.expects(400, '/fn/ask-link');
  await visitor.opens('/login');
  await visitor.button('Email me a link instead').click();
  await expect(visitor.errorUnder('Email')).toHaveText('Enter an email.');
  await visitor.asksForLink('ada@example.test');
  await visitor.link('Use your password instead').click();
  await visitor.reads('Sign in');
  await expect(visitor.field('Email')).toHaveValue('ada@example.test');
});

test('M03 in another browser it warns and takes a press; the first tab says what happened and offers a new mail', async ({ visitor, anotherVisitor, office, resident }) => {
  const { email } = resident.person;
  await visitor.asksForLink(email, '/login?next=%2Fsettings%2Fprofile');
  const mail = await mailTo(office, email);
  const phone = await anotherVisitor();
  await phone.opens(linkTo('magic-link', mail));
  await expect(phone.page.getByText(ELSEWHERE)).toBeVisible();
  await expect(phone.lead).toContainText(`You are about to sign in as ${email}.`);
  expect(await phone.sessionCookie()).toBeUndefined();
  await phone.button('Sign in on this browser').click();
  await phone.isOn('/settings/api-keys');

  if (!visitor.hasScript) await visitor.link('Continue').click();
  await expect(visitor.page.getByRole('heading', { level: 1 })).toHaveText('That mail is used up', { timeout: 10_000 });
  expect(await visitor.sessionCookie(), 'the link signed in there, not here').toBeUndefined();
  await visitor.button('Send a new one').click();
  await visitor.waitsForMail();
  await visitor.entersCode(code(await mailTo(office, email, mail)), 'Sign in');
  await visitor.isOn('/settings/profile');
});

test('with the code in the first tab; a wrong one says so and spends nothing', async ({ visitor, office, resident, watch }) => {
  if (visitor.hasScript) watch.expects(400, '/fn/sign-in-code');
  const { email } = resident.person;
  await visitor.asksForLink(email, '/login?next=%2Fsettings%2Fprofile');
  const right = code(await mailTo(office, email));
  await expect(visitor.field('Code from the mail')).toHaveAttribute('autocomplete', 'one-time-code');
  await expect(visitor.field('Code from the mail')).toHaveAttribute('inputmode', 'numeric');
  await visitor.entersCode('', 'Sign in');
  await expect(visitor.errorUnder('Code from the mail')).toHaveText('Enter the code from the mail.');
  await visitor.entersCode(right === '111111' ? '222222' : '111111', 'Sign in');
  await expect(visitor.summary.locator('p')).toHaveText('That code is not right. Use the one in the newest mail, or send a new one.');
  await expect(visitor.errorUnder('Code from the mail')).toHaveText('This is not the code in the newest mail.');
  await visitor.entersCode(` ${right.slice(0, 3)} ${right.slice(3)} `, 'Sign in');
  await visitor.isOn('/settings/profile');
});

test('five wrong codes end the mail, the link with it; a new one works', async ({ visitor, anotherVisitor, office, resident, watch }) => {
  watch.expects(410, '/magic-link');
  if (visitor.hasScript) watch.expects(400, '/fn/sign-in-code');
  const { email } = resident.person;
  await visitor.asksForLink(email);
  const mail = await mailTo(office, email);
  const wrong = code(mail) === '111111' ? '222222' : '111111';
  for (let time = 1; time <= 4; time += 1) {
    await visitor.entersCode(wrong, 'Sign in');
    await expect(visitor.summary).toBeVisible();
    await visitor.opens('/login?way=mail');
  }
  await visitor.entersCode(wrong, 'Sign in');
  await expect(visitor.page.getByRole('heading', { level: 1 })).toHaveText('That mail is used up', { timeout: 10_000 });
  const phone = await anotherVisitor();
  expect((await phone.opens(linkTo('magic-link', mail)))?.status()).toBe(410);
  await visitor.button('Send a new one').click();
  await visitor.waitsForMail();
  await visitor.entersCode(code(await mailTo(office, email, mail)), 'Sign in');
  await visitor.isOn('/settings/api-keys');
});

test('a new mail replaces the one before', async ({ visitor, office, resident, watch }) => {
  watch.expects(400, '/magic-link');
  if (visitor.hasScript) watch.expects(400, '/fn/sign-in-code');
  const { email } = resident.person;
  await visitor.asksForLink(email);
  const first = await mailTo(office, email);
  await visitor.button('Send a new one').click();
  await expect(visitor.news).toHaveText('We sent a new mail. Only its link and its code work now.');
  const second = await mailTo(office, email, first);
  if (code(first) !== code(second)) {
    await visitor.entersCode(code(first), 'Sign in');
    await expect(visitor.errorUnder('Code from the mail')).toHaveText('This is not the code in the newest mail.');
  }
  await visitor.opens(linkTo('magic-link', first));
  await visitor.reads('This link is not valid');
  await visitor.opens(linkTo('magic-link', second));
  await visitor.button(`Sign in as ${email}`).click();
  await visitor.isOn('/settings/api-keys');
});

test('an expired link says so, and offers a new one that works', async ({ ownServer, anotherVisitor, office, watch }) => {
  watch.expects(410, '/magic-link');
  const latchkey = await ownServer({ ...office.settings, LATCHKEY_MAGIC_LINK_TTL: '4' });
  const ada = someone();
  await Api.registering(latchkey, ada);
  const visitor = await anotherVisitor({ at: latchkey });
  await visitor.asksForLink(ada.email);
  const old = await mailTo(office, ada.email);
  expect(old.text.replaceAll(/\s+/g, ' ')).toContain('within 1 minute.');
  if (visitor.hasScript) await expect(visitor.page.getByRole('heading', { level: 1 })).toHaveText('That mail has expired', { timeout: 12_000 });
  else {
    await expect(async () => {
      await visitor.link('Continue').click();
      await expect(visitor.page.getByRole('heading', { level: 1 })).toHaveText('That mail has expired', { timeout: 500 });
    }).toPass({ timeout: 12_000 });
  }
  expect((await visitor.opens(linkTo('magic-link', old)))?.status()).toBe(410);
  await visitor.reads('This link has expired');
  await visitor.button('Send a new one').click();
  await visitor.waitsForMail();
  await visitor.opens(linkTo('magic-link', await mailTo(office, ada.email, old)));
  await visitor.button(`Sign in as ${ada.email}`).click();
  await visitor.isOn('/settings/api-keys');
});

test('M04 a scanner that comes first spends nothing: HEAD, GET, and GET by another', async ({ visitor, anotherVisitor, office, resident }) => {
  const { email } = resident.person;
  await visitor.asksForLink(email);
  const link = linkTo('magic-link', await mailTo(office, email));
  const api = link.replace('/magic-link?', '/v1/auth/magic-link?');
  for (const [method, url] of [['HEAD', link], ['GET', link], ['HEAD', api], ['GET', api]] as const) {
    const answer = await fetch(url, { method, headers: { 'User-Agent': 'Blue Harbour Mail Scanner', Accept: 'text/html,*/*' } });
    expect(answer.status, `${method} ${url}`).toBe(200);
    expect(answer.headers.getSetCookie().filter((cookie) => cookie.startsWith('__Host-latchkey='))).toEqual([]);
  }
  const scanner = await anotherVisitor();
  await scanner.opens(link);
  await expect(scanner.button('Sign in on this browser')).toBeVisible();

  await visitor.opens(link);
  await visitor.button(`Sign in as ${email}`).click();
  await visitor.isOn('/settings/api-keys');
});

test('a used link is gone and says so; the new one it offers works', async ({ visitor, anotherVisitor, office, resident, watch }) => {
  watch.expects(410, '/magic-link');
  const { email } = resident.person;
  await visitor.asksForLink(email);
  const mail = await mailTo(office, email);
  await visitor.opens(linkTo('magic-link', mail));
  await visitor.button(`Sign in as ${email}`).click();
  await visitor.isOn('/settings/api-keys');

  const other = await anotherVisitor();
  const gone = await other.opens(linkTo('magic-link', mail));
  expect(gone?.status()).toBe(410);
  await other.reads('This link was used');
  await other.button('Send a new one').click();
  await other.waitsForMail();
  await other.opens(linkTo('magic-link', await mailTo(office, email, mail)));
  await other.button(`Sign in as ${email}`).click();
  await other.isOn('/settings/api-keys');
});

test('M01 two tabs on one link: the second press says that it was used', async ({ visitor, anotherVisitor, office, resident, watch }) => {
  // Without a script the form leads back to the link, which is gone by then; with one its page is fetched.
  watch.expects(410, '/magic-link');
  const { email } = resident.person;
  await visitor.asksForLink(email);
  const link = linkTo('magic-link', await mailTo(office, email));
  const other = await anotherVisitor();
  await other.opens(link);
  await visitor.opens(link);
  await visitor.button(`Sign in as ${email}`).click();
  await visitor.isOn('/settings/api-keys');
  await other.button('Sign in on this browser').click();
  await other.reads('This link was used');
  expect(await other.sessionCookie()).toBeUndefined();
  await expect(other.button('Send a new one')).toBeVisible();
});

test('an invented link and no link at all say what to do', async ({ visitor, watch }) => {
  watch.expects(400, '/magic-link');
  expect((await visitor.opens(`/magic-link?token=${'a'.repeat(43)}`))?.status()).toBe(400);
  await visitor.reads('This link is not valid');
  await visitor.opens('/magic-link');
  await visitor.reads('Open the link from your mail');
  await visitor.field('Email').fill('ada@example.test');
  await visitor.button('Send a new one').click();
  await visitor.waitsForMail();
});

test('“keep me signed in” travels with the link', async ({ visitor, office, resident }) => {
  const { email } = resident.person;
  await visitor.opens('/login');
  await visitor.page.getByRole('checkbox', { name: 'Keep me signed in' }).check();
  await visitor.field('Email').fill(email);
  await visitor.button('Email me a link instead').click();
  await visitor.waitsForMail();
  await visitor.opens(linkTo('magic-link', await mailTo(office, email)));
  await visitor.button(`Sign in as ${email}`).click();
  await visitor.isOn('/settings/api-keys');
  const cookie = (await visitor.page.context().cookies()).find(({ name }) => name === '__Host-latchkey');
  expect(cookie?.expires).toBeGreaterThan(Date.now() / 1000);
});
