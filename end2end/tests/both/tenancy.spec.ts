// From an empty installation to a key that is dead again: a tenant's life as its people see it.
import { Api } from '../../support/api.ts';
import { someone } from '../../support/people.ts';
import { linkTo } from '../../support/post-office.ts';
import { expect, test } from '../../support/test.ts';
import type { Visitor } from '../../support/visitor.ts';

/** A landlord opens a tenant, and invites its owner. */
async function opensTenant(landlord: Visitor, name: string, owner: string): Promise<void> {
  await landlord.opens('/landlord');
  await landlord.page.getByText('Open a tenant').click();
  await landlord.field('Name of the tenant').fill(name);
  await landlord.field('Email of its owner').fill(owner);
  await landlord.button('Open and invite').click();
}

test('a landlord opens a tenant, its owner invites a member, who makes a key, is removed, and the key is dead', async ({ ownServer, office, anotherVisitor }) => {
  const latchkey = await ownServer(office.settings);
  const [landlord, grace, ada] = [someone(), someone({ name: 'Grace Hopper' }), someone({ name: 'Ada Lovelace' })];
  await latchkey.makesLandlord(landlord);

  const house = await anotherVisitor({ at: latchkey });
  await house.signsIn(landlord);
  await opensTenant(house, 'Red Hill', grace.email);
  await expect(house.news).toHaveText('The invitation is on its way.');
  const tenant = house.page.locator('#tenants li.member', { hasText: 'Red Hill' });
  await expect(tenant).toContainText('0 members · 0 API keys · 1 open invitation');

  const owner = await anotherVisitor({ at: latchkey });
  await owner.opens(linkTo('invite', await office.waitForMail(grace.email, { subject: 'You are invited to Red Hill' })));
  await owner.reads('Join Red Hill');
  await expect(owner.lead).toHaveText(`${landlord.name} invites you to join Red Hill as an owner.`);
  if (owner.hasScript) await expect(owner.page, 'the secret is not left in the address bar').toHaveURL('/invite');
  await owner.joinsAsNew(grace);
  await expect(owner.news).toHaveText('You have joined. You act in this organization now.');
  await owner.link('Organization').click();
  await owner.isOn('/settings/organization');
  await owner.organization.invites(ada.email);
  await expect(owner.news).toHaveText('The invitation is on its way.');
  await expect(owner.organization.invitation(ada.email)).toContainText('Waiting');

  const member = await anotherVisitor({ at: latchkey });
  await member.opens(linkTo('invite', await office.waitForMail(ada.email, { subject: 'You are invited to Red Hill' })));
  await member.joinsAsNew(ada);
  await expect(member.link('Organization'), 'not for members').toHaveCount(0);
  const key = await member.keys.creates('Nightly export');
  await member.keys.isDone();
  const program = Api.holding(latchkey, key);
  expect(await program.verifies()).toBe(200);

  await owner.organization.open();
  await expect(owner.organization.invitation(ada.email)).toContainText('Accepted');
  await owner.organization.chooses('Remove', ada.email);
  await expect(owner.organization.dialog).toContainText('These keys of theirs stop working');
  await expect(owner.organization.dialog).toContainText('Nightly export');
  await owner.organization.presses('Remove');
  await expect(owner.news).toHaveText('Removed. Their sessions here and their own keys ended just now.');
  await expect(owner.organization.member(ada.email)).toHaveCount(0);
  await owner.opens('/settings/organization?dialog=remove&member=usr_01kbk3x5g0r8m4t2v6w9y1z3b5');
  await owner.reads('Organization');
  expect(await program.verifies()).toBe(401);
  await member.opens('/settings/api-keys');
  await member.isOn('/login');
});

test('a suspended tenant is shut, and comes back whole', async ({ ownServer, office, anotherVisitor }) => {
  const latchkey = await ownServer(office.settings);
  const [landlord, ada] = [someone(), someone({ company: 'Red Hill' })];
  await latchkey.makesLandlord(landlord);
  const api = await Api.registering(latchkey, ada);
  const program = Api.holding(latchkey, (await api.makesKey({ name: 'Export' })).key);
  const member = await anotherVisitor({ at: latchkey });
  await member.signsIn(ada);

  const house = await anotherVisitor({ at: latchkey });
  await house.signsIn(landlord);
  await house.opens('/landlord');
  const tenant = house.page.locator('#tenants li.member', { hasText: 'Red Hill' });
  const search = house.page.getByRole('searchbox');
  await search.pressSequentially('nothing', { delay: 60 });
  if (!house.hasScript) await search.press('Enter');
  await expect(house.page.locator('#tenants')).toContainText('0 organizations');
  if (house.hasScript) await expect(search, 'whoever types goes on typing').toBeFocused();
  await house.opens('/landlord?search=red');
  await expect(tenant).toContainText('Active');
  await tenant.getByRole('link', { name: 'Suspend Red Hill' }).click();
  await expect(house.page.getByRole('dialog')).toContainText('Nothing is deleted.');
  await house.settles();
  await house.page.getByLabel('Reason (optional)').fill('Invoice overdue');
  await house.page.getByRole('dialog').getByRole('button', { name: 'Suspend', exact: true }).click();
  await expect(house.news).toHaveText('The tenant is suspended. Nobody gets in, and its keys are refused.');
  await expect(tenant).toContainText('Suspended');
  expect(await program.verifies()).toBe(403);
  member.watch.expects(403, '/settings/profile');
  await member.opens('/settings/profile');
  await expect(member.page.locator('main')).toContainText('This organization is suspended.');
  await member.opens('/login');
  await member.reads('Sign in');
  const late = await anotherVisitor({ at: latchkey });
  late.expectsRefusal(403, '/fn/sign-in');
  await late.opens('/login');
  await late.entersCredentials(ada);
  await expect(late.summary).toContainText('This organization is suspended.');

  await tenant.getByRole('button', { name: 'Resume Red Hill' }).click();
  await expect(house.news).toHaveText('The tenant is back. Sessions and keys work again.');
  expect(await program.verifies()).toBe(200);
  await member.opens('/settings/profile');
  await member.reads('Profile');

  await tenant.getByRole('link', { name: 'Sign everybody out Red Hill' }).click();
  await house.settles();
  await house.page.getByRole('dialog').getByRole('button', { name: 'Sign everybody out' }).click();
  await expect(house.news).toHaveText('Everybody in it is signed out.');
  await member.opens('/settings/profile');
  await member.isOn('/login');
  expect(await program.verifies(), 'keys go on').toBe(200);
});

test('without mail the landlord hands the link over', async ({ ownServer, anotherVisitor }) => {
  const latchkey = await ownServer();
  const [landlord, grace] = [someone(), someone()];
  await latchkey.makesLandlord(landlord);
  const house = await anotherVisitor({ at: latchkey });
  await house.signsIn(landlord);
  await opensTenant(house, 'Red Hill', grace.email);
  const link = await house.organization.readsLink();
  const owner = await anotherVisitor({ at: latchkey });
  await owner.opens(link);
  await owner.joinsAsNew(grace);
});
