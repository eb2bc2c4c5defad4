// A person whose keys show every state of the list, made once for each worker.
import { Api, type Key, secondsFromNow } from './api.ts';
import { type Person, someone } from './people.ts';
import type { Latchkey } from './server.ts';

export interface Household {
  person: Person;
  api: Api;
  keys: Record<'active' | 'rotating' | 'expired' | 'revoked' | 'unused', Key>;
}

const DAY = 24 * 60 * 60;

export async function furnished(latchkey: Latchkey): Promise<Household> {
  const person = someone({ name: 'Ada Lovelace', company: 'Blue Harbour' });
  const api = await Api.registering(latchkey, person);
  const expired = await api.makesKey({ name: 'Old importer', scopes: ['read'], expiresAt: secondsFromNow(2) });
  const revoked = await api.makesKey({ name: 'Laptop of an intern', scopes: ['read', 'write'], expiresAt: secondsFromNow(90 * DAY) });
  const rotating = await api.makesKey({ name: 'Warehouse sync', scopes: ['read', 'write'], owner: 'organization', expiresAt: secondsFromNow(60 * DAY) });
  const unused = await api.makesKey({ name: 'Trying things out', scopes: ['read', 'READ_LEADS'], mode: 'test', expiresAt: secondsFromNow(7 * DAY) });
  const active = await api.makesKey({
    name: 'Billing export',
    description: 'Nightly invoices for the accountants',
    scopes: ['read', 'write', 'delete'],
    expiresAt: secondsFromNow(365 * DAY),
  });
  await usesOften(latchkey, [active, active, active, rotating, revoked, expired]);
  await api.changesKey(rotating.id, 'regenerate', { overlapSeconds: DAY });
  await api.changesKey(revoked.id, 'revoke', { reason: 'Left in a public repository' });
  await api.waitsFor(expired.id, 'EXPIRED');
  await api.waitsForCalls(active.id, 12);
  return { person, api, keys: { active, rotating, expired, revoked, unused } };
}

async function usesOften(latchkey: Latchkey, keys: Key[]): Promise<void> {
  for (const { key } of keys) {
    const program = Api.holding(latchkey, key);
    for (let call = 0; call < 4; call += 1) await program.verifies();
  }
}
