// A person in the organization of somebody else.
import { Api } from './api.ts';
import { type Person, someone } from './people.ts';
import type { Latchkey } from './server.ts';

/** Somebody new, without a second factor, in the organization of `owner`. */
export async function memberOf(latchkey: Latchkey, owner: Person, about: Partial<Person> = {}): Promise<Person> {
  const person = someone(about);
  await Api.registering(latchkey, person);
  latchkey.joins(person.email, { of: owner.email });
  return person;
}
