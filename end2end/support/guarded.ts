// A person with two-factor authentication.
import { Api } from './api.ts';
import { type Person, someone } from './people.ts';
import type { Phone } from './phone.ts';
import type { Latchkey } from './server.ts';

export interface Guarded {
  person: Person;
  /** The API in the session in which they have just proven their second factor. */
  api: Api;
  phone: Phone;
  backupCodes: string[];
}

/** Somebody new, who has set up an authenticator; in an organization of their own, or in that of `owner`. */
export async function guarded(latchkey: Latchkey, about: Partial<Person> = {}, owner?: Api): Promise<Guarded> {
  const person = someone(about);
  const api = owner ? await owner.adds(person) : await Api.registering(latchkey, person);
  return { person, api, ...(await api.setsUpTwoFactor()) };
}

/** The backup code at this place of the list, which must not be shorter. */
export function nth(codes: string[], at: number): string {
  const code = codes[at];
  if (!code) throw new Error(`There is no backup code ${at}`);
  return code;
}
