// Getting in, and being refused.
import { someone } from '../../support/people.ts';
import { expect, test } from '../../support/test.ts';

test('a wrong password says so, keeps the email, and the right one leads on', async ({ visitor, resident, watch }) => {
  if (visitor.hasScript) watch.expects(401, '/fn/sign-in');
  await visitor.opens('/login');
  await expect(visitor.field('Email')).toBeFocused();
  await visitor.entersCredentials({ ...resident.person, password: 'not the password at all' });

  await expect(visitor.summary.locator('p')).toHaveText('That email and password do not match. Check both and try again.');
  await expect(visitor.summary).toBeFocused();
  await expect(visitor.field('Email')).toHaveValue(resident.person.email);
  expect(await visitor.sessionCookie()).toBeUndefined();
  expect(visitor.page.url()).not.toContain(encodeURIComponent(resident.person.email));

  await visitor.field('Password').fill(resident.person.password);
  await visitor.button('Sign in').click();
  await visitor.isOn('/settings/api-keys');
});

test('an unknown address is refused in the same words', async ({ visitor, watch }) => {
  if (visitor.hasScript) watch.expects(401, '/fn/sign-in');
  await visitor.opens('/login');
  await visitor.entersCredentials(someone());
  await expect(visitor.summary.locator('p')).toHaveText('That email and password do not match. Check both and try again.');
});

test('an empty form names each missing thing', async ({ visitor, watch }) => {
  if (visitor.hasScript) watch.expects(400, '/fn/sign-in');
  await visitor.opens('/login');
  await visitor.button('Sign in').click();
  await expect(visitor.errorUnder('Email')).toHaveText('Enter an email.');
  await expect(visitor.errorUnder('Password')).toHaveText('Enter a password.');
  if (visitor.hasScript) await expect(visitor.field('Email')).toBeFocused();
  else await expect(visitor.summary).toBeFocused();
});

test('registration refuses what it cannot take, beside the field, and keeps what was typed', async ({ visitor, resident, watch }) => {
  if (visitor.hasScript) watch.expects(422, '/fn/register');
  if (visitor.hasScript) watch.expects(409, '/fn/register');
  const newcomer = someone({ email: resident.person.email });
  await visitor.opens('/register');
  await visitor.fillsInRegistration({ ...newcomer, password: 'password1234' });
  await visitor.button('Create account').click();
  await expect(visitor.errorUnder('Password')).not.toBeEmpty();
  await expect(visitor.field('Name')).toHaveValue(newcomer.name);
  await expect(visitor.field('Organization (optional)')).toHaveValue(newcomer.company);

  await visitor.field('Password').fill(newcomer.password);
  await visitor.button('Create account').click();
  await expect(visitor.errorUnder('Email')).toHaveText('There is an account with this email already.');
  expect(await visitor.sessionCookie()).toBeUndefined();
});

test('password managers are told what each field is', async ({ visitor }) => {
  const meant = async (path: string, expected: Record<string, string>) => {
    await visitor.opens(path);
    for (const [label, purpose] of Object.entries(expected)) await expect(visitor.field(label)).toHaveAttribute('autocomplete', purpose);
  };
  await meant('/login', { Email: 'username', Password: 'current-password' });
  await meant('/register', { Name: 'name', Email: 'username', Password: 'new-password' });
});

test('the page first asked for is where signing in leads', async ({ visitor, resident }) => {
  await visitor.opens('/settings/security');
  await visitor.isOn('/login');
  await expect(visitor.page.getByText('Sign in to go on to the page you asked for.')).toBeVisible();
  await visitor.entersCredentials(resident.person);
  await visitor.isOn('/settings/security');
});

test('a link into a dialog survives signing in', async ({ visitor, resident }) => {
  await visitor.opens('/settings/api-keys?dialog=create');
  await visitor.isOn('/login');
  await visitor.entersCredentials(resident.person);
  await visitor.isOn('/settings/api-keys');
  await expect(visitor.keys.dialog.getByRole('heading', { name: 'Create an API key' })).toBeVisible();
});

test('the start leads in, or on', async ({ visitor, resident }) => {
  await visitor.opens('/');
  await visitor.isOn('/login');
  await visitor.signsIn(resident.person);
  await visitor.opens('/');
  await visitor.isOn('/settings/api-keys');
  await visitor.opens('/login');
  await visitor.isOn('/settings/api-keys');
});

test('“keep me signed in” outlives the browser, its absence does not', async ({ visitor, anotherVisitor, resident }) => {
  const expiry = async (who: typeof visitor) => {
    const cookies = await who.page.context().cookies();
    return cookies.find(({ name }) => name === '__Host-latchkey')?.expires ?? 0;
  };
  await visitor.signsIn(resident.person);
  expect(await expiry(visitor)).toBe(-1);

  const other = await anotherVisitor();
  await other.opens('/login');
  await other.page.getByRole('checkbox', { name: 'Keep me signed in' }).check();
  await other.entersCredentials(resident.person);
  await other.isOn('/settings/api-keys');
  const days = ((await expiry(other)) - Date.now() / 1000) / 86_400;
  expect(days).toBeGreaterThan(13);
  expect(days).toBeLessThanOrEqual(30);
});

test('closed registration says so and offers no form', async ({ ownServer, anotherVisitor }) => {
  const latchkey = await ownServer({ LATCHKEY_REGISTRATION: 'closed' });
  const visitor = await anotherVisitor({ at: latchkey });
  await visitor.opens('/login');
  await expect(visitor.page.getByRole('link', { name: 'Create an account' })).toHaveCount(0);
  await visitor.opens('/register');
  await expect(visitor.page.getByText('New accounts are closed here. Ask an administrator to add you.')).toBeVisible();
  await expect(visitor.button('Create account')).toHaveCount(0);
});

test('an address that leads nowhere says so and offers a way on', async ({ visitor, watch }) => {
  watch.expects(404, '/no/such/page');
  const answer = await visitor.opens('/no/such/page');
  expect(answer?.status()).toBe(404);
  await expect(visitor.page.getByRole('heading', { name: 'There is no such page' })).toBeVisible();
  await visitor.page.getByRole('link', { name: 'Go to the start' }).click();
  await visitor.isOn('/login');
});
