import { join } from 'node:path';
import { Api } from '../support/api.ts';
import { expect, test } from '../support/test.ts';

const PICTURE = join(import.meta.dirname, '../../docs/api-keys.png');

test.use({ colorScheme: 'light', contextOptions: { viewport: { width: 1280, height: 980 }, deviceScaleFactor: 2 } });

test('the API keys page for the README', async ({ visitor, household, latchkey }) => {
  const { api, keys } = household;
  await api.makesKey({ name: 'Mobile app', scopes: ['read', 'write'], owner: 'organization', expiresAt: null });
  for (let call = 0; call < 40; call += 1) await Api.holding(latchkey, keys.active.key).verifies();
  await visitor.signsIn(household.person);
  await expect(async () => {
    await visitor.keys.open();
    await expect(visitor.keys.lastUse('Billing export').locator('svg.usage')).toHaveAccessibleName(/^52 calls/, { timeout: 100 });
  }).toPass({ timeout: 10_000 });
  await visitor.page.screenshot({ path: PICTURE, animations: 'disabled' });
});
