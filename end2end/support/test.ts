// The words tests are told in: a server, visitors in front of it, and people with accounts.
import { type Browser, type BrowserContextOptions, test as base } from '@playwright/test';
import { Api } from './api.ts';
import { Household, furnished } from './household.ts';
import { type Person, someone } from './people.ts';
import { Latchkey, type Settings } from './server.ts';
import { Visitor } from './visitor.ts';
import { Watch } from './watch.ts';

interface Words {
  /** Somebody with a browser, not signed in. */
  visitor: Visitor;
  /** A further browser, of the same or another person. */
  anotherVisitor: (options?: BrowserContextOptions) => Promise<Visitor>;
  /** A server of the test's own, started with these settings. */
  ownServer: (settings?: Settings) => Promise<Latchkey>;
  /** A person with an account, and the API as that person uses it. */
  resident: { person: Person; api: Api };
  /** What browsers complained about. */
  watch: Watch;
  hasScript: boolean;
}

interface Stage {
  latchkey: Latchkey;
  /** A person whose list of keys shows every state there is. */
  household: Household;
}

export const test = base.extend<Words, Stage>({
  latchkey: [
    async ({}, use) => {
      const latchkey = await Latchkey.start();
      await use(latchkey);
      await latchkey.stop();
    },
    { scope: 'worker' },
  ],
  household: [async ({ latchkey }, use) => use(await furnished(latchkey)), { scope: 'worker', timeout: 30_000 }],
  hasScript: async ({ javaScriptEnabled }, use) => use(javaScriptEnabled !== false),
  baseURL: async ({ latchkey }, use) => use(latchkey.url),
  watch: async ({ hasScript }, use) => {
    const watch = new Watch(hasScript);
    await use(watch);
    watch.hasSeenNothingElse();
  },
  anotherVisitor: async ({ browser, latchkey, contextOptions, javaScriptEnabled, watch, colorScheme }, use) => {
    const visitors: Visitor[] = [];
    await use(async (options = {}) => {
      const all = { ...contextOptions, javaScriptEnabled, colorScheme, baseURL: latchkey.url, ...options };
      const visitor = await comesWith(browser, all, latchkey, watch);
      visitors.push(visitor);
      return visitor;
    });
    for (const visitor of visitors) await visitor.leaves();
    calm(latchkey);
  },
  visitor: async ({ anotherVisitor }, use) => use(await anotherVisitor()),
  ownServer: async ({}, use) => {
    const servers: Latchkey[] = [];
    await use(async (settings = {}) => {
      const server = await Latchkey.start(settings);
      servers.push(server);
      return server;
    });
    for (const server of servers) await server.stop();
    servers.forEach(calm);
  },
  resident: async ({ latchkey }, use) => {
    const person = someone();
    await use({ person, api: await Api.registering(latchkey, person) });
  },
});

async function comesWith(browser: Browser, options: BrowserContextOptions, latchkey: Latchkey, watch: Watch): Promise<Visitor> {
  const context = await browser.newContext(options);
  watch.over(context);
  return new Visitor(await context.newPage(), latchkey, watch, options.javaScriptEnabled !== false);
}

function calm(latchkey: Latchkey): void {
  expect(latchkey.complaints(), 'what the server’s log shows').toEqual([]);
}

export const expect = base.expect;
