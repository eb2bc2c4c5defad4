// What a script adds to signing in by mail: tabs that notice, addresses that forget, and everything by keyboard.
import { Api } from '../../support/api.ts';
import { type Mail, type PostOffice, code, linkTo } from '../../support/post-office.ts';
import { expect, test } from '../../support/test.ts';
import type { Visitor } from '../../support/visitor.ts';

const asked = (office: PostOffice, email: string): Promise<Mail> => office.waitForMail(email, { subject: 'Your sign-in link for Blue Harbour' });

/** Every address that the way back and forth of the tab holds. */
async function history({ page }: Visitor): Promise<string[]> {
  const devtools = await page.context().newCDPSession(page);
  const { entries } = await devtools.send('Page.getNavigationHistory');
  await devtools.detach();
  return entries.map(({ url }) => url);
}

test('the first tab goes on by itself when the link was used in another tab', async ({ visitor, office, resident }) => {
  const { email } = resident.person;
  await visitor.asksForLink(email, '/login?next=%2Fsettings%2Fprofile');
  const tab = await visitor.page.context().newPage();
  await tab.goto(linkTo('magic-link', await asked(office, email)));
  await expect(tab.locator('html[data-hydrated]')).toBeAttached();
  await tab.getByRole('button', { name: `Sign in as ${email}` }).click();
  await tab.waitForURL('**/settings/profile');
  await tab.close();
  await visitor.page.bringToFront();
  await visitor.page.waitForURL('**/settings/profile', { timeout: 10_000 });
  await visitor.settles();
  await expect(visitor.page.locator('.who')).toContainText(resident.person.name);
});

test('a tab that waits keeps what is being typed, and asks quietly', async ({ visitor, resident }) => {
  await visitor.asksForLink(resident.person.email);
  const looks: string[] = [];
  visitor.page.on('request', (request) => {
    if (request.url().includes('/fn/')) looks.push(new URL(request.url()).pathname);
  });
  await visitor.field('Code from the mail').pressSequentially('482');
  await expect.poll(() => looks.length, { timeout: 10_000 }).toBe(2);
  expect([...new Set(looks)]).toEqual(['/fn/look-for-link']);
  await expect(visitor.field('Code from the mail')).toHaveValue('482');
  await expect(visitor.field('Code from the mail')).toBeFocused();
});

test('what has become of the mail is said to people who listen, and the focus is not lost', async ({ visitor, anotherVisitor, office, resident }) => {
  const { email } = resident.person;
  await visitor.asksForLink(email);
  await expect(visitor.field('Code from the mail')).toBeFocused();
  const phone = await anotherVisitor();
  await phone.opens(linkTo('magic-link', await asked(office, email)));
  await phone.button('Sign in on this browser').click();
  await phone.isOn('/settings/api-keys');
  await expect(visitor.page.locator('#announcer')).toContainText('was used in another browser', { timeout: 10_000 });
  await expect(visitor.page.getByRole('heading', { level: 1 })).toBeFocused();
});

for (const [page, subject] of [['magic-link', 'signIn'], ['reset-password', 'reset'], ['secure-account', 'notice']] as const) {
  test(`M05 the token leaves the address bar and the history: /${page}`, async ({ visitor, office, resident }) => {
    const { person } = resident;
    if (subject === 'signIn') await visitor.asksForLink(person.email);
    if (subject === 'reset') await visitor.asksForNewPassword(person.email);
    if (subject === 'notice') await visitor.signsIn(person);
    const words = { signIn: /^Your sign-in link/, reset: /^Choose a new password/, notice: /^New sign-in/ }[subject];
    const link = linkTo(page, await office.waitForMail(person.email, { subject: words }));
    const token = new URL(link).searchParams.get('token') ?? link.split('/').pop() ?? '';
    await visitor.opens(link);
    await expect(visitor.page).toHaveURL(`/${page}`);
    expect((await history(visitor)).join(' ')).not.toContain(token);
    if (subject === 'signIn') {
      await visitor.button(`Sign in as ${person.email}`).click();
      await visitor.isOn('/settings/api-keys');
      expect((await history(visitor)).join(' ')).not.toContain(token);
      await visitor.page.goBack();
      await visitor.settles();
      expect(await visitor.page.content()).not.toContain(token);
    }
  });
}

