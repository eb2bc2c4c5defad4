// What holds of every page in every state: axe finds nothing, light and dark; no id stands twice, which axe does not
// count; and nothing hangs over the edge of a narrow screen. One arrangement for all: there are many states, and
// arranging them is what takes the time.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { overfull } from '../../support/boxes.ts';
import { STATES } from '../../support/states.ts';
import { expect, test } from '../../support/test.ts';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

for (const state of STATES) {
  test(`fit to be seen by everybody: ${state.name}`, async ({ enters }) => {
    const { page } = await enters(state);
    for (const colorScheme of ['light', 'dark'] as const) {
      // Without motion, so that no colour is measured on its way.
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect(await violations(page), `what axe finds in ${colorScheme}`).toEqual([]);
    }
    expect(await page.evaluate(repeatedIds), 'a label and an error belong to one field').toEqual([]);
    await page.setViewportSize({ width: 320, height: 640 });
    expect(await page.evaluate(overfull)).toEqual([]);
    const { shown, whole } = await page.evaluate(() => ({ shown: document.documentElement.clientWidth, whole: document.documentElement.scrollWidth }));
    expect(whole).toBeLessThanOrEqual(shown);
    const dialog = page.locator('dialog');
    if (await dialog.count()) {
      const box = await dialog.boundingBox();
      expect(box && box.x >= 0 && box.x + box.width <= 320).toBe(true);
    }
  });
}

async function violations(page: Page): Promise<string[]> {
  const { violations: found } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.any[0]?.message ?? ''}`).join(' | ')}`);
}

/** Runs in the page. */
function repeatedIds(): string[] {
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  return [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))];
}
