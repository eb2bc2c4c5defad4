// Showing once more who one is, before something that needs more than an open session.
import { Api } from '../../support/api.ts';
import { guarded, nth } from '../../support/guarded.ts';
import { type Person, someone } from '../../support/people.ts';
import { expect, test } from '../../support/test.ts';
import type { Visitor } from '../../support/visitor.ts';

/** Looks away for an hour. No page is open meanwhile, which would still load something while the server starts anew. */
async function looksAway(visitor: Visitor, { email }: Person): Promise<void> {
  await visitor.page.goto('about:blank');
  await visitor.latchkey.agesSessions(email);
  await visitor.keys.open();
}

/** Somebody without a second factor, whose session has been open for an hour. */
async function cameLongAgo(visitor: Visitor): Promise<Person> {
  const ada = someone();
  await visitor.registers(ada);
  await looksAway(visitor, ada);
  return ada;
}

/** Asks for a key that may do everything. */
async function asksForStrongKey(visitor: Visitor): Promise<void> {
  await visitor.keys.startsToCreate();
  await visitor.field('Name').fill('Opens everything');
  await visitor.keys.dialog.getByRole('checkbox', { name: 'Admin' }).check();
  await visitor.field('Expires').selectOption('30');
  await visitor.keys.presses('Create key');
  await isAskedAgain(visitor);
}

async function isAskedAgain(visitor: Visitor): Promise<void> {
  await visitor.isOn('/confirm');
  await visitor.reads('Confirm that it is you');
}

/** The form is there as it was left. */
async function isBackAtForm(visitor: Visitor): Promise<void> {
  await visitor.isOn(/^\/settings\/api-keys\?dialog=create/);
  await expect(visitor.field('Name')).toHaveValue('Opens everything');
  await expect(visitor.keys.dialog.getByRole('checkbox', { name: 'Admin' })).toBeChecked();
  await expect(visitor.field('Expires')).toHaveValue('30');
  await expect(visitor.summary, 'nothing was refused').toHaveCount(0);
}

/** The same form, sent once more. */
async function getsStrongKey(visitor: Visitor): Promise<void> {
  await isBackAtForm(visitor);
  await expect(visitor.keys.dialog.locator('form .notice-good')).toHaveText('Thank you. Send the form once more.');
  await visitor.keys.presses('Create key');
  const key = await visitor.keys.readsNewKey();
  await visitor.keys.isDone();
  expect(await Api.holding(visitor.latchkey, key).gets('/v1/auth/verify')).toMatchObject({ active: true, principal: { scopes: ['read', 'admin'] } });
}

test('a key that may do everything asks for the password again, and what was filled in comes back', async ({ ownServer, anotherVisitor }) => {
  const visitor = await anotherVisitor({ at: await ownServer() });
  const { password } = await cameLongAgo(visitor);
  await asksForStrongKey(visitor);
  await visitor.showsAgain('Your password', password);
  await getsStrongKey(visitor);
});

test('what was filled in comes back after a wrong code too', async ({ ownServer, anotherVisitor }) => {
  const latchkey = await ownServer();
  const { person, phone, backupCodes } = await guarded(latchkey);
  const visitor = await anotherVisitor({ at: latchkey });
  await visitor.signsInWithCode(person, await phone.next());
  await looksAway(visitor, person);
  await asksForStrongKey(visitor);
  visitor.expectsRefusal(400, '/fn/show-again');
  await visitor.showsAgain('Code or backup code', phone.wrong());
  await expect(visitor.errorUnder('Code or backup code')).toContainText('Not right, or used already.');
  await visitor.showsAgain('Code or backup code', nth(backupCodes, 0));
  await getsStrongKey(visitor);
});

test('whoever would rather not goes back, which confirms nothing', async ({ ownServer, anotherVisitor }) => {
  const visitor = await anotherVisitor({ at: await ownServer() });
  await cameLongAgo(visitor);
  await asksForStrongKey(visitor);
  await visitor.link('Go back').click();
  await isBackAtForm(visitor);
  await expect(visitor.page.getByText('Thank you.')).toHaveCount(0);
  await visitor.keys.presses('Create key');
  await isAskedAgain(visitor);
});

test('a key that may little asks nothing', async ({ ownServer, anotherVisitor }) => {
  const visitor = await anotherVisitor({ at: await ownServer() });
  await cameLongAgo(visitor);
  await visitor.keys.creates('Reads a little');
  await visitor.keys.isDone();
});

test('nobody else sees the page', async ({ visitor }) => {
  await visitor.opens('/confirm?next=%2Fsettings%2Fsecurity');
  await visitor.isOn('/login');
});
