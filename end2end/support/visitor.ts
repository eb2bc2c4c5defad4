// Somebody with a browser: what they do at the front door, and what they see.
import { type Locator, type Page, type Response, expect } from '@playwright/test';
import type { Guarded } from './guarded.ts';
import { KeysPage } from './keys-page.ts';
import { OrganizationPage } from './organization-page.ts';
import type { Person } from './people.ts';
import { SecurityPage } from './security-page.ts';
import type { Latchkey } from './server.ts';
import type { Watch } from './watch.ts';

export const SESSION_COOKIE = '__Host-latchkey';
const NO_SECRET = '__Host-latchkey-theme';

export class Visitor {
  readonly page: Page;
  readonly latchkey: Latchkey;
  readonly watch: Watch;
  readonly hasScript: boolean;
  readonly keys: KeysPage;
  readonly organization: OrganizationPage;
  readonly security: SecurityPage;

  constructor(page: Page, latchkey: Latchkey, watch: Watch, hasScript: boolean) {
    this.page = page;
    this.latchkey = latchkey;
    this.watch = watch;
    this.hasScript = hasScript;
    this.keys = new KeysPage(this);
    this.organization = new OrganizationPage(this);
    this.security = new SecurityPage(this);
  }

  async opens(path: string): Promise<Response | null> {
    const answer = await this.page.goto(path);
    await this.settles();
    return answer;
  }

  /** Waits until the page is as alive as it will be. */
  async settles(): Promise<void> {
    if (this.hasScript) await expect(this.page.locator('html[data-hydrated]')).toBeAttached();
    else await this.page.waitForLoadState();
  }

  /** Asserts which page this is, and waits for it. */
  async isOn(path: string | RegExp): Promise<void> {
    await this.page.waitForURL((url) => (typeof path === 'string' ? url.pathname === path : path.test(url.pathname + url.search)));
    await this.settles();
  }

