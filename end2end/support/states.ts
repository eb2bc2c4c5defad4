// Every state of every page that people can get to, by name: looked at by axe, measured, photographed.
import { expect } from '@playwright/test';
import { Api } from './api.ts';
import type { Household } from './household.ts';
import { someone } from './people.ts';
import type { Visitor } from './visitor.ts';

export interface Scene {
  visitor: Visitor;
  household: Household;
}

export interface State {
  name: string;
  arrange: (scene: Scene) => Promise<void>;
}

const KEYS = '/settings/api-keys';

const front: State[] = [
  { name: 'login', arrange: ({ visitor }) => arrive(visitor, '/login') },
  { name: 'login-with-next', arrange: ({ visitor }) => arrive(visitor, '/login?next=%2Fsettings%2Fsecurity') },
  { name: 'login-empty', arrange: ({ visitor }) => refused(visitor, '/login', 'Sign in', 400, '/fn/sign-in') },
  {
    name: 'login-wrong-password',
    arrange: async ({ visitor }) => {
      visitor.watch.expects(401, '/fn/sign-in');
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
      visitor.watch.expects(400, '/fn/create-key');
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
      scene.visitor.watch.expects(400, '/fn/profile');
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
      scene.visitor.watch.expects(400, '/fn/password');
      await scene.visitor.button('Change password').click();
      await expect(scene.visitor.summary).toBeVisible();
    },
  },
];

export const STATES = [...front, ...keys, ...settings];

async function arrive(visitor: Visitor, path: string): Promise<void> {
  await visitor.opens(path);
}

async function inside({ visitor, household }: Scene, path: string): Promise<void> {
  await visitor.signsIn(household.person);
  await visitor.opens(path);
}

const PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1';

async function twoDevices({ visitor }: Scene): Promise<void> {
  const person = someone();
  await visitor.registers(person);
  await Api.signingIn(visitor.latchkey, person, PHONE);
  await visitor.security.open();
}

async function refused(visitor: Visitor, path: string, button: string, status: number, call: string): Promise<void> {
  visitor.watch.expects(status, call);
  await visitor.opens(path);
  await visitor.button(button).click();
  await expect(visitor.summary).toBeVisible();
}
