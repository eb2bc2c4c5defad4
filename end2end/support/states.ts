// Every state of every page that people can get to, by name: looked at by axe, measured, photographed.
import { expect } from '@playwright/test';
import { Api } from './api.ts';
import type { Household } from './household.ts';
import type { HouseName } from './houses.ts';
import { type Person, someone } from './people.ts';
import { type Mail, type PostOffice, code, linkTo } from './post-office.ts';
import { handoff } from './handoff-states.ts';
import { organizations } from './organization-states.ts';
import { twoFactor } from './two-factor-states.ts';
import { unusualUse } from './unusual-use-states.ts';
import type { Visitor } from './visitor.ts';

export interface Scene {
  visitor: Visitor;
  /** A further browser in front of the same server. */
  beside: () => Promise<Visitor>;
  household: Household;
  office: PostOffice;
  /** Who looks after the house that the state is in; with the usual one, nobody does. */
  landlord: Person;
}

export interface State {
  name: string;
  /** Another server than the usual one. */
  at?: HouseName;
  arrange: (scene: Scene) => Promise<void>;
}

const KEYS = '/settings/api-keys';

const front: State[] = [
  { name: 'login', arrange: ({ visitor }) => arrive(visitor, '/login') },
  { name: 'login-without-mail', at: 'mailless', arrange: ({ visitor }) => arrive(visitor, '/login') },
  { name: 'login-with-next', arrange: ({ visitor }) => arrive(visitor, '/login?next=%2Fsettings%2Fsecurity') },
  { name: 'login-empty', arrange: ({ visitor }) => refused(visitor, '/login', 'Sign in', 400, '/fn/sign-in') },
  {
    name: 'login-wrong-password',
    arrange: async ({ visitor }) => {
      visitor.expectsRefusal(401, '/fn/sign-in');
      await visitor.opens('/login');
      await visitor.entersCredentials(someone());
      await expect(visitor.summary).toBeVisible();
    },
  },
  {
    name: 'signed-out',
    arrange: async ({ visitor, household }) => {
      await visitor.signsIn(household.person);
      await visitor.signsOut();
    },
  },
  { name: 'register', arrange: ({ visitor }) => arrive(visitor, '/register') },
  { name: 'register-empty', arrange: ({ visitor }) => refused(visitor, '/register', 'Create account', 400, '/fn/register') },
  { name: 'setup-spent', arrange: ({ visitor }) => arrive(visitor, '/setup?token=spent') },
  { name: 'setup', arrange: ({ visitor }) => arrive(visitor, visitor.latchkey.setupLink()) },
  {
    name: 'not-found',
    arrange: async ({ visitor }) => {
      visitor.watch.expects(404, '/no/such/page');
      await visitor.opens('/no/such/page');
    },
  },
];

const reference: State[] = [
  { name: 'reference', arrange: ({ visitor }) => arrive(visitor, '/docs') },
  { name: 'reference-section', arrange: ({ visitor }) => arrive(visitor, '/docs/api-keys') },
];

const keys: State[] = [
  {
    name: 'keys-none',
    arrange: async ({ visitor }) => {
      await visitor.registers(someone());
    },
  },
  { name: 'keys', arrange: (scene) => inside(scene, KEYS) },
  { name: 'keys-revoked', arrange: (scene) => inside(scene, `${KEYS}?state=revoked`) },
  { name: 'keys-none-found', arrange: (scene) => inside(scene, `${KEYS}?q=zzzz`) },
  { name: 'keys-create', arrange: (scene) => inside(scene, `${KEYS}?dialog=create`) },
  {
    name: 'keys-create-empty',
    arrange: async (scene) => {
      const { visitor } = scene;
      await inside(scene, `${KEYS}?dialog=create`);
      visitor.expectsRefusal(400, '/fn/create-key');
      await visitor.keys.dialog.getByRole('checkbox', { name: 'Read' }).uncheck();
      await visitor.keys.dialog.getByText('More settings').click();
      await visitor.keys.presses('Create key');
      await expect(visitor.summary).toBeVisible();
    },
  },
  {
    name: 'keys-new',
    arrange: async ({ visitor }) => {
      await visitor.registers(someone());
      await visitor.keys.creates('Billing export');
    },
  },
  { name: 'keys-rotate', arrange: (scene) => inside(scene, `${KEYS}?dialog=rotate&key=${scene.household.keys.active.id}`) },
  { name: 'keys-end-overlap', arrange: (scene) => inside(scene, `${KEYS}?dialog=end-overlap&key=${scene.household.keys.rotating.id}`) },
  { name: 'keys-regenerate', arrange: (scene) => inside(scene, `${KEYS}?dialog=regenerate&key=${scene.household.keys.expired.id}`) },
  { name: 'keys-revoke', arrange: (scene) => inside(scene, `${KEYS}?dialog=revoke&key=${scene.household.keys.active.id}`) },
];

