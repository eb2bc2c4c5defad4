// The API keys page, as people speak of it.
import { type Locator, expect } from '@playwright/test';
import type { Visitor } from './visitor.ts';

export const KEY = /^lk_(live|test)_[0-9A-Za-z]{8}_[0-9A-Za-z]{46}$/;

export class KeysPage {
  readonly #visitor: Visitor;

  constructor(visitor: Visitor) {
    this.#visitor = visitor;
  }

  async open(query = ''): Promise<void> {
    await this.#visitor.opens(`/settings/api-keys${query}`);
  }

  get dialog(): Locator {
    return this.#visitor.page.getByRole('dialog');
  }

  /** The row of the key called so. */
  row(name: string): Locator {
    return this.#visitor.page.locator('table.keys tbody tr', { has: this.#visitor.page.locator('.key-name b').getByText(name, { exact: true }) });
  }

  get names(): Locator {
    return this.#visitor.page.locator('table.keys .key-name b');
  }

  state(name: string): Locator {
    return this.row(name).locator('.state');
  }

  lastUse(name: string): Locator {
    return this.row(name).locator('td[data-label="Last used"]');
  }

  /** The link in the head of the page. */
  get createLink(): Locator {
    return this.#visitor.page.locator('#create-key');
  }

  async startsToCreate(): Promise<void> {
    await this.createLink.click();
    await expect(this.dialog.getByRole('heading', { name: 'Create an API key' })).toBeVisible();
    await this.#visitor.settles();
  }

  /** Fills in the form, sends it and reads the new key; it is not copied yet. */
  async creates(name: string): Promise<string> {
    await this.startsToCreate();
    await this.dialog.getByLabel('Name', { exact: true }).fill(name);
    await this.presses('Create key');
    return this.readsNewKey();
  }

  /** The one button of the open dialog that does it. */
  async presses(button: string): Promise<void> {
    await this.dialog.getByRole('button', { name: button, exact: true }).click();
  }

  async chooses(action: string, name: string): Promise<void> {
    await this.row(name).getByRole('link', { name: `${action} ${name}`, exact: true }).click();
    await expect(this.dialog).toBeVisible();
    await this.#visitor.settles();
  }

  async readsNewKey(): Promise<string> {
    await expect(this.dialog.getByRole('heading', { name: 'Copy your new key now' })).toBeVisible();
    const key = (await this.newKey.getAttribute('data-copy')) ?? '';
    expect(key).toMatch(KEY);
    this.#visitor.latchkey.keepsSecret('API key', key);
    await this.#visitor.settles();
    return key;
  }

  get newKey(): Locator {
    return this.dialog.locator('[data-copy]', { has: this.#visitor.page.locator('#new-key') });
  }

  async copiesNewKey(): Promise<void> {
    await this.newKey.getByRole('button').click();
    await this.hasCopiedNewKey();
  }

  /** The button says so for two seconds only; that the key may be left now stays. */
  async hasCopiedNewKey(): Promise<void> {
    await expect(this.newKey).not.toHaveAttribute('data-uncopied');
  }

  /** Goes back to the list; with a script the key is copied first, since leaving it uncopied asks. */
  async isDone(): Promise<void> {
    if (this.#visitor.hasScript) {
      await this.#visitor.mayUseClipboard();
      await this.copiesNewKey();
    }
    await this.dialog.getByRole('link', { name: 'Done' }).click();
    await expect(this.dialog).toHaveCount(0);
    await this.#visitor.settles();
  }

  async searches(text: string): Promise<void> {
    const field = this.#visitor.page.getByRole('searchbox');
    await field.fill(text);
    if (!this.#visitor.hasScript) await field.press('Enter');
  }

  async filters(state: string): Promise<void> {
    await this.#visitor.page.locator('nav.filters a').filter({ hasText: state }).click();
    await expect(this.#visitor.page.locator('nav.filters a[aria-current]')).toContainText(state);
  }
}
