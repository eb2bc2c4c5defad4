import { join } from 'node:path';
import { STATES } from '../support/states.ts';
import { test } from '../support/test.ts';

const FOLDER = join(import.meta.dirname, '../screenshots');

for (const width of [1280, 390]) {
  for (const scheme of ['light', 'dark'] as const) {
    test.describe(`${width} ${scheme}`, () => {
      test.use({ colorScheme: scheme, contextOptions: { viewport: { width, height: width === 390 ? 844 : 860 } } });
      for (const state of STATES) {
        test(state.name, async ({ enters }) => {
          const visitor = await enters(state);
          await visitor.page.screenshot({ path: join(FOLDER, `${state.name}-${width}-${scheme}.png`), fullPage: !(await visitor.keys.dialog.count()), animations: 'disabled' });
        });
      }
    });
  }
}

/** Pages that are made differently without a script, or work differently. */
const WITHOUT_SCRIPT = /^(login|keys|keys-create|keys-new|login-|magic-link|forgot-|reset-|verify-|secure-|undo-|mailbox|profile-|reference|landlord|two-factor|confirm|organization|invite|register-with|switcher|handoff(?!-signed-out))/;

for (const [width, scheme] of [[1280, 'light'], [390, 'dark']] as const) {
  test.describe(`without script, ${width} ${scheme}`, () => {
    test.use({ javaScriptEnabled: false, colorScheme: scheme, contextOptions: { viewport: { width, height: width === 390 ? 844 : 860 } } });
    for (const state of STATES.filter(({ name }) => WITHOUT_SCRIPT.test(name))) {
      test(state.name, async ({ enters }) => {
        const visitor = await enters(state);
        await visitor.page.screenshot({ path: join(FOLDER, `${state.name}-without-script-${width}-${scheme}.png`), animations: 'disabled' });
      });
    }
  });
}
