// The security page, as people speak of it.
import type { Locator } from '@playwright/test';
import { TwoFactorCard } from './two-factor-card.ts';
import type { Visitor } from './visitor.ts';

export class SecurityPage {
  readonly #visitor: Visitor;
  readonly twoFactor: TwoFactorCard;

  constructor(visitor: Visitor) {
    this.#visitor = visitor;
    this.twoFactor = new TwoFactorCard(visitor);
  }

  async open(): Promise<void> {
    await this.#visitor.opens('/settings/security');
  }

  get sessions(): Locator {
    return this.#visitor.page.locator('#sessions .session-list > li');
  }

  get trustedDevices(): Locator {
    return this.#visitor.page.locator('#devices .session-list > li');
  }

  get thisDevice(): Locator {
    return this.sessions.filter({ hasText: 'This device' });
  }

  get otherDevices(): Locator {
    return this.sessions.filter({ hasNotText: 'This device' });
  }

  async endsTheOtherSession(): Promise<void> {
    await this.otherDevices.getByRole('button', { name: 'Sign out' }).click();
  }

  async changesPassword(from: string, to: string): Promise<void> {
    for (const password of [from, to]) this.#visitor.latchkey.keepsSecret('password', password);
    await this.#visitor.field('Current password').fill(from);
    await this.#visitor.field('New password').fill(to);
    await this.#visitor.button('Change password').click();
  }
}