test('M05 no request but the first carries the token of a link', async ({ anotherVisitor, office, resident, latchkey }) => {
  const { email } = resident.person;
  await Api.asksForMail(latchkey, 'magic-link', email);
  const link = linkTo('magic-link', await asked(office, email));
  const token = new URL(link).searchParams.get('token') ?? '';
  // Somebody whose browser has nothing of ours yet.
  const visitor = await anotherVisitor();
  const sent: string[] = [];
  visitor.page.on('request', async (request) => {
    const all = request.url() + JSON.stringify(await request.allHeaders());
    if (request.url() !== link && all.includes(token)) sent.push(request.url());
  });
  await visitor.opens(link);
  await visitor.page.waitForLoadState('networkidle');
  expect(sent).toEqual([]);
});

test('a theme chosen on the landing page does not lose the link', async ({ visitor, office, resident }) => {
  const { email } = resident.person;
  await visitor.asksForLink(email);
  await visitor.opens(linkTo('magic-link', await asked(office, email)));
  await visitor.button('Dark').click();
  await expect(visitor.button('Dark')).toHaveAttribute('aria-pressed', 'true');
  await visitor.button(`Sign in as ${email}`).click();
  await visitor.isOn('/settings/api-keys');
});

test('by keyboard alone: ask for the mail, type the code, go on', async ({ visitor, office, resident }) => {
  const { email } = resident.person;
  const { keyboard } = visitor.page;
  await visitor.opens('/login');
  await keyboard.type(email);
  await visitor.tabsTo(visitor.button('Email me a link instead'));
  await keyboard.press('Enter');
  await visitor.waitsForMail();
  await expect(visitor.field('Code from the mail')).toBeFocused();
  await keyboard.type(code(await asked(office, email)));
  await keyboard.press('Enter');
  await visitor.isOn('/settings/api-keys');
});

test('by keyboard alone: a new password', async ({ visitor, office, resident }) => {
  const { email, password } = resident.person;
  const { keyboard } = visitor.page;
  await visitor.opens('/login');
  await visitor.tabsTo(visitor.link('Forgot your password?'));
  await keyboard.press('Enter');
  await visitor.isOn('/forgot-password');
  await expect(visitor.field('Email')).toBeFocused();
  await keyboard.type(email);
  await keyboard.press('Enter');
  await visitor.waitsForMail();
  await expect(visitor.field('Code from the mail')).toBeFocused();
  await keyboard.type(code(await office.waitForMail(email, { subject: 'Choose a new password for Blue Harbour' })));
  await keyboard.press('Enter');
  await visitor.isOn('/reset-password');
  await expect(visitor.field('New password')).toBeFocused();
  await keyboard.type(`lantern ${password}`);
  await keyboard.press('Enter');
  await visitor.isOn('/login');
  await expect(visitor.news).toHaveText('Your password was changed. Sign in with the new one.');
});

test('by keyboard alone: the link of a mail', async ({ visitor, office, resident }) => {
  const { email } = resident.person;
  await visitor.asksForLink(email);
  await visitor.opens(linkTo('magic-link', await asked(office, email)));
  await visitor.tabsTo(visitor.button(`Sign in as ${email}`));
  await visitor.page.keyboard.press('Enter');
  await visitor.isOn('/settings/api-keys');
});

test('P07 password managers are told whose new password it is', async ({ visitor, office, resident }) => {
  const { email } = resident.person;
  await visitor.asksForNewPassword(email);
  await visitor.opens(linkTo('reset-password', await office.waitForMail(email, { subject: 'Choose a new password for Blue Harbour' })));
  await expect(visitor.field('New password')).toHaveAttribute('autocomplete', 'new-password');
  await expect(visitor.page.locator('form[action="/fn/reset-password"] input[autocomplete=username]')).toHaveValue(email);
});
