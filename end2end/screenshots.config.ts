// `npm run screenshots`: every page in every state, and the picture of the README. Not a test: nothing is asserted.
import { defineConfig } from '@playwright/test';
import { chromium } from './browser.ts';

export default defineConfig({
  testDir: 'pictures',
  testMatch: '*.pictures.ts',
  fullyParallel: true,
  workers: 2,
  outputDir: 'test-results',
  reporter: 'list',
  use: { ...chromium, locale: 'en-GB', timezoneId: 'UTC' },
});
