// The last lines of a run: the figures that tests have noted, who needed a second try, and one count.
import type { FullConfig, FullResult, Reporter, Suite, TestCase } from '@playwright/test/reporter';

/** How many tests may need their second try before the run has failed: a busy machine stumbles once, a fault often. */
const MOST_STUMBLES = 2;

export default class Summary implements Reporter {
  #tests: () => TestCase[] = () => [];

  onBegin(_: FullConfig, suite: Suite): void {
    this.#tests = () => suite.allTests();
  }

  async onEnd({ status }: FullResult): Promise<{ status: FullResult['status'] }> {
    const tests = this.#tests();
    for (const test of tests) {
      for (const note of test.results.at(-1)?.annotations ?? []) if (note.type === 'figure') console.log(`» ${test.title}: ${note.description}`);
    }
    const stumbled = tests.filter((test) => test.outcome() === 'flaky');
    for (const test of stumbled) console.log(`only at the second try: ${test.titlePath().slice(1).join(' › ')}`);
    const passed = tests.filter((test) => test.ok()).length;
    console.log(`browser: ${passed} passed, ${tests.length - passed} not, ${stumbled.length} at the second try (at most ${MOST_STUMBLES})`);
    return { status: status === 'passed' && stumbled.length > MOST_STUMBLES ? 'failed' : status };
  }
}
