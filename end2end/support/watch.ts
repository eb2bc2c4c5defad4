// Everything a browser complains about fails the test, unless the test has said beforehand that it must happen.
import { type BrowserContext, type Dialog, type Request, type Response, expect } from '@playwright/test';

/** Chromium repeats each bad status and each lost request as a console error; both are watched at their source. */
const REPEATED = 'Failed to load resource:';
const ASSET = /\.(wasm|js|css|svg)$/;
/** What pages ask by themselves: a tab that waits for a mail, and the keeper of tokens. */
const UNASKED = ['/fn/look-for-link', '/fn/session-tokens', '/auth/refreshToken', '/v1/auth/verify'];

interface Expected {
  path: string | RegExp;
  status: number | 'lost';
  seen: boolean;
}

export class Watch {
  readonly #forgiven: RegExp[] = [];
  readonly #complaints: string[] = [];
  readonly #expected: Expected[] = [];
  readonly #questions: { words: RegExp; answer: 'yes' | 'no' }[] = [];

  readonly #hasScript: boolean;

  constructor(hasScript: boolean) {
    this.#hasScript = hasScript;
  }

  over(context: BrowserContext): void {
    context.on('console', (message) => {
      const bad = message.type() === 'error' || message.type() === 'warning';
      // Without a script nothing uses what was preloaded for it.
      const unused = !this.#hasScript && message.text().includes('was preloaded using link preload but not used');
      if (bad && !unused && !message.text().startsWith(REPEATED)) this.#complain(`console ${message.type()}: ${message.text()}`);
    });
    context.on('weberror', (error) => this.#complain(`page error: ${error.error().stack ?? error.error()}`));
    context.on('response', (response) => this.#answered(response));
    context.on('requestfailed', (request) => this.#lost(request));
    context.on('dialog', (dialog) => this.#asked(dialog));
  }

  /** The browser will ask once, in words like these (a question before leaving has none), and gets this answer. */
  expectsQuestion(words: RegExp, answer: 'yes' | 'no'): void {
    this.#questions.push({ words, answer });
  }

  /** The answer `status` to `path`, or the loss of the request, belongs to this story; the test fails without it. */
  expects(status: number | 'lost', path: string | RegExp): void {
    this.#expected.push({ path, status, seen: false });
  }

  /** The browser will complain in words like these, as often as it likes. */
  expectsComplaint(words: RegExp): void {
    this.#forgiven.push(words);
  }

  /** Asserts that nothing happened but what belongs to the story. */
  hasSeenNothingElse(): void {
    const missing = this.#expected.filter((expected) => !expected.seen).map(({ status, path }) => `expected ${status} from ${path}`);
    const unasked = this.#questions.map(({ words }) => `expected to be asked ${words}`);
    expect([...this.#complaints, ...missing, ...unasked], 'what the browser complained about').toEqual([]);
  }

  async #asked(dialog: Dialog): Promise<void> {
    const question = this.#questions.shift();
    if (!question?.words.test(dialog.message())) this.#complain(`an unexpected question: ${dialog.type()} “${dialog.message()}”`);
    await (question?.answer === 'yes' ? dialog.accept() : dialog.dismiss());
  }

  #complain(text: string): void {
    if (!this.#forgiven.some((words) => words.test(text))) this.#complaints.push(text);
  }

  #answered(response: Response): void {
    const status = response.status();
    if (status >= 400 && !this.#belongs(status, response.url())) this.#complain(`${status} from ${response.url()}`);
  }

  #lost(request: Request): void {
    const cause = request.failure()?.errorText ?? 'lost';
    // With JavaScript off Chromium does not preload a script that it will not run, and calls that the policy's work.
    if (!this.#hasScript && cause === 'csp' && ASSET.test(new URL(request.url()).pathname)) return;
    // What was still under way when its page was left is nobody's fault.
    const { pathname } = new URL(request.url());
    const left = cause === 'net::ERR_ABORTED' && (ASSET.test(pathname) || UNASKED.includes(pathname));
    if (!left && !this.#belongs('lost', request.url())) this.#complain(`${cause}: ${request.method()} ${request.url()}`);
  }

  #belongs(status: number | 'lost', url: string): boolean {
    const { pathname } = new URL(url);
    const fits = ({ path }: Expected) => (typeof path === 'string' ? path === pathname : path.test(pathname));
    const expected = this.#expected.find((one) => one.status === status && fits(one));
    if (expected) expected.seen = true;
    return expected !== undefined;
  }
}
