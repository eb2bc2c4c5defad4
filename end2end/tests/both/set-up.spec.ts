// The one-time link of the first start.
import { Api } from '../../support/api.ts';
import { someone } from '../../support/people.ts';
import { expect, test } from '../../support/test.ts';

test('the set-up link makes the landlord once, and nobody after', async ({ ownServer, anotherVisitor, watch, hasScript }) => {
  if (hasScript) watch.expects(422, '/fn/set-up');
  const latchkey = await ownServer();
  const link = latchkey.setupLink();
  const landlord = someone();
  const visitor = await anotherVisitor({ at: latchkey });
  await visitor.opens(link);
  const fill = async (password: string) => {
    await visitor.field('Name').fill(landlord.name);
    await visitor.field('Email').fill(landlord.email);
    await visitor.field('Password').fill(password);
    await visitor.button('Finish setting up').click();
  };
  await fill('short');
  await expect(visitor.errorUnder('Password')).not.toBeEmpty();
  await expect(visitor.field('Email')).toHaveValue(landlord.email);
  await fill(landlord.password);
  await visitor.isOn(/^\/settings\//);
  await expect(visitor.page.locator('.who')).toContainText(landlord.name);
  await visitor.opens('/');
  await expect(visitor.page.locator('.who')).toContainText(landlord.name);
  await Api.signingIn(latchkey, landlord);

  const late = await anotherVisitor({ at: latchkey });
  await late.opens(link);
  await expect(late.page.getByText('This link has been used or is not complete.')).toBeVisible();
  await expect(late.button('Finish setting up')).toHaveCount(0);
});

test('a made-up set-up link opens nothing and spends nothing', async ({ ownServer, anotherVisitor }) => {
  const latchkey = await ownServer();
  const link = latchkey.setupLink();
  const visitor = await anotherVisitor({ at: latchkey });
  for (const wrong of ['/setup', '/setup?token=', `/setup?token=${'a'.repeat(43)}`]) {
    await visitor.opens(wrong);
    await expect(visitor.button('Finish setting up')).toHaveCount(0);
  }
  await visitor.opens(link);
  await expect(visitor.button('Finish setting up')).toBeVisible();
});
