// What a script takes out of the address bar.
import { LANDING, goOn, holdsTokens, rawLink } from '../../support/handoff.ts';
import { expect, test } from '../../support/test.ts';

const KEYS = '/settings/api-keys';

test('no token is left in the address, in the history, or in what is sent on the way', async ({ visitor, resident, latchkey }) => {
  const token = await holdsTokens(latchkey, resident.person);
  const sent: string[] = [];
  visitor.page.on('request', (request) => {
    if (!request.url().includes('SF_Token')) sent.push(`${request.url()} ${request.headers()['referer'] ?? ''}`);
  });
  await visitor.opens('/login');
  await visitor.opens(rawLink(token));
  await expect(visitor.page).toHaveURL(LANDING);
  await visitor.button(goOn(resident.person)).click();
  await visitor.isOn(KEYS);
  visitor.watch.expects(400, LANDING);
  await visitor.page.goBack();
  await expect(visitor.page).toHaveURL(LANDING);
  expect(await visitor.page.content()).not.toContain(token.accessToken);
  expect(sent.length).toBeGreaterThan(3);
  for (const line of sent) expect(line).not.toContain(encodeURIComponent(token.accessToken));
});
