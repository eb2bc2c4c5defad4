// What an organization demands, and what its administrators do for members who have lost their second factor.
import { Api, secondsFromNow } from '../../support/api.ts';
import { type Guarded, guarded } from '../../support/guarded.ts';
import { memberOf } from '../../support/member.ts';
import { expect, test } from '../../support/test.ts';
import type { Visitor } from '../../support/visitor.ts';

const DAY = 86_400;
const REQUIRED = 'Everybody must use two-factor authentication';

/** The day so many days from now: as a date field has it, and as people read it. */
function day(ahead: number): { field: string; words: string } {
  const date = new Date(Date.now() + ahead * DAY * 1000);
  const words = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });
  return { field: date.toISOString().slice(0, 10), words };
}

async function demands(visitor: Visitor, from: string): Promise<void> {
  await visitor.page.getByRole('checkbox', { name: REQUIRED }).check();
  await visitor.field('Required from (optional)').fill(from);
  await visitor.button('Save policy').click();
}

/** Only the card about two-factor authentication, and no way to anything else. */
async function seesNothingElse(visitor: Visitor): Promise<void> {
  await visitor.isOn('/settings/security');
  await expect(visitor.page.locator('main')).toContainText('Your organization requires two-factor authentication. Set it up to go on.');
  await expect(visitor.page.getByRole('navigation', { name: 'Settings' }).getByRole('link')).toHaveText(['Security']);
  await expect(visitor.page.locator('main section:visible')).toHaveCount(1);
  await expect(visitor.link('Not now')).toHaveCount(0);
}

test('whoever has none cannot demand one', async ({ visitor, resident }) => {
  await visitor.signsIn(resident.person);
  await visitor.link('Organization').click();
  await visitor.isOn('/settings/organization');
  visitor.expectsRefusal(403, '/fn/policy');
  await demands(visitor, '');
  await expect(visitor.summary).toContainText('Set up two-factor authentication for yourself first, under Security.');
  await visitor.opens('/settings/organization');
  await expect(visitor.page.getByRole('checkbox', { name: REQUIRED })).not.toBeChecked();
});

test('demanded at once, it is the one thing a member can do, and after that everything is as usual', async ({ visitor, anotherVisitor, guarded, latchkey }) => {
  const owner = guarded;
  const ada = await memberOf(owner.api);
  const { key } = await (await Api.signingIn(latchkey, ada)).makesKey({ name: 'Made before' });
  const program = Api.holding(latchkey, key);
  expect(await program.verifies()).toBe(200);
  await visitor.signsInWithCode(owner.person, await owner.phone.next());
  await visitor.opens('/settings/organization');
  await demands(visitor, '');
  await expect(visitor.news).toHaveText('Saved.');
  expect(await program.verifies()).toBe(403);

  const member = await anotherVisitor();
  await member.opens('/settings/profile');
  await member.isOn('/login');
  await member.entersCredentials(ada);
  await seesNothingElse(member);
  for (const path of ['/', '/settings/api-keys', '/settings/profile', '/login']) {
    await member.opens(path);
    await seesNothingElse(member);
  }

  const { twoFactor } = member.security;
  await twoFactor.enrols();
  await twoFactor.savesBackupCodes();
  await expect(twoFactor.badge).toHaveText('On');
  await expect(member.page.getByText('Your organization requires two-factor authentication.')).toHaveCount(0);
  await member.link('Profile').click();
  await member.isOn('/settings/profile');
  await member.security.open();
  await expect(member.security.sessions).toHaveCount(1);
  expect(await program.verifies()).toBe(200);
});

test('whoever is barred can sign out', async ({ visitor, guarded }) => {
  await guarded.api.setsPolicy({ requireTwoFactor: true });
  await visitor.opens('/login');
  await visitor.entersCredentials(await memberOf(guarded.api));
  await seesNothingElse(visitor);
  await visitor.signsOut();
  await visitor.opens('/settings/security');
  await visitor.isOn('/login');
});

