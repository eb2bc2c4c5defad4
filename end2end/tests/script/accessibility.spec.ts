// axe finds nothing on any page in any state, light and dark.
import { AxeBuilder } from '@axe-core/playwright';
import { STATES } from '../../support/states.ts';
import { expect, test } from '../../support/test.ts';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

for (const scheme of ['light', 'dark'] as const) {
  test.describe(`in ${scheme}`, () => {
    test.use({ colorScheme: scheme });
    for (const state of STATES) {
      test(`axe finds nothing: ${state.name}`, async ({ enters }) => {
        const visitor = await enters(state);
        const { violations } = await new AxeBuilder({ page: visitor.page }).withTags(RULES).analyze();
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.any[0]?.message ?? ''}`).join(' | ')}`);
        expect(found).toEqual([]);
      });
    }
  });
}
