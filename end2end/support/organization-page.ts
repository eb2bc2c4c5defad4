// The organization page, as people speak of it.
import { type Locator, expect } from '@playwright/test';
import type { Visitor } from './visitor.ts';

export class OrganizationPage {
  readonly #visitor: Visitor;

  constructor(visitor: Visitor) {
    this.#visitor = visitor;
  }

  async open(): Promise<void> {
    await this.#visitor.opens('/settings/organization');
  }

  get dialog(): Locator {
    return this.#visitor.page.getByRole('dialog');
  }

  /** The row of the member with this address. */
  member(email: string): Locator {
    return this.#visitor.page.locator('#members li.member', { hasText: email });
  }

  /** Opens a dialog about a member. */
  async chooses(action: 'Change' | 'Remove' | 'Reset two-factor' | 'Leave', email: string): Promise<void> {
    await this.member(email).getByRole('link', { name: new RegExp(`^${action} `) }).click();
    await expect(this.dialog).toBeVisible();
    await this.#visitor.settles();
  }

  /** The one button of the open dialog that does it. */
  async presses(button: string): Promise<void> {
    await this.dialog.getByRole('button', { name: button, exact: true }).click();
  }

  get #invitations(): Locator {
    return this.#visitor.page.locator('#invitations');
  }

  /** The row of the newest invitation for this address. */
  invitation(email: string): Locator {
    return this.#invitations.locator('li.member', { hasText: email }).first();
  }

  async invites(email: string, role = 'Member', button = 'Send invitation'): Promise<void> {
    await this.#invitations.getByLabel('Email', { exact: true }).fill(email);
    await this.#invitations.getByLabel('Role', { exact: true }).selectOption({ label: role });
    await this.#invitations.getByRole('button', { name: button }).click();
  }

  async does(action: 'Send again' | 'Show a link' | 'Withdraw', email: string): Promise<void> {
    await this.invitation(email).getByRole('button', { name: `${action} for ${email}` }).click();
  }

  /** Reads the link that is shown once. */
  async readsLink(): Promise<string> {
    await expect(this.dialog.getByRole('heading', { name: 'Hand over this link' })).toBeVisible();
    const link = (await this.dialog.locator('[data-copy]').getAttribute('data-copy')) ?? '';
    expect(link).toMatch(/\/invite\/[\w-]{43}$/);
    this.#visitor.latchkey.keepsSecret('link of an invitation', link.split('/').pop() ?? '');
    await this.#visitor.settles();
    if (this.#visitor.hasScript) {
      await this.#visitor.mayUseClipboard();
      await this.dialog.getByRole('button', { name: 'Copy' }).click();
      await expect(this.dialog.locator('[data-copy]')).not.toHaveAttribute('data-uncopied');
    }
    await this.dialog.getByRole('link', { name: 'Done' }).click();
    await expect(this.dialog).toHaveCount(0);
    return link;
  }

  get codes(): Locator {
    return this.#visitor.page.locator('#codes li.member');
  }

  /** Makes a code and reads it from the list. */
  async makesCode({ role = 'Member', people = 1, domain = '' } = {}): Promise<string> {
    const card = this.#visitor.page.locator('#codes');
    await card.getByText('Make a code').click();
    await card.getByLabel('Role', { exact: true }).selectOption({ label: role });
    await card.getByLabel('People', { exact: true }).fill(String(people));
    await card.getByLabel('Domain (optional)', { exact: true }).fill(domain);
    await card.getByRole('button', { name: 'Make code' }).click();
    await expect(this.#visitor.news).toHaveText('The code is made. Hand it out to those who shall join.');
    const code = (await this.codes.first().locator('code').textContent()) ?? '';
    expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{2}$/);
    return code;
  }
}
