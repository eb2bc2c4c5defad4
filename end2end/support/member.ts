// A person in the organization of somebody else, and in no other.
import type { Api } from './api.ts';
import { type Person, someone } from './people.ts';

/** Somebody new, without a second factor, whom `owner` has invited. */
export async function memberOf(owner: Api, about: Partial<Person> = {}): Promise<Person> {
  const person = someone(about);
  await owner.adds(person);
  return person;
}
