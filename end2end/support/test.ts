// The words tests are told in: a server, visitors in front of it, and people with accounts.
import { type Browser, type BrowserContextOptions, test as base } from '@playwright/test';
import { Api } from './api.ts';
import { type Guarded, guarded } from './guarded.ts';
import { type Household, furnished } from './household.ts';
import { Houses } from './houses.ts';
import { type Person, someone } from './people.ts';
import { type Customs, PostOffice, tokens } from './post-office.ts';
import { Latchkey, type Settings } from './server.ts';
import type { State } from './states.ts';
import { Visitor } from './visitor.ts';
import { Watch } from './watch.ts';

interface Words {
  /** Somebody with a browser, not signed in. */
  visitor: Visitor;
  /** A further browser, of the same or another person; in front of another server `at`. */
  anotherVisitor: (options?: Surroundings) => Promise<Visitor>;
  /** Brings a visitor to a state of a page. */
  enters: (state: State) => Promise<Visitor>;
  /** A server of the test's own, started with these settings. */
  ownServer: (settings?: Settings, command?: 'serve' | 'dev') => Promise<Latchkey>;
  /** Every post office of the test. */
  offices: PostOffice[];
  /** A post office of the test's own. */
  ownOffice: (customs?: Customs) => Promise<PostOffice>;
  /** A person with an account, and the API as that person uses it. */
  resident: { person: Person; api: Api };
  /** Such a person with two-factor authentication. */
  guarded: Guarded;
  /** What browsers complained about. */
  watch: Watch;
  hasScript: boolean;
}

type Surroundings = BrowserContextOptions & { at?: Latchkey };

interface Stage {
  /** Where the mails of `latchkey` arrive, and of other servers with its settings. */
  office: PostOffice;
  latchkey: Latchkey;
  /** A person whose list of keys shows every state there is. */
  household: Household;
  /** Servers with other settings. */
  houses: Houses;
}

export const test = base.extend<Words, Stage>({
  office: [
    async ({}, use) => {
      const office = await PostOffice.open();
      await use(office);
      await office.close();
    },
    { scope: 'worker' },
  ],
  latchkey: [
    async ({ office }, use) => {
      const latchkey = await Latchkey.start(office.settings);
      await use(latchkey);
      await latchkey.close();
    },
    { scope: 'worker' },
  ],
  household: [async ({ latchkey }, use) => use(await furnished(latchkey)), { scope: 'worker', timeout: 30_000 }],
  houses: [
    async ({ office }, use) => {
      const houses = new Houses(office);
      await use(houses);
      await houses.close();
    },
    { scope: 'worker' },
  ],
  hasScript: async ({ javaScriptEnabled }, use) => use(javaScriptEnabled !== false),
  baseURL: async ({ latchkey }, use) => use(latchkey.url),
  watch: async ({ hasScript }, use) => {
    const watch = new Watch(hasScript);
    await use(watch);
    watch.hasSeenNothingElse();
  },
  anotherVisitor: async ({ browser, latchkey, offices, contextOptions, javaScriptEnabled, watch, colorScheme }, use) => {
    const visitors: Visitor[] = [];
    await use(async ({ at = latchkey, ...options } = {}) => {
      const all = { ...contextOptions, javaScriptEnabled, colorScheme, baseURL: at.url, ...options };
      const visitor = await comesWith(browser, all, at, watch);
      visitors.push(visitor);
      return visitor;
    });
    for (const visitor of visitors) await visitor.leaves();
    for (const server of new Set(visitors.map((visitor) => visitor.latchkey))) isCalm(server, offices);
  },
  visitor: async ({ anotherVisitor }, use) => use(await anotherVisitor()),
  enters: async ({ anotherVisitor, household, office, houses }, use) =>
    use(async ({ at, arrange }) => {
      const house = at && (await houses.at(at));
      const beside = async () => anotherVisitor(house ? { at: house.latchkey } : {});
      const visitor = await beside();
      const landlord = house?.landlord ?? someone();
      await arrange({ visitor, beside, household, office, landlord });
      return visitor;
    }),
  // Servers close before the offices that they talk to.
  ownServer: async ({ offices, ownOffice: _ }, use) => {
    const servers: Latchkey[] = [];
    await use(async (settings, command) => {
      const server = await Latchkey.start(settings, command);
      servers.push(server);
      return server;
    });
    for (const server of servers) await server.close();
    for (const server of servers) isCalm(server, offices);
  },
  offices: async ({ office }, use) => use([office]),
  ownOffice: async ({ offices }, use) => {
    const own: PostOffice[] = [];
    await use(async (customs) => {
      const office = await PostOffice.open(customs);
      offices.push(office);
      own.push(office);
      return office;
    });
    for (const office of own) await office.close();
  },
  resident: async ({ latchkey }, use) => {
    const person = someone();
    await use({ person, api: await Api.registering(latchkey, person) });
  },
  guarded: async ({ latchkey }, use) => use(await guarded(latchkey)),
});

async function comesWith(browser: Browser, options: BrowserContextOptions, latchkey: Latchkey, watch: Watch): Promise<Visitor> {
  const context = await browser.newContext(options);
  watch.over(context);
  return new Visitor(await context.newPage(), latchkey, watch, options.javaScriptEnabled !== false);
}

/** Whether a server's log shows neither a fault nor a secret, among them the tokens in its mails. */
function isCalm(latchkey: Latchkey, offices: PostOffice[]): void {
  for (const token of offices.flatMap(({ mails }) => mails).flatMap(tokens)) latchkey.keepsSecret('token from a mail', token);
  expect(latchkey.complaints(), 'what the server’s log shows').toEqual([]);
}

export const expect = base.expect;
