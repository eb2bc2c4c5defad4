// What password managers, and people who paste, find at a password field.
import { Api } from '../../support/api.ts';
import { linkTo } from '../../support/post-office.ts';
import { expect, test } from '../../support/test.ts';
import type { Visitor } from '../../support/visitor.ts';

const TYPED = 'lantern over quiet water';

/** Whether the field is what a password manager looks for, and nothing keeps a paste out of it. */
async function takesPassword(visitor: Visitor, label: string, autocomplete: string): Promise<void> {
  const field = visitor.field(label);
  await expect(field).toHaveAttribute('type', 'password');
  await expect(field).toHaveAttribute('autocomplete', autocomplete);
  for (const forbidden of ['onpaste', 'oncopy', 'readonly', 'maxlength']) expect(await field.getAttribute(forbidden)).toBeNull();
  await visitor.field(label).fill('');
  await field.focus();
  await visitor.page.keyboard.insertText(TYPED);
  await expect(field).toHaveValue(TYPED);
}

test('P07 every password field is known to password managers and takes what is put into it', async ({ visitor, anotherVisitor, office, resident, latchkey }) => {
  const { person } = resident;
  const front = await anotherVisitor();
  await front.opens('/login');
  await takesPassword(front, 'Password', 'current-password');
  await expect(front.field('Email')).toHaveAttribute('autocomplete', 'username');
  await front.opens('/register');
  await takesPassword(front, 'Password', 'new-password');
  await expect(front.field('Email')).toHaveAttribute('autocomplete', 'username');

  await Api.asksForMail(latchkey, 'forgot-password', person.email);
  await front.opens(linkTo('reset-password', await office.waitForMail(person.email, { subject: /^Choose a new password/ })));
  await takesPassword(front, 'New password', 'new-password');

  await visitor.signsIn(person);
  await visitor.security.open();
  await takesPassword(visitor, 'Current password', 'current-password');
  await takesPassword(visitor, 'New password', 'new-password');
});
