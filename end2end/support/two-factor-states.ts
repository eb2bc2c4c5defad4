// The states of the pages that two-factor authentication has to do with.
import { expect } from '@playwright/test';
import { Api, secondsFromNow } from './api.ts';
import { type Guarded, guarded, nth } from './guarded.ts';
import { memberOf } from './member.ts';
import { someone } from './people.ts';
import type { Scene, State } from './states.ts';
import type { TwoFactorCard } from './two-factor-card.ts';
import type { Visitor } from './visitor.ts';

const SECURITY = '/settings/security';
const DAY = 86_400;

const card: State[] = [
  {
    name: 'two-factor-pending',
    arrange: async (scene) => {
      await (await newcomer(scene)).begins();
    },
  },
  {
    name: 'two-factor-pending-wrong-code',
    arrange: async ({ visitor }) => {
      const twoFactor = await newcomer({ visitor });
      const phone = await twoFactor.begins();
      visitor.expectsRefusal(400, '/fn/confirm-two-factor');
      await twoFactor.confirms(phone.wrong());
      await expect(visitor.summary).toBeVisible();
    },
  },
  {
    name: 'two-factor-codes',
    arrange: async (scene) => {
      await (await newcomer(scene)).enrols();
    },
  },
  { name: 'two-factor-on', arrange: async (scene) => void (await settled(scene)) },
  {
    name: 'two-factor-few-codes',
    arrange: async ({ visitor }) => {
      const { person, backupCodes } = await guarded(visitor.latchkey);
      for (const code of backupCodes.slice(0, 7)) expect(await Api.triesCode(visitor.latchkey, person, code)).toBe(200);
      await visitor.signsInWithBackupCode(person, nth(backupCodes, 7));
      await visitor.security.open();
    },
  },
  {
    name: 'two-factor-moving',
    arrange: async (scene) => {
      const { visitor } = scene;
      await settled(scene);
      await visitor.security.twoFactor.opens('Move to another phone or app');
      await visitor.security.twoFactor.begins('Set up another authenticator');
    },
  },
  {
    name: 'two-factor-turn-off',
    arrange: async (scene) => {
      await settled(scene);
      await scene.visitor.security.twoFactor.opens('Turn off');
    },
  },
  {
    name: 'two-factor-turn-off-refused',
    arrange: async (scene) => {
      const { visitor } = scene;
      await settled(scene);
      visitor.expectsRefusal(400, '/fn/end-two-factor');
      await visitor.security.twoFactor.turnsOff('not my password at all');
      await expect(visitor.summary).toBeVisible();
    },
  },
  { name: 'two-factor-devices', arrange: async (scene) => trusted(scene) },
  {
    name: 'two-factor-proofs-asked',
    arrange: async (scene) => {
      await trusted(scene);
      for (const change of ['Make new backup codes', 'Move to another phone or app', 'Turn off'] as const) await scene.visitor.security.twoFactor.opens(change);
    },
  },
];

const secondStep: State[] = [
  { name: 'login-two-factor', arrange: async (scene) => void (await half(scene)) },
  {
    name: 'login-two-factor-wrong-code',
    arrange: async (scene) => {
      const { phone } = await half(scene);
      scene.visitor.expectsRefusal(401, '/fn/second-step');
      await scene.visitor.isRefusedSecondCode(phone.wrong());
    },
  },
  {
    name: 'login-two-factor-backup',
    arrange: async (scene) => {
      await half(scene);
      await scene.visitor.link('Use a backup code instead').click();
      await scene.visitor.reads('Enter a backup code');
      await scene.visitor.settles();
    },
  },
  {
    name: 'login-two-factor-no-codes',
    arrange: async ({ visitor }) => {
      const { person, backupCodes } = await guarded(visitor.latchkey);
      for (const code of backupCodes) expect(await Api.triesCode(visitor.latchkey, person, code)).toBe(200);
      await visitor.comesToSecondStep(person);
    },
  },
  { name: 'login-two-factor-over', arrange: async ({ visitor }) => void (await visitor.opens('/login/two-factor')) },
  {
    name: 'login-two-factor-locked',
    arrange: async ({ visitor }) => {
      const { person, phone } = await guarded(visitor.latchkey);
      for (let attempt = 0; attempt < 10; attempt += 1) await Api.triesCode(visitor.latchkey, person, phone.wrong());
      await visitor.comesToSecondStep(person);
      visitor.expectsRefusal(423, '/fn/second-step');
      await visitor.isRefusedSecondCode(await phone.next());
    },
  },
];

const confirming: State[] = [
  { name: 'confirm-password', arrange: ({ visitor }) => newcomerAt(visitor, '/confirm?next=%2Fsettings%2Fapi-keys%3Fdialog%3Dcreate') },
  {
    name: 'confirm-password-refused',
    arrange: async ({ visitor }) => {
      await newcomerAt(visitor, '/confirm');
      visitor.expectsRefusal(400, '/fn/show-again');
      await visitor.showsAgain('Your password', 'not my password at all');
      await expect(visitor.summary).toBeVisible();
    },
  },
  {
    name: 'confirm-code',
    arrange: async (scene) => {
      await settled(scene);
      await scene.visitor.opens('/confirm');
    },
  },
  {
    name: 'confirm-code-refused',
    arrange: async (scene) => {
      const { phone } = await settled(scene);
      await scene.visitor.opens('/confirm');
      scene.visitor.expectsRefusal(400, '/fn/show-again');
      await scene.visitor.showsAgain('Code or backup code', phone.wrong());
      await expect(scene.visitor.summary).toBeVisible();
    },
  },
];