const settings: State[] = [
  { name: 'profile', arrange: (scene) => inside(scene, '/settings/profile') },
  {
    name: 'profile-empty',
    arrange: async (scene) => {
      await inside(scene, '/settings/profile');
      scene.visitor.expectsRefusal(400, '/fn/profile');
      await scene.visitor.field('Name').fill('');
      await scene.visitor.button('Save profile').click();
      await expect(scene.visitor.summary).toBeVisible();
    },
  },
  {
    name: 'profile-saved',
    arrange: async (scene) => {
      await inside(scene, '/settings/profile');
      await scene.visitor.button('Save profile').click();
      await expect(scene.visitor.news).toHaveText('Saved.');
    },
  },
  { name: 'security', arrange: (scene) => twoDevices(scene) },
  {
    name: 'security-empty',
    arrange: async (scene) => {
      await twoDevices(scene);
      scene.visitor.expectsRefusal(400, '/fn/password');
      await scene.visitor.button('Change password').click();
      await expect(scene.visitor.summary).toBeVisible();
    },
  },
];

/** What was mailed: the first of its kind to them. */
const SUBJECTS = {
  signIn: /^Your sign-in link for /,
  reset: /^Choose a new password for /,
  confirm: /^Confirm your address for /,
  move: /^Confirm your new address for /,
  undo: /^Your address for .* was changed$/,
  newSignIn: /^New sign-in to /,
};

type Post = Pick<Scene, 'visitor' | 'office'>;

/** Somebody with an account who waits for the mail to sign in with. */
async function waitsForLink({ visitor, office }: Post): Promise<{ person: Person; mail: Mail }> {
  const person = someone();
  await Api.registering(visitor.latchkey, person);
  await visitor.asksForLink(person.email);
  return { person, mail: await office.waitForMail(person.email, { subject: SUBJECTS.signIn }) };
}

async function waitsForReset({ visitor, office }: Post): Promise<{ person: Person; mail: Mail }> {
  const person = someone();
  await Api.registering(visitor.latchkey, person);
  await visitor.asksForNewPassword(person.email);
  return { person, mail: await office.waitForMail(person.email, { subject: SUBJECTS.reset }) };
}

/** Uses up the link of a mail, as another program would. */
async function spends(visitor: Visitor, mail: Mail): Promise<void> {
  const token = new URL(linkTo('magic-link', mail)).searchParams.get('token');
  expect((await Api.calls(visitor.latchkey, 'magic-link/verify', { token })).status).toBe(200);
}

/** Waits until nothing can be done with a link any more. */
async function expires(link: string): Promise<void> {
  await expect.poll(async () => (await fetch(link)).status, { timeout: 15_000 }).toBe(410);
}

const wrong = (mail: Mail): string => (code(mail) === '111111' ? '222222' : '111111');

