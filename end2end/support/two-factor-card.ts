// The card of the security page that is about two-factor authentication, as people speak of it.
import { type Locator, expect } from '@playwright/test';
import { Phone } from './phone.ts';
import type { Visitor } from './visitor.ts';

/** A backup code as it is shown. */
export const BACKUP_CODE = /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$/;

/** What is behind the card's three lines while it is on. */
type Change = 'Make new backup codes' | 'Move to another phone or app' | 'Turn off';

export class TwoFactorCard {
  readonly #visitor: Visitor;

  constructor(visitor: Visitor) {
    this.#visitor = visitor;
  }

  get itself(): Locator {
    return this.#visitor.page.locator('#two-factor');
  }

  /** On or off, as its badge says. */
  get badge(): Locator {
    return this.itself.locator('h2 + .badge');
  }

  get picture(): Locator {
    return this.itself.getByRole('img', { name: 'QR code' });
  }

  get key(): Locator {
    return this.itself.getByRole('textbox', { name: 'No camera? Type this key instead' });
  }

  get backupCodesLeft(): Locator {
    return this.itself.locator('dl div', { hasText: 'Backup codes' }).locator('dd');
  }

  /** Begins to set an authenticator up, and types its key into a phone. */
  async begins(button = 'Set up two-factor authentication'): Promise<Phone> {
    await this.#visitor.button(button).click();
    return this.readsKey();
  }

  async readsKey(): Promise<Phone> {
    await expect(this.itself.getByRole('heading', { name: 'Scan this picture' })).toBeVisible();
    await this.#visitor.settles();
    const phone = Phone.typing((await this.key.textContent()) ?? '');
    this.#visitor.latchkey.keepsSecret('key of an authenticator', phone.secret);
    return phone;
  }

  /** Types the first code of a phone. */
  async confirms(code: string): Promise<void> {
    await this.itself.getByLabel('Code of six digits', { exact: true }).fill(code);
    await this.#visitor.button('Turn on').click();
  }

  /** Sets up a phone from the beginning; its backup codes are shown then. */
  async enrols(): Promise<{ phone: Phone; backupCodes: string[] }> {
    const phone = await this.begins();
    await this.confirms(await phone.next());
    return { phone, backupCodes: await this.readsBackupCodes() };
  }

  async readsBackupCodes(): Promise<string[]> {
    await expect(this.itself.locator('.backup-codes')).toBeVisible();
    const codes = await this.itself.locator('.backup-codes code').allTextContents();
    expect(codes).toHaveLength(10);
    this.#visitor.latchkey.keepsBackupCodes(codes);
    await this.#visitor.settles();
    return codes;
  }

  /** The box that says so. */
  get saved(): Locator {
    return this.itself.getByRole('checkbox', { name: 'I saved them' });
  }

  /** Says that the codes are saved, and goes on. */
  async savesBackupCodes(): Promise<void> {
    await this.saved.check();
    await this.#visitor.button('Done').click();
    await expect(this.itself.locator('.backup-codes')).toHaveCount(0);
    await this.#visitor.settles();
  }

  /** What belongs to one of the changes; it is hidden until that is opened. */
  change(change: Change): Locator {
    return this.itself.locator('details', { has: this.#visitor.page.locator('summary').getByText(change, { exact: true }) });
  }

  async opens(change: Change): Promise<Locator> {
    const part = this.change(change);
    await part.locator('summary').click();
    await expect(part).toHaveAttribute('open');
    return part;
  }

  /** Asks for an end to it, with this password. */
  async turnsOff(password: string): Promise<void> {
    const part = await this.opens('Turn off');
    await part.getByLabel('Your password').fill(password);
    await part.getByRole('button', { name: 'Turn it off' }).click();
  }
}