  field(label: string): Locator {
    return this.page.getByLabel(label, { exact: true });
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  link(name: string): Locator {
    return this.page.getByRole('link', { name, exact: true });
  }

  /** Asserts what the page is called. */
  async reads(heading: string): Promise<void> {
    await expect(this.page.getByRole('heading', { level: 1 })).toHaveText(heading);
  }

  /** The sentence under the heading of a page in front of the door. */
  get lead(): Locator {
    return this.page.locator('#door header p');
  }

  /** The sentence above a form that was refused. It stays until the next answer: `isAnswered` tells them apart. */
  get summary(): Locator {
    return this.page.locator('[data-summary]:visible');
  }

  /** The sentence under a field. */
  errorUnder(label: string): Locator {
    return this.page.locator('.field', { has: this.field(label) }).locator('.field-error');
  }

  get news(): Locator {
    return this.page.locator('#notices');
  }

  async registers(person: Person): Promise<void> {
    await this.opens('/register');
    await this.fillsInRegistration(person);
    await this.button('Create account').click();
    await this.isOn('/settings/api-keys');
  }

  async fillsInRegistration(person: Person): Promise<void> {
    await this.fillsInAccount(person);
    await this.field('Organization (optional)').fill(person.company);
  }

  /** What every new account is asked for. */
  async fillsInAccount(person: Person): Promise<void> {
    this.latchkey.keepsSecret('password', person.password);
    await this.field('Name').fill(person.name);
    await this.field('Email').fill(person.email);
    await this.field('Password').fill(person.password);
  }

  /** On the page of an invitation, as somebody who has no account yet. */
  async joinsAsNew(person: Person): Promise<void> {
    this.latchkey.keepsSecret('password', person.password);
    await this.field('Your name').fill(person.name);
    await this.field('Password').fill(person.password);
    await this.button('Create account and join').click();
    await this.isOn('/settings/api-keys');
  }

  /** On the sign-in page, wherever it leads. */
  async entersCredentials({ email, password }: Pick<Person, 'email' | 'password'>): Promise<void> {
    this.latchkey.keepsSecret('password', password);
    await this.field('Email').fill(email);
    await this.field('Password').fill(password);
    await this.button('Sign in').click();
  }

  async signsIn(person: Person): Promise<void> {
    await this.opens('/login');
    await this.entersCredentials(person);
    await this.isOn('/settings/api-keys');
  }

  /** Asks for a mail to sign in with, and waits for it in this tab. */
  async asksForLink(email: string, path = '/login'): Promise<void> {
    await this.opens(path);
    await this.field('Email').fill(email);
    await this.button('Email me a link instead').click();
    await this.waitsForMail();
  }

  async asksForNewPassword(email: string): Promise<void> {
    await this.opens('/forgot-password');
    await this.field('Email').fill(email);
    await this.button('Email me a link').click();
    await this.waitsForMail();
  }

  async waitsForMail(): Promise<void> {
    await this.isOn(/[?&]way=mail/);
    await this.reads('Check your mail');
  }

  /** Types the code of a mail, and presses what stands below it. */
  async entersCode(code: string, button: string): Promise<void> {
    await this.field('Code from the mail').fill(code);
    await this.button(button).click();
  }

  /** On the page of the second step, wherever it leads. */
  async entersSecondCode(code: string, { trusting = false } = {}): Promise<void> {
    await this.field('Code of six digits').fill(code);
    if (trusting) await this.page.getByRole('checkbox', { name: /^Trust this device for / }).check();
    await this.button('Sign in').click();
  }

  /** Types a code that is refused. */
  async isRefusedSecondCode(code: string, how: { trusting?: boolean } = {}): Promise<void> {
    await this.isAnswered('/fn/second-step', () => this.entersSecondCode(code, how));
    await expect(this.summary).toBeVisible();
  }

  async entersBackupCode(code: string): Promise<void> {
    await this.link('Use a backup code instead').click();
    await this.reads('Enter a backup code');
    await this.settles();
    await this.field('Backup code').fill(code);
    await this.button('Sign in').click();
  }

  /** Gives the password, and stops where the code is asked for. */
  async comesToSecondStep(person: Person, path = '/login'): Promise<void> {
    await this.opens(path);
    await this.isOn('/login');
    await this.entersCredentials(person);
    await this.isOn('/login/two-factor');
  }

  async signsInWithCode(person: Person, code: string, how: { trusting?: boolean } = {}): Promise<void> {
    await this.comesToSecondStep(person);
    await this.entersSecondCode(code, how);
    await this.isOn('/settings/api-keys');
  }

  /** Comes by a device that was trusted before: the session begins with the password alone. */
  async signsInTrusted({ person, phone }: Pick<Guarded, 'person' | 'phone'>): Promise<void> {
    await this.signsInWithCode(person, await phone.next(), { trusting: true });
    await this.signsOut();
    await this.signsIn(person);
  }

  async signsInWithBackupCode(person: Person, code: string): Promise<void> {
    await this.comesToSecondStep(person);
    await this.entersBackupCode(code);
    await this.isOn('/settings/api-keys');
  }

  /** On the page that asks once more who one is, wherever it leads. */
  async showsAgain(what: 'Your password' | 'Code or backup code', proof: string): Promise<void> {
    await this.field(what).fill(proof);
    await this.button('Confirm').click();
  }

  async signsOut(): Promise<void> {
    await this.button('Sign out').and(this.page.locator('.sign-out')).click();
    await this.isOn('/login');
    await expect(this.news).toHaveText('You are signed out.');
  }

  /** Sends a form to `call`, and waits until the page shows the answer. */
  async isAnswered(call: string, sends: () => Promise<void>): Promise<void> {
    if (!this.hasScript) {
      await Promise.all([this.page.waitForEvent('load'), sends()]);
      return;
    }
    await Promise.all([this.page.waitForResponse((answer) => new URL(answer.url()).pathname === call), sends()]);
    await expect(this.page.locator('form[data-sending]')).toHaveCount(0);
  }

  /** How often the page was loaded from here on. */
  countsLoads(): () => number {
    let loads = 0;
    this.page.on('request', (request) => {
      if (request.isNavigationRequest()) loads += 1;
    });
    return () => loads;
  }

  /** The call will be refused so. Only a script is answered with a status; without one the form leads back to its page. */
  expectsRefusal(status: number, call: string): void {
    if (this.hasScript) this.watch.expects(status, call);
  }

  async sessionCookie(): Promise<string | undefined> {
    return (await this.page.context().cookies()).find((cookie) => cookie.name === SESSION_COOKIE)?.value;
  }

  async leaves(): Promise<void> {
    if (this.page.isClosed()) return;
    for (const { name, value } of await this.page.context().cookies()) {
      if (name !== NO_SECRET && value.length >= 8) this.latchkey.keepsSecret(`cookie ${name}`, value);
    }
    await this.page.context().close();
  }

  /** Presses Tab until `goal` has the focus. */
  async tabsTo(goal: Locator): Promise<void> {
    for (let step = 0; step < 60; step += 1) {
      if (await goal.evaluate((element) => element === document.activeElement)) return;
      await this.page.keyboard.press('Tab');
    }
    await expect(goal, 'reached with Tab').toBeFocused();
  }

  async readsClipboard(): Promise<string> {
    return this.page.evaluate(() => navigator.clipboard.readText());
  }

  async mayUseClipboard(): Promise<void> {
    await this.page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: this.latchkey.url });
  }
}
