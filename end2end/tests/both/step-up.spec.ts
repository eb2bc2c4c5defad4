// Showing once more who one is, before something that needs more than an open session.
import { setTimeout as pause } from 'node:timers/promises';
import { Api } from '../../support/api.ts';
import { guarded, nth } from '../../support/guarded.ts';
import { someone } from '../../support/people.ts';
import type { Latchkey } from '../../support/server.ts';
import { expect, test } from '../../support/test.ts';
import type { Visitor } from '../../support/visitor.ts';

const AGED = { LATCHKEY_STEP_UP_TTL: '1' };
const USUAL = { LATCHKEY_STEP_UP_TTL: '600' };

/** Asks for a key that may do everything, in a session that is older than the limit; then the limit is as usual. */
async function asksForStrongKey(visitor: Visitor, latchkey: Latchkey): Promise<void> {
  await visitor.keys.startsToCreate();
  await visitor.field('Name').fill('Opens everything');
  await visitor.keys.dialog.getByRole('checkbox', { name: 'Admin' }).check();
  await visitor.field('Expires').selectOption('30');
  await pause(1_100);
  await visitor.keys.presses('Create key');
  await visitor.isOn('/confirm');
  await visitor.reads('Confirm that it is you');
  await latchkey.stops();
  await latchkey.starts(USUAL);
}

/** The form as it was left, sent once more. */
async function getsStrongKey(visitor: Visitor, latchkey: Latchkey): Promise<void> {
  await visitor.isOn(/^\/settings\/api-keys\?dialog=create/);
  await expect(visitor.summary).toContainText('Thank you. Send the form once more.');
  await expect(visitor.field('Name')).toHaveValue('Opens everything');
  await expect(visitor.keys.dialog.getByRole('checkbox', { name: 'Admin' })).toBeChecked();
  await expect(visitor.field('Expires')).toHaveValue('30');
  await visitor.keys.presses('Create key');
  const key = await visitor.keys.readsNewKey();
  await visitor.keys.isDone();
  expect(await Api.holding(latchkey, key).gets('/v1/auth/verify')).toMatchObject({ active: true, principal: { scopes: ['read', 'admin'] } });
}

test('a key that may do everything asks for the password again, and what was filled in comes back', async ({ ownServer, anotherVisitor }) => {
  const latchkey = await ownServer(AGED);
  const ada = someone();
  await Api.registering(latchkey, ada);
  const visitor = await anotherVisitor({ at: latchkey });
  await visitor.signsIn(ada);
  await asksForStrongKey(visitor, latchkey);
  await visitor.field('Your password').fill(ada.password);
  await visitor.button('Confirm').click();
  await getsStrongKey(visitor, latchkey);
});

test('what was filled in comes back after a wrong code too', async ({ ownServer, anotherVisitor }) => {
  const latchkey = await ownServer(AGED);
  const { person, phone, backupCodes } = await guarded(latchkey);
  const visitor = await anotherVisitor({ at: latchkey });
  await visitor.signsInWithCode(person, await phone.next());
  await asksForStrongKey(visitor, latchkey);
  visitor.expectsRefusal(400, '/fn/show-again');
  await visitor.field('Code or backup code').fill(phone.wrong());
  await visitor.button('Confirm').click();
  await expect(visitor.errorUnder('Code or backup code')).toContainText('Not right, or used already.');
  await visitor.field('Code or backup code').fill(nth(backupCodes, 0));
  await visitor.button('Confirm').click();
  await getsStrongKey(visitor, latchkey);
});

test('whoever would rather not goes back, and a key that may little asks nothing', async ({ ownServer, anotherVisitor }) => {
  const latchkey = await ownServer(AGED);
  const ada = someone();
  await Api.registering(latchkey, ada);
  const visitor = await anotherVisitor({ at: latchkey });
  await visitor.signsIn(ada);
  await asksForStrongKey(visitor, latchkey);
  await visitor.link('Go back').click();
  await visitor.isOn(/^\/settings\/api-keys\?dialog=create/);
  await expect(visitor.field('Name')).toHaveValue('Opens everything');
  await expect(visitor.page.getByText('Thank you.'), 'nothing was confirmed').toHaveCount(0);
  await visitor.keys.dialog.getByRole('checkbox', { name: 'Admin' }).uncheck();
  await visitor.keys.presses('Create key');
  await visitor.keys.readsNewKey();
  await visitor.keys.isDone();
});

test('nobody else sees the page', async ({ visitor }) => {
  await visitor.opens('/confirm?next=%2Fsettings%2Fsecurity');
  await visitor.isOn('/login');
});
