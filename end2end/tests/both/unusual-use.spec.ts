// Unusual use of a key: the mark on it, why it is there, and saying that it was expected.
import { Api, type Key } from '../../support/api.ts';
import { someone } from '../../support/people.ts';
import type { Latchkey } from '../../support/server.ts';
import { expect, test } from '../../support/test.ts';

/** Somebody with a key that is revoked, and has been used all the same. */
async function usedAfterItsEnd(latchkey: Latchkey, api: Api, name: string): Promise<Key> {
  const key = await api.makesKey({ name });
  await api.changesKey(key.id, 'revoke', {});
  expect(await Api.holding(latchkey, key.key).verifies()).toBe(401);
  await api.waitsForUnusualUse(key.id);
  return key;
}

test('a key used after its end is marked, says why, and no longer once that was expected', async ({ visitor, resident, latchkey }) => {
  await resident.api.makesKey({ name: 'Billing export' });
  await usedAfterItsEnd(latchkey, resident.api, 'Laptop of an intern');
  await visitor.signsIn(resident.person);
  const { keys } = visitor;
  await expect(keys.state('Laptop of an intern')).toContainText('Unusual use');
  await expect(keys.state('Billing export')).toHaveText('Active');

  await keys.chooses('Review', 'Laptop of an intern');
  await expect(keys.dialog.getByRole('heading')).toHaveText('Unusual use of “Laptop of an intern”');
  await expect(keys.dialog.getByRole('listitem')).toHaveText(/Somebody used it after its end, and was refused\s*revoked, from 127\.0\.0\.0\/24, 1 call/);
  await expect(keys.dialog).toContainText('Nobody got in with it.');
  await keys.dialog.getByRole('link', { name: 'Close' }).click();
  await expect(keys.dialog).toHaveCount(0);
  await expect(keys.state('Laptop of an intern'), 'looking at it says nothing').toContainText('Unusual use');

  await keys.chooses('Review', 'Laptop of an intern');
  await keys.presses('This was expected');
  await expect(visitor.news).toHaveText('Noted. It is not shown again unless something else is unusual.');
  await expect(keys.dialog).toHaveCount(0);
  await expect(keys.state('Laptop of an intern')).toHaveText('Revoked');
});

test('a program that had not used a key before is told of, with the way to end the key', async ({ ownServer, anotherVisitor }) => {
  const latchkey = await ownServer({ LATCHKEY_KEY_WATCH_LEARNING: '0' });
  const ada = someone();
  const api = await Api.registering(latchkey, ada);
  const key = await api.makesKey({ name: 'Nightly export' });
  const program = Api.holding(latchkey, key.key);
  expect(await program.verifies('curl/8.5.0')).toBe(200);
  await api.waitsForCalls(key.id, 1);
  expect(await program.verifies('curl/9.0.0')).toBe(200);
  expect(await program.verifies('billing-worker/2.1')).toBe(200);
  await api.waitsForUnusualUse(key.id);

  const visitor = await anotherVisitor({ at: latchkey });
  await visitor.signsIn(ada);
  const { keys } = visitor;
  await expect(keys.state('Nightly export')).toHaveText(/^Active\s*Unusual use\s*Review/);
  await keys.chooses('Review', 'Nightly export');
  await expect(keys.dialog.getByRole('listitem')).toHaveText(/A program that had not used it before\s*billing-worker, 1 call/);
  await keys.dialog.getByRole('link', { name: 'Revoke the key' }).click();
  await expect(keys.dialog.getByRole('heading')).toHaveText('Revoke “Nightly export”?');
  await visitor.settles();
  await keys.presses('Revoke key');
  await expect(visitor.news).toHaveText('The key is revoked. It stopped working just now.');
  expect(await program.verifies('curl/8.5.0')).toBe(401);
});

test('the mail about it leads there', async ({ visitor, resident, latchkey, office }) => {
  const key = await usedAfterItsEnd(latchkey, resident.api, 'Old importer');
  const mail = await office.waitForMail(resident.person.email, { subject: /^Unusual use of the API key “Old importer”/ });
  expect(mail.text).toContain('revoked, from 127.0.0.0/24, 1 call');
  expect(mail.text, 'nothing secret').not.toContain(key.key.slice(17, 40));
  const link = mail.text.split('\n').find((line) => line.startsWith(`${latchkey.url}/settings/api-keys?`)) ?? '';
  expect(link).toContain(key.id);
  await visitor.signsIn(resident.person);
  await visitor.opens(link.slice(latchkey.url.length));
  await expect(visitor.keys.dialog.getByRole('heading')).toHaveText('Unusual use of “Old importer”');
});
