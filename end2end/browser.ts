// The browser of every run: Debian's Chromium, quiet, on its own.
export const chromium = {
  browserName: 'chromium' as const,
  launchOptions: {
    executablePath: process.env.LATCHKEY_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  },
};
