// Further servers, for states that the usual one is never in. Each is started when it is first needed.
import type { PostOffice } from './post-office.ts';
import { type Person, someone } from './people.ts';
import { Latchkey, type Settings } from './server.ts';

/** `development`: mails stay in a mailbox. `untouched`: the same, and nobody asks for one. `mailless`: none can be sent.
 *  `hasty`: what is mailed expires at once. `strict`: addresses must be confirmed. `manor`: mail as usual. */
export type HouseName = 'development' | 'untouched' | 'mailless' | 'hasty' | 'strict' | 'manor';

export interface House {
  latchkey: Latchkey;
  landlord: Person;
}

export class Houses {
  readonly #office: PostOffice;
  readonly #built = new Map<HouseName, Promise<House>>();

  constructor(office: PostOffice) {
    this.#office = office;
  }

  at(name: HouseName): Promise<House> {
    const house = this.#built.get(name) ?? this.#build(name);
    this.#built.set(name, house);
    return house;
  }

  async #build(name: HouseName): Promise<House> {
    const isDevelopment = name === 'development' || name === 'untouched';
    const latchkey = await Latchkey.start(this.#settings(name), isDevelopment ? 'dev' : 'serve');
    const landlord = someone({ name: 'Hedy Lamarr' });
    await latchkey.makesLandlord(landlord);
    return { latchkey, landlord };
  }

  #settings(name: HouseName): Settings {
    switch (name) {
      case 'development':
      case 'untouched':
      case 'mailless':
        return {};
      case 'hasty':
        return { ...this.#office.settings, LATCHKEY_MAGIC_LINK_TTL: '2', LATCHKEY_INVITATION_TTL: '2' };
      case 'strict':
        return { ...this.#office.settings, LATCHKEY_REQUIRE_VERIFIED_EMAIL: 'true' };
      case 'manor':
        return this.#office.settings;
    }
  }

  async close(): Promise<void> {
    for (const house of this.#built.values()) await (await house).latchkey.close();
  }
}