const byMail: State[] = [
  { name: 'login-check-mail', arrange: async (scene) => void (await waitsForLink(scene)) },
  {
    name: 'login-check-mail-wrong-code',
    arrange: async (scene) => {
      const { mail } = await waitsForLink(scene);
      scene.visitor.expectsRefusal(400, '/fn/sign-in-code');
      await scene.visitor.entersCode(wrong(mail), 'Sign in');
      await expect(scene.visitor.summary).toBeVisible();
    },
  },
  {
    name: 'login-check-mail-again',
    arrange: async (scene) => {
      await waitsForLink(scene);
      await scene.visitor.button('Send a new one').click();
      await expect(scene.visitor.news).not.toBeEmpty();
    },
  },
  {
    name: 'login-mail-used',
    arrange: async (scene) => {
      const { mail } = await waitsForLink(scene);
      await spends(scene.visitor, mail);
      await scene.visitor.opens('/login?way=mail');
      await scene.visitor.reads('That mail is used up');
    },
  },
  {
    name: 'login-mail-expired',
    at: 'hasty',
    arrange: async (scene) => {
      const { mail } = await waitsForLink(scene);
      await expires(linkTo('magic-link', mail));
      await scene.visitor.opens('/login?way=mail');
      await scene.visitor.reads('That mail has expired');
    },
  },
  {
    name: 'magic-link',
    arrange: async (scene) => {
      const { mail } = await waitsForLink(scene);
      await scene.visitor.opens(linkTo('magic-link', mail));
    },
  },
  {
    name: 'magic-link-elsewhere',
    arrange: async (scene) => {
      const { mail } = await waitsForLink({ ...scene, visitor: await scene.beside() });
      await scene.visitor.opens(linkTo('magic-link', mail));
    },
  },
  {
    name: 'magic-link-used',
    arrange: async (scene) => {
      const { mail } = await waitsForLink(scene);
      await spends(scene.visitor, mail);
      scene.visitor.watch.expects(410, '/magic-link');
      await scene.visitor.opens(linkTo('magic-link', mail));
      await scene.visitor.reads('This link was used');
    },
  },
  {
    name: 'magic-link-expired',
    at: 'hasty',
    arrange: async (scene) => {
      const { mail } = await waitsForLink(scene);
      const link = linkTo('magic-link', mail);
      await expires(link);
      scene.visitor.watch.expects(410, '/magic-link');
      await scene.visitor.opens(link);
      await scene.visitor.reads('This link has expired');
    },
  },
  {
    name: 'magic-link-unknown',
    arrange: async ({ visitor }) => {
      visitor.watch.expects(400, '/magic-link');
      await visitor.opens(`/magic-link?token=${'a'.repeat(43)}`);
    },
  },
  { name: 'magic-link-missing', arrange: ({ visitor }) => arrive(visitor, '/magic-link') },
  { name: 'forgot-password', arrange: ({ visitor }) => arrive(visitor, '/forgot-password') },
  { name: 'forgot-password-empty', arrange: ({ visitor }) => refused(visitor, '/forgot-password', 'Email me a link', 400, '/fn/ask-reset') },
  { name: 'forgot-password-without-mail', at: 'mailless', arrange: ({ visitor }) => arrive(visitor, '/forgot-password') },
  { name: 'forgot-password-check-mail', arrange: async (scene) => void (await waitsForReset(scene)) },
  {
    name: 'reset-password',
    arrange: async (scene) => {
      const { mail } = await waitsForReset(scene);
      await scene.visitor.opens(linkTo('reset-password', mail));
    },
  },
  {
    name: 'reset-password-weak',
    arrange: async (scene) => {
      const { mail } = await waitsForReset(scene);
      await scene.visitor.opens(linkTo('reset-password', mail));
      scene.visitor.expectsRefusal(422, '/fn/reset-password');
      await scene.visitor.field('New password').fill('password1234');
      await scene.visitor.button('Change password').click();
      await expect(scene.visitor.summary).toBeVisible();
    },
  },
  {
    name: 'reset-password-done',
    arrange: async (scene) => {
      const { mail } = await waitsForReset(scene);
      await scene.visitor.opens(linkTo('reset-password', mail));
      await scene.visitor.field('New password').fill(someone().password);
      await scene.visitor.button('Change password').click();
      await scene.visitor.isOn('/login');
    },
  },
  {
    name: 'verify-email',
    arrange: async ({ visitor, office }) => {
      const person = someone();
      await Api.registering(visitor.latchkey, person);
      await visitor.opens(linkTo('verify-email', await office.waitForMail(person.email, { subject: SUBJECTS.confirm })));
    },
  },
  {
    name: 'verify-email-check-mail',
    arrange: async ({ visitor }) => {
      await visitor.registers(someone());
      await visitor.opens('/verify-email');
      await visitor.reads('Check your mail');
    },
  },
  {
    name: 'verify-email-first',
    at: 'strict',
    arrange: async ({ visitor }) => {
      await visitor.opens('/register');
      await visitor.fillsInRegistration(someone());
      await visitor.button('Create account').click();
      await visitor.isOn('/verify-email');
    },
  },
  { name: 'verify-email-ask', arrange: ({ visitor }) => arrive(visitor, '/verify-email') },
  {
    name: 'verify-email-done',
    arrange: async (scene) => {
      await confirmed(scene);
      await scene.visitor.opens('/verify-email');
      await scene.visitor.reads('Your address is confirmed');
    },
  },
  {
    name: 'verify-email-move',
    arrange: async (scene) => {
      const { confirm } = await moving(scene);
      await scene.visitor.opens(linkTo('verify-email', confirm));
      await scene.visitor.reads('Move your account');
    },
  },
  {
    name: 'secure-account',
    arrange: async (scene) => {
      await scene.visitor.opens(linkTo('secure-account', await notice(scene)));
      await scene.visitor.reads('Was it not you?');
    },
  },
  {
    name: 'secure-account-done',
    arrange: async (scene) => {
      await scene.visitor.opens(linkTo('secure-account', await notice(scene)));
      await scene.visitor.button('End all sessions').click();
      await scene.visitor.reads('All sessions are ended');
    },
  },
  {
    name: 'secure-account-unknown',
    arrange: async ({ visitor }) => {
      visitor.watch.expects(400, /^\/secure-account\//);
      await visitor.opens(`/secure-account/${'a'.repeat(43)}`);
    },
  },
  {
    name: 'undo-move',
    arrange: async (scene) => {
      await scene.visitor.opens(linkTo('secure-account', (await moved(scene)).undo));
      await scene.visitor.reads('Move your account back?');
    },
  },
  {
    name: 'undo-move-done',
    arrange: async (scene) => {
      const { undo, person } = await moved(scene);
      await scene.visitor.opens(linkTo('secure-account', undo));
      await scene.visitor.button(`Move your account back to ${person.email}`).click();
      await scene.visitor.reads('Your account is back');
    },
  },
];

const inTheHouse: State[] = [
  { name: 'mailbox-empty', at: 'untouched', arrange: ({ visitor }) => arrive(visitor, '/dev/mailbox') },
  {
    name: 'mailbox',
    at: 'development',
    arrange: async (scene) => {
      await findsMails(scene);
    },
  },
  {
    name: 'mailbox-open',
    at: 'development',
    arrange: async (scene) => {
      await findsMails(scene);
      await scene.visitor.page.getByRole('navigation', { name: 'Mails' }).getByRole('link', { name: 'Your sign-in link' }).first().click();
      await expect(scene.visitor.page.getByRole('article')).toBeVisible();
      await scene.visitor.settles();
    },
  },
  { name: 'profile-confirmed', arrange: (scene) => confirmed(scene) },
  {
    name: 'profile-change-email',
    arrange: async ({ visitor, household }) => {
      await visitor.signsIn(household.person);
      await visitor.opens('/settings/profile');
      await visitor.page.getByText('Change your email').click();
      visitor.expectsRefusal(400, '/fn/new-address');
      await visitor.button('Send a link to the new email').click();
      await expect(visitor.summary).toBeVisible();
    },
  },
  { name: 'profile-moving', arrange: async (scene) => void (await moving(scene)) },
  { name: 'profile-without-mail', at: 'mailless', arrange: ({ visitor }) => asNewcomer(visitor, '/settings/profile') },
  { name: 'keys-without-mail', at: 'mailless', arrange: ({ visitor }) => asNewcomer(visitor, KEYS) },
  { name: 'landlord', at: 'manor', arrange: (scene) => asLandlord(scene) },
  {
    name: 'landlord-tried',
    at: 'manor',
    arrange: async (scene) => {
      await asLandlord(scene);
      await scene.visitor.button('Send a test mail to me').click();
      await expect(scene.visitor.news).not.toBeEmpty();
    },
  },
  {
    name: 'landlord-trouble',
    at: 'manor',
    arrange: async (scene) => {
      await asLandlord(scene);
      scene.office.refusesRecipients(550, { whom: scene.landlord.email });
      await scene.visitor.button('Send a test mail to me').click();
      await expect(scene.visitor.page.locator('#mail pre')).toBeVisible();
      scene.office.accepts();
    },
  },
  { name: 'landlord-development', at: 'development', arrange: (scene) => asLandlord(scene) },
  { name: 'landlord-without-mail', at: 'mailless', arrange: (scene) => asLandlord(scene) },
];

export const STATES = [...front, ...byMail, ...reference, ...keys, ...unusualUse, ...settings, ...twoFactor, ...handoff, ...organizations, ...inTheHouse];

async function arrive(visitor: Visitor, path: string): Promise<void> {
  await visitor.opens(path);
}

async function inside({ visitor, household }: Scene, path: string): Promise<void> {
  await visitor.signsIn(household.person);
  await visitor.opens(path);
}

async function asNewcomer(visitor: Visitor, path: string): Promise<void> {
  await visitor.registers(someone());
  await visitor.opens(path);
}

async function asLandlord({ visitor, landlord }: Scene): Promise<void> {
  await visitor.opens('/login?next=%2Flandlord');
  await visitor.entersCredentials(landlord);
  await visitor.isOn('/landlord');
}

/** Somebody who has confirmed their address, on their profile. */
async function confirmed({ visitor, office }: Post): Promise<void> {
  const person = someone();
  await visitor.registers(person);
  await visitor.opens(linkTo('verify-email', await office.waitForMail(person.email, { subject: SUBJECTS.confirm })));
  await visitor.button(`Confirm ${person.email}`).click();
  await visitor.isOn('/settings/profile');
}

/** Somebody who has asked to move to another address, on their profile. */
async function moving({ visitor, office }: Post): Promise<{ person: Person; next: string; confirm: Mail }> {
  const person = someone();
  const next = someone().email;
  await visitor.registers(person);
  await visitor.opens('/settings/profile');
  await visitor.page.getByText('Change your email').click();
  await visitor.field('New email').fill(next);
  await visitor.field('Current password').fill(person.password);
  await visitor.button('Send a link to the new email').click();
  await expect(visitor.page.getByText(`Waiting for ${next}.`)).toBeVisible();
  return { person, next, confirm: await office.waitForMail(next, { subject: SUBJECTS.move }) };
}

/** Somebody whose account has moved, and what the old address was told. */
async function moved(scene: Scene): Promise<{ person: Person; undo: Mail }> {
  const mover = await scene.beside();
  const { person, next, confirm } = await moving({ ...scene, visitor: mover });
  await mover.opens(linkTo('verify-email', confirm));
  await mover.button(`Move your account to ${next}`).click();
  await mover.isOn('/settings/profile');
  return { person, undo: await scene.office.waitForMail(person.email, { subject: SUBJECTS.undo }) };
}

/** What somebody is told of a sign-in with a new browser. */
async function notice({ office, beside }: Scene): Promise<Mail> {
  const person = someone();
  const other = await beside();
  await Api.registering(other.latchkey, person);
  await other.signsIn(person);
  return office.waitForMail(person.email, { subject: SUBJECTS.newSignIn });
}

/** A mailbox with a few mails, the newest to sign in with. */
async function findsMails({ visitor }: Pick<Scene, 'visitor'>): Promise<void> {
  const person = someone();
  await Api.registering(visitor.latchkey, person);
  await visitor.asksForLink(person.email);
  await expect(async () => {
    await visitor.opens('/dev/mailbox');
    await expect(visitor.page.getByRole('link', { name: person.email })).toHaveCount(2, { timeout: 100 });
  }).toPass();
}

const PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1';

async function twoDevices({ visitor }: Scene): Promise<void> {
  const person = someone();
  await visitor.registers(person);
  await Api.signingIn(visitor.latchkey, person, PHONE);
  await visitor.security.open();
}

async function refused(visitor: Visitor, path: string, button: string, status: number, call: string): Promise<void> {
  visitor.expectsRefusal(status, call);
  await visitor.opens(path);
  await visitor.button(button).click();
  await expect(visitor.summary).toBeVisible();
}
