// A user name, which works in place of the address where a program asks for one.
import { Api } from '../../support/api.ts';
import { someone } from '../../support/people.ts';
import { expect, test } from '../../support/test.ts';

const FIELD = 'User name (optional)';
const localPart = (email: string): string => email.split('@')[0] ?? '';

test('a user name is kept, and one that somebody has is refused under its field', async ({ visitor, resident, latchkey }) => {
  const other = someone();
  const [name, taken] = [localPart(resident.person.email), localPart(other.email)];
  const theirs = await Api.registering(latchkey, other);
  expect((await theirs.asks('POST', '/v1/auth/update-profile', { username: taken })).status).toBe(200);
  await visitor.signsIn(resident.person);
  await visitor.opens('/settings/profile');
  for (const [typed, status, words] of [
    ['a b', 400, 'Use 3 to 32 letters, digits, dots, dashes or underscores, and begin with a letter or digit.'],
    [taken.toUpperCase(), 409, 'Another account has this user name.'],
  ] as const) {
    visitor.expectsRefusal(status, '/fn/profile');
    await visitor.field(FIELD).fill(typed);
    await visitor.isAnswered('/fn/profile', () => visitor.button('Save profile').click());
    await expect(visitor.errorUnder(FIELD)).toHaveText(words);
    await expect(visitor.field(FIELD)).toHaveValue(typed);
  }
  await visitor.field(FIELD).fill(name.toUpperCase());
  await visitor.button('Save profile').click();
  await expect(visitor.news).toHaveText('Saved.');
  await visitor.opens('/settings/profile');
  await expect(visitor.field(FIELD)).toHaveValue(name);
  const signedIn = await fetch(`${latchkey.url}/api/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: name, password: resident.person.password }),
  });
  expect(signedIn.status).toBe(200);
});
