// The states of the keys page that tell of unusual use.
import { Api, type Key } from './api.ts';
import { someone } from './people.ts';
import type { Scene, State } from './states.ts';

const KEYS = '/settings/api-keys';

/** Somebody in whose list there is a key whose old secret was used once more. */
async function oldSecretIsUsed({ visitor }: Scene): Promise<Key> {
  const person = someone();
  const api = await Api.registering(visitor.latchkey, person);
  await api.makesKey({ name: 'Billing export', description: 'Nightly invoices for the accountants' });
  const key = await api.makesKey({ name: 'Warehouse sync', scopes: ['read', 'write'] });
  await api.changesKey(key.id, 'regenerate', { overlapSeconds: 0 });
  await Api.holding(visitor.latchkey, key.key).verifies();
  await api.waitsForUnusualUse(key.id);
  await visitor.signsIn(person);
  return key;
}

export const unusualUse: State[] = [
  { name: 'keys-unusual-use', arrange: async (scene) => void (await oldSecretIsUsed(scene)) },
  {
    name: 'keys-unusual-use-review',
    arrange: async (scene) => {
      const { id } = await oldSecretIsUsed(scene);
      await scene.visitor.opens(`${KEYS}?dialog=unusual-use&key=${id}`);
    },
  },
];
