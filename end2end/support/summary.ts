// The last lines of a run: the figures that tests have noted, and one count.
import type { Reporter, TestCase, TestResult } from '@playwright/test/reporter';

export default class Summary implements Reporter {
  #passed = 0;
  #failed = 0;
  #figures: string[] = [];

  onTestEnd(test: TestCase, result: TestResult): void {
    if (result.status === 'passed') this.#passed += 1;
    else this.#failed += 1;
    for (const note of result.annotations) if (note.type === 'figure') this.#figures.push(`${test.title}: ${note.description}`);
  }

  onEnd(): void {
    for (const figure of this.#figures) console.log(`» ${figure}`);
    console.log(`browser: ${this.#passed} passed, ${this.#failed} failed`);
  }
}