const organization: State[] = [
  { name: 'audit', arrange: ({ visitor }) => newcomerAt(visitor, '/settings/audit') },
  { name: 'audit-nothing', arrange: ({ visitor }) => newcomerAt(visitor, '/settings/audit?kind=member.') },
  {
    name: 'organization-refused',
    arrange: async ({ visitor }) => {
      await newcomerAt(visitor, '/settings/organization');
      visitor.expectsRefusal(403, '/fn/policy');
      await visitor.page.getByRole('checkbox', { name: 'Everybody must use two-factor authentication' }).check();
      await visitor.button('Save policy').click();
      await expect(visitor.summary).toBeVisible();
    },
  },
  { name: 'organization', arrange: async (scene) => void (await leads(scene)) },
  {
    name: 'organization-reset',
    arrange: async ({ visitor }) => {
      const { sophie } = await leads({ visitor });
      await visitor.organization.chooses('Reset two-factor', sophie);
    },
  },
  {
    name: 'organization-reset-refused',
    arrange: async ({ visitor }) => {
      const { sophie } = await leads({ visitor });
      await visitor.organization.chooses('Reset two-factor', sophie);
      visitor.expectsRefusal(400, '/fn/reset-member');
      await visitor.organization.presses('Reset two-factor');
      await expect(visitor.summary).toBeVisible();
    },
  },
  {
    name: 'two-factor-demanded',
    arrange: async ({ visitor }) => {
      await demandedOf(visitor, await guarded(visitor.latchkey));
      await visitor.isOn(SECURITY);
    },
  },
  {
    name: 'two-factor-demanded-later',
    arrange: async ({ visitor }) => {
      await demandedOf(visitor, await guarded(visitor.latchkey), secondsFromNow(10 * DAY));
      await visitor.isOn(SECURITY);
    },
  },
  {
    name: 'two-factor-mandatory',
    arrange: async (scene) => {
      const { visitor } = scene;
      const { api, person } = await settled(scene);
      await api.setsPolicy({ requireTwoFactor: true });
      visitor.expectsRefusal(409, '/fn/end-two-factor');
      await visitor.security.twoFactor.turnsOff(person.password);
      await expect(visitor.summary).toBeVisible();
    },
  },
];

export const twoFactor: State[] = [...card, ...secondStep, ...confirming, ...organization];

async function newcomerAt(visitor: Visitor, path: string): Promise<void> {
  await visitor.registers(someone());
  await visitor.opens(path);
}

/** The card of somebody who has not set anything up. */
async function newcomer({ visitor }: Pick<Scene, 'visitor'>): Promise<TwoFactorCard> {
  await newcomerAt(visitor, SECURITY);
  return visitor.security.twoFactor;
}

/** Somebody with two-factor authentication on their security page. */
async function settled({ visitor }: Pick<Scene, 'visitor'>): Promise<Guarded> {
  const resident = await guarded(visitor.latchkey);
  await visitor.signsInWithCode(resident.person, await resident.phone.next());
  await visitor.security.open();
  return resident;
}

/** Somebody who came in by a trusted device, and has another. */
async function trusted({ visitor }: Pick<Scene, 'visitor'>): Promise<void> {
  const resident = await guarded(visitor.latchkey);
  await resident.api.trustsDevice('Ada’s phone');
  await visitor.signsInTrusted(resident);
  await visitor.security.open();
}

/** Somebody who has given the password. */
async function half({ visitor }: Pick<Scene, 'visitor'>): Promise<Guarded> {
  const resident = await guarded(visitor.latchkey);
  await visitor.comesToSecondStep(resident.person);
  return resident;
}

/** The owner of an organization with three members, on its page. */
async function leads({ visitor }: Pick<Scene, 'visitor'>): Promise<{ owner: Guarded; sophie: string }> {
  const { latchkey } = visitor;
  const owner = await guarded(latchkey, { name: 'Ada Lovelace' });
  await guarded(latchkey, { name: 'Mary Somerville' }, owner.api);
  const sophie = await guarded(latchkey, { name: 'Sophie Germain' }, owner.api);
  await memberOf(owner.api, { name: 'Emmy Noether' });
  await owner.api.setsPolicy({ requireTwoFactor: true, twoFactorGraceUntil: secondsFromNow(10 * DAY), trustedDeviceDays: 7 });
  await visitor.signsInWithCode(owner.person, await owner.phone.next());
  await visitor.opens('/settings/organization');
  return { owner, sophie: sophie.person.email };
}

/** A member signs in whose organization demands two-factor authentication. */
async function demandedOf(visitor: Visitor, owner: Guarded, from?: string): Promise<void> {
  await owner.api.setsPolicy({ requireTwoFactor: true, ...(from ? { twoFactorGraceUntil: from } : {}) });
  const member = await memberOf(owner.api);
  await visitor.opens('/login');
  await visitor.entersCredentials(member);
}
