// How an organization lets its people sign in.
import { linkTo } from '../../support/post-office.ts';
import { expect, test } from '../../support/test.ts';

test('whoever would lock themselves out is stopped; whoever came by mail can shut the password out', async ({ visitor, anotherVisitor, resident, office }) => {
  const { person } = resident;
  await visitor.signsIn(person);
  await visitor.organization.open();
  const methods = visitor.page.getByRole('group', { name: 'People sign in' });
  const password = methods.getByRole('checkbox', { name: 'With a password' });
  visitor.expectsRefusal(409, '/fn/sign-in-policy');
  await password.uncheck();
  await visitor.button('Save sign-in policy').click();
  await expect(visitor.summary).toContainText('Sign in that way yourself first');
  visitor.expectsRefusal(400, '/fn/sign-in-policy');
  await methods.getByRole('checkbox', { name: 'With a link or code by mail' }).uncheck();
  await password.uncheck();
  await visitor.button('Save sign-in policy').click();
  await expect(methods).toContainText('Leave at least one way.');

  const other = await anotherVisitor();
  await other.asksForLink(person.email);
  await other.opens(linkTo('magic-link', await office.waitForMail(person.email, { subject: 'Your sign-in link for Blue Harbour' })));
  await other.button(`Sign in as ${person.email}`).click();
  await other.isOn('/settings/api-keys');
  await other.organization.open();
  await other.page.getByRole('checkbox', { name: 'With a password' }).uncheck();
  await other.button('Save sign-in policy').click();
  await expect(other.news).toHaveText('Saved.');
  await other.organization.open();
  await expect(other.page.getByRole('checkbox', { name: 'With a password' })).not.toBeChecked();

  await visitor.opens('/settings/profile');
  await visitor.isOn('/login');
  visitor.expectsRefusal(401, '/fn/sign-in');
  await visitor.entersCredentials(person);
  await expect(visitor.summary).toContainText('Your organization asks you to sign in another way');
});