test('where it is demanded nobody turns it off, and whoever lost everything begins anew', async ({ visitor, anotherVisitor, guarded, latchkey }) => {
  const { person, phone, api } = guarded;
  await api.setsPolicy({ requireTwoFactor: true });
  await visitor.signsInWithCode(person, await phone.next());
  await visitor.security.open();
  visitor.expectsRefusal(409, '/fn/end-two-factor');
  await visitor.security.twoFactor.turnsOff(person.password);
  await expect(visitor.summary).toContainText('Your organization requires two-factor authentication, so it stays on.');

  await latchkey.resetsTwoFactor(person.email);
  const again = await anotherVisitor();
  await again.opens('/login');
  await again.entersCredentials(person);
  await seesNothingElse(again);
  await again.security.twoFactor.enrols();
  await again.security.twoFactor.savesBackupCodes();
  await again.opens('/settings/organization');
  await expect(again.page.getByRole('checkbox', { name: REQUIRED })).toBeChecked();
});

test('demanded later, it is told at sign-in with the day, and can wait until then', async ({ visitor, anotherVisitor, guarded }) => {
  const owner = guarded;
  const due = day(10);
  await visitor.signsInWithCode(owner.person, await owner.phone.next());
  await visitor.opens('/settings/organization');
  await demands(visitor, due.field);
  await expect(visitor.news).toHaveText('Saved.');
  await expect(visitor.field('Required from (optional)')).toHaveValue(due.field);

  const member = await anotherVisitor();
  await member.opens('/login');
  await member.entersCredentials(await memberOf(owner.api));
  await member.isOn('/settings/security');
  await expect(member.page.getByText(`From ${due.words} nobody gets in without it`)).toBeVisible();
  await member.link('Not now').click();
  await member.isOn('/settings/api-keys');
  await member.security.open();
  await member.security.twoFactor.enrols();
  await member.security.twoFactor.savesBackupCodes();
  await expect(member.page.getByText('nobody gets in without it')).toHaveCount(0);
});

test('a day that is taken out again means at once', async ({ visitor, guarded }) => {
  const { person, phone, api } = guarded;
  await api.setsPolicy({ requireTwoFactor: true, twoFactorGraceUntil: secondsFromNow(10 * DAY) });
  await visitor.signsInWithCode(person, await phone.next());
  await visitor.opens('/settings/organization');
  await expect(visitor.field('Required from (optional)')).toHaveValue(day(10).field);
  await demands(visitor, '');
  await expect(visitor.news).toHaveText('Saved.');
  await expect(visitor.field('Required from (optional)')).toHaveValue(day(0).field);
});

test('an administrator takes a member’s lost second factor away, with a reason that the member reads', async ({ visitor, anotherVisitor, guarded: owner, office, latchkey }) => {
  const [mary, sophie] = [await guarded(latchkey, {}, owner.api), await guarded(latchkey, {}, owner.api)];
  await visitor.signsInWithCode(owner.person, await owner.phone.next());
  const { organization } = visitor;
  await organization.open();
  const row = ({ person }: Guarded) => organization.member(person.email);
  await expect(row(owner)).toContainText('Two-factor on');
  await expect(row(owner).getByRole('link', { name: /^Reset two-factor/ }), 'not on oneself').toHaveCount(0);

  await organization.chooses('Reset two-factor', sophie.person.email);
  visitor.expectsRefusal(400, '/fn/reset-member');
  await organization.presses('Reset two-factor');
  await expect(visitor.errorUnder('Why')).toHaveText('Say why: they and the audit log are told.');
  await visitor.field('Why').fill('Lost her phone; we met in person');
  await organization.presses('Reset two-factor');
  await expect(visitor.news).toHaveText('Their two-factor authentication is off, and they are signed out.');
  await expect(row(sophie)).toContainText('Two-factor off');
  await expect(row(mary)).toContainText('Two-factor on');

  const mail = await office.waitForMail(sophie.person.email, { subject: 'Two-factor authentication was reset at Blue Harbour' });
  expect(mail.text.replaceAll(/\s+/g, ' ')).toContain('Lost her phone; we met in person');
  expect(await sophie.api.verifies()).toBe(401);
  const member = await anotherVisitor();
  await member.signsIn(sophie.person);
  await expect(member.link('Organization'), 'not for members').toHaveCount(0);
});
