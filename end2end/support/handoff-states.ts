// The states of the page where people come from another site, and of those of a session that came so.
import { expect } from '@playwright/test';
import { Api } from './api.ts';
import { LANDING, goOn, holdsTokens, rawLink, ticketLink } from './handoff.ts';
import { type Person, someone } from './people.ts';
import type { Scene, State } from './states.ts';

export const handoff: State[] = [
  { name: 'handoff', arrange: async (scene) => void (await lands(scene)) },
  {
    name: 'handoff-other-account',
    arrange: async (scene) => {
      await scene.visitor.registers(someone());
      await lands(scene);
      await expect(scene.visitor.page.getByText('That session ends.')).toBeVisible();
    },
  },
  { name: 'handoff-not-valid', arrange: (scene) => refused(scene, 400, rawLink({})) },
  { name: 'handoff-over', arrange: (scene) => refused(scene, 410, `${LANDING}?state=over`) },
  { name: 'handoff-nothing', arrange: (scene) => refused(scene, 400, LANDING) },
  {
    name: 'handoff-signed-out',
    arrange: async (scene) => {
      const { visitor } = scene;
      const person = await lands(scene);
      await visitor.button(goOn(person)).click();
      await visitor.isOn('/settings/api-keys');
      const beside = await visitor.page.context().newPage();
      await beside.goto('/settings/profile');
      await expect(beside.locator('html[data-hydrated]')).toBeAttached();
      await beside.locator('.sign-out').click();
      await beside.waitForURL('**/login');
      await beside.close();
      await expect(visitor.page.getByText('You were signed out.')).toBeVisible();
    },
  },
];

async function lands({ visitor }: Scene): Promise<Person> {
  const person = someone();
  await Api.registering(visitor.latchkey, person);
  await visitor.opens(await ticketLink(visitor.latchkey, await holdsTokens(visitor.latchkey, person)));
  await visitor.reads('Continue?');
  return person;
}

async function refused({ visitor }: Scene, status: number, path: string): Promise<void> {
  visitor.watch.expects(status, LANDING);
  await visitor.opens(path);
  await expect(visitor.link('Go to sign-in')).toBeVisible();
}
