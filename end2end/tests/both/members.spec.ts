// What owners, administrators and managers do with members.
import { someone } from '../../support/people.ts';
import { expect, test } from '../../support/test.ts';

test('a role is changed, a place suspended and brought back', async ({ visitor, anotherVisitor, resident }) => {
  const ada = someone();
  await resident.api.adds(ada);
  await visitor.signsIn(resident.person);
  await visitor.organization.open();
  const { organization } = visitor;
  await organization.chooses('Change', ada.email);
  await organization.dialog.getByLabel('Role').selectOption({ label: 'Admin' });
  await organization.presses('Save');
  await expect(visitor.news).toHaveText('Saved. It counts from now on.');
  await expect(organization.member(ada.email)).toContainText('· Admin');

  const member = await anotherVisitor();
  await member.signsIn(ada);
  await member.organization.open();
  await expect(member.organization.member(resident.person.email)).toBeVisible();
  await expect(member.organization.member(resident.person.email).getByRole('link'), 'owners are for owners').toHaveCount(0);

  await organization.chooses('Change', ada.email);
  await organization.dialog.getByLabel('Place').selectOption({ label: 'Suspended' });
  await organization.presses('Save');
  await expect(organization.member(ada.email)).toContainText('Suspended');
  member.watch.expects(403, '/settings/organization');
  await member.opens('/settings/organization');
  await expect(member.page.locator('main')).toContainText('This is not allowed.');

  await organization.chooses('Change', ada.email);
  await organization.dialog.getByLabel('Place').selectOption({ label: 'Active' });
  await organization.presses('Save');
  await expect(organization.member(ada.email)).not.toContainText('Suspended');
  await member.opens('/settings/organization');
  await expect(member.organization.member(ada.email)).toBeVisible();
});

test('a manager invites, and sees nothing of what the organization demands', async ({ visitor, resident }) => {
  const ada = someone();
  await resident.api.adds(ada, 'MANAGER');
  await visitor.signsIn(ada);
  await visitor.link('Organization').click();
  await visitor.isOn('/settings/organization');
  await expect(visitor.page.locator('#invitations').getByLabel('Role').getByRole('option')).toHaveText(['Member']);
  await expect(visitor.page.locator('#policy')).toHaveCount(0);
  await visitor.organization.invites(someone().email);
  await expect(visitor.news).toHaveText('The invitation is on its way.');
});

test('the last owner cannot leave; anybody else can', async ({ visitor, anotherVisitor, resident }) => {
  const ada = someone();
  await resident.api.adds(ada, 'ADMIN');
  await visitor.signsIn(resident.person);
  await visitor.organization.open();
  visitor.expectsRefusal(409, '/fn/remove-member');
  await visitor.organization.chooses('Leave', resident.person.email);
  await visitor.organization.presses('Leave');
  await expect(visitor.summary).toContainText('An organization needs an owner.');

  const member = await anotherVisitor();
  await member.signsIn(ada);
  await member.organization.open();
  await member.organization.chooses('Leave', ada.email);
  await member.organization.presses('Leave');
  await member.isOn('/login');
  await visitor.organization.open();
  await expect(visitor.organization.member(ada.email)).toHaveCount(0);
});
