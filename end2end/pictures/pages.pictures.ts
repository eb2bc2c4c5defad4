import { join } from 'node:path';
import { STATES } from '../support/states.ts';
import { test } from '../support/test.ts';

const FOLDER = join(import.meta.dirname, '../screenshots');

for (const width of [1280, 390]) {
  for (const scheme of ['light', 'dark'] as const) {
    test.describe(`${width} ${scheme}`, () => {
      test.use({ colorScheme: scheme, contextOptions: { viewport: { width, height: width === 390 ? 844 : 860 } } });
      for (const state of STATES) {
        test(state.name, async ({ visitor, household }) => {
          await state.arrange({ visitor, household });
          await visitor.page.screenshot({ path: join(FOLDER, `${state.name}-${width}-${scheme}.png`), fullPage: !(await visitor.keys.dialog.count()), animations: 'disabled' });
        });
      }
    });
  }
}

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false, contextOptions: { viewport: { width: 1280, height: 860 } } });
  for (const state of STATES.filter(({ name }) => /^(login|keys|keys-create|keys-new)$/.test(name))) {
    test(state.name, async ({ visitor, household }) => {
      await state.arrange({ visitor, household });
      await visitor.page.screenshot({ path: join(FOLDER, `${state.name}-without-script.png`), animations: 'disabled' });
    });
  }
});
