// People, each new: no test meets another test's.
import { randomBytes } from 'node:crypto';

export interface Person {
  name: string;
  email: string;
  password: string;
  company: string;
}

const NAMES = ['Ada Lovelace', 'Grace Hopper', 'Mary Somerville', 'Sophie Germain', 'Emmy Noether', 'Hedy Lamarr', 'Marie Curie', 'Lise Meitner'];
let met = 0;

/** Somebody whom nobody has met before. */
export function someone(about: Partial<Person> = {}): Person {
  const name = NAMES[met++ % NAMES.length] ?? 'Ada Lovelace';
  const unique = randomBytes(6).toString('hex');
  const first = name.split(' ')[0]?.toLowerCase();
  return { name, email: `${first}.${unique}@example.test`, password: `harbour ${randomBytes(9).toString('hex')} violet`, company: 'Blue Harbour', ...about };
}
