// How the pages behave when a script is there: copying, leaving, waiting, failing.
import { Api } from '../../support/api.ts';
import { expect, test } from '../../support/test.ts';

test('copy puts the very key on the clipboard', async ({ visitor, resident, latchkey }) => {
  await visitor.mayUseClipboard();
  await visitor.signsIn(resident.person);
  const key = await visitor.keys.creates('To be copied');
  await visitor.keys.copiesNewKey();
  const copied = await visitor.readsClipboard();
  expect(copied).toBe(key);
  expect(await Api.holding(latchkey, copied).verifies()).toBe(200);
  await visitor.keys.isDone();
});

test('a clipboard that refuses leaves the key selected, ready to copy by hand', async ({ visitor, resident, watch }) => {
  watch.expectsQuestion(/not copied the key yet/, 'yes');
  await visitor.page.addInitScript(() => {
    navigator.clipboard.writeText = () => Promise.reject(new Error('refused'));
  });
  await visitor.signsIn(resident.person);
  const key = await visitor.keys.creates('By hand');
  await visitor.keys.dialog.getByRole('button', { name: 'Copy' }).first().click();
  await expect(visitor.keys.dialog.getByRole('button', { name: 'Press Ctrl+C' })).toBeVisible();
  expect(await visitor.page.evaluate(() => getSelection()?.toString())).toBe(key);
  await visitor.keys.dialog.getByRole('link', { name: 'Done' }).click();
  await expect(visitor.keys.dialog).toHaveCount(0);
});

test('leaving a key uncopied asks: by the button, by Escape, and by going elsewhere', async ({ visitor, resident, watch }) => {
  watch.expectsQuestion(/not copied the key yet/, 'no');
  watch.expectsQuestion(/not copied the key yet/, 'no');
  watch.expectsQuestion(/^$/, 'yes');
  await visitor.signsIn(resident.person);
  await visitor.keys.creates('Nearly lost');
  await visitor.keys.dialog.getByRole('link', { name: 'Done' }).click();
  await expect(visitor.keys.dialog).toBeVisible();
  await visitor.page.keyboard.press('Escape');
  await expect(visitor.keys.dialog).toBeVisible();
  await visitor.opens('/settings/profile');
});

test('the copy button says so for two seconds, also to people who listen', async ({ visitor, resident }) => {
  await visitor.mayUseClipboard();
  await visitor.signsIn(resident.person);
  await visitor.keys.creates('Announced');
  await visitor.page.clock.install();
  await visitor.page.clock.pauseAt(Date.now() + 60_000);
  const button = visitor.keys.newKey.getByRole('button');
  await button.click();
  await expect(button).toHaveText('Copied');
  await expect(visitor.page.locator('#announcer')).toHaveText('Copied');
  await visitor.page.clock.runFor(1900);
  await expect(button).toHaveText('Copied');
  await visitor.page.clock.runFor(100);
  await expect(button).toHaveText('Copy');
  await visitor.page.clock.resume();
  await visitor.keys.isDone();
});

test('an error goes away from its field as soon as it is being mended', async ({ visitor, watch }) => {
  watch.expects(400, '/fn/sign-in');
  await visitor.opens('/login');
  await visitor.button('Sign in').click();
  await expect(visitor.field('Email')).toHaveAttribute('aria-invalid', 'true');
  await visitor.field('Email').pressSequentially('a');
  await expect(visitor.field('Email')).not.toHaveAttribute('aria-invalid', 'true');
  await expect(visitor.errorUnder('Email')).toBeEmpty();
  await expect(visitor.errorUnder('Password')).toHaveText('Enter a password.');
});

test('a form that takes long says that it is busy, and is sent once', async ({ visitor, resident }) => {
  await visitor.opens('/login');
  let goOn = () => {};
  const held = new Promise<void>((resolve) => (goOn = resolve));
  let sent = 0;
  await visitor.page.route('**/fn/sign-in', async (route) => {
    sent += 1;
    await held;
    await route.continue();
  });
  await visitor.entersCredentials(resident.person);
  await expect(visitor.page.locator('form[action="/fn/sign-in"]')).toHaveAttribute('aria-busy', 'true');
  await visitor.field('Password').press('Enter');
  goOn();
  await visitor.isOn('/settings/api-keys');
  expect(sent).toBe(1);
});

test('a server that cannot be reached loses nothing of what was typed', async ({ visitor, resident, watch }) => {
  watch.expects('lost', '/fn/create-key');
  await visitor.signsIn(resident.person);
  await visitor.keys.startsToCreate();
  await visitor.field('Name').fill('Typed once');
  await visitor.page.route('**/fn/create-key', (route) => route.abort('connectionrefused'));
  await visitor.keys.presses('Create key');
  await expect(visitor.summary).toContainText('We could not reach the server. Check your connection, then try again.');
  await expect(visitor.field('Name')).toHaveValue('Typed once');
  await visitor.page.unroute('**/fn/create-key');
  await visitor.keys.presses('Create key');
  await visitor.keys.readsNewKey();
  await visitor.keys.isDone();
});

test('an answer of a broken proxy is a clear message, not a blank page', async ({ visitor, resident, watch }) => {
  watch.expects(502, '/fn/profile');
  await visitor.signsIn(resident.person);
  await visitor.opens('/settings/profile');
  await visitor.page.route('**/fn/profile', (route) => route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>Bad gateway</h1>' }));
  await visitor.field('Name').fill('Not lost');
  await visitor.button('Save profile').click();
  await expect(visitor.summary).toContainText('Something went wrong on our side. Try again in a moment.');
  await expect(visitor.field('Name')).toHaveValue('Not lost');
});

test('filters, dialogs and the way back work without a reload', async ({ visitor, household }) => {
  await visitor.signsIn(household.person);
  const loads = visitor.countsLoads();
  await visitor.keys.filters('Expired');
  await expect(visitor.keys.names).toHaveText(['Old importer']);
  await visitor.keys.filters('Revoked');
  await expect(visitor.keys.names).toHaveText(['Laptop of an intern']);
  await visitor.page.goBack();
  await expect(visitor.keys.names).toHaveText(['Old importer']);
  await visitor.keys.startsToCreate();
  await visitor.page.goBack();
  await expect(visitor.keys.dialog).toHaveCount(0);
  expect(loads()).toBe(0);
});

test('one press makes one key, however often it is pressed', async ({ visitor, resident }) => {
  await visitor.signsIn(resident.person);
  await visitor.keys.startsToCreate();
  await visitor.field('Name').fill('Only one');
  await visitor.keys.dialog.getByRole('button', { name: 'Create key' }).evaluate((button: HTMLElement) => {
    button.click();
    button.click();
    button.click();
  });
  await visitor.keys.readsNewKey();
  expect(await resident.api.gets('/v1/api-keys')).toHaveLength(1);
  await visitor.keys.isDone();
});

test('the sentence under the expiry follows the choice', async ({ visitor, resident }) => {
  await visitor.signsIn(resident.person);
  await visitor.keys.startsToCreate();
  const sentence = visitor.page.locator('.expiry-sentence');
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).getUTCFullYear().toString();
  await expect(visitor.field('Expires')).toHaveValue('90');
  await expect(sentence).toContainText(/^Stops working on \d+ \w+ \d{4}\.$/);
  await visitor.field('Expires').selectOption('365');
  await expect(sentence).toContainText(inDays(365));
  await visitor.field('Expires').selectOption('none');
  await expect(sentence).toHaveText('Works until it is revoked. Choose a date where you can.');
});
