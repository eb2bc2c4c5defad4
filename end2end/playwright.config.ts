// Tests on the release binary. Journeys in tests/both run twice: with a script, and with JavaScript off; those in
// tests/docs, tests/mail and tests/proxy need no browser.
import { defineConfig } from '@playwright/test';
import { chromium } from './browser.ts';

export default defineConfig({
  forbidOnly: true,
  fullyParallel: true,
  workers: 2,
  // Whoever needs it is named at the end, and more than two of them fail the run: support/summary.ts.
  retries: 1,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  outputDir: 'test-results',
  reporter: [['list'], ['./support/summary.ts']],
  use: { ...chromium, locale: 'en-GB', timezoneId: 'UTC', actionTimeout: 10_000, navigationTimeout: 20_000, trace: 'retain-on-failure' },
  projects: [
    { name: 'docs', testDir: 'tests/docs' },
    { name: 'mail', testDir: 'tests/mail' },
    { name: 'proxy', testDir: 'tests/proxy' },
    { name: 'with script', testDir: 'tests', testIgnore: ['**/docs/**', '**/mail/**', '**/proxy/**'] },
    { name: 'without script', testDir: 'tests/both', use: { javaScriptEnabled: false } },
  ],
});
