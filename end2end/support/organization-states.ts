// The states of the pages of organizations, invitations and landlords.
import { expect } from '@playwright/test';
import { Api } from './api.ts';
import { memberOf } from './member.ts';
import { type Person, someone } from './people.ts';
import { linkTo } from './post-office.ts';
import type { Scene, State } from './states.ts';

const SUBJECT = 'You are invited to Blue Harbour';

/** An owner who has invited somebody: the API of the owner, the invitation, and its link. */
async function invited({ visitor, office }: Pick<Scene, 'visitor' | 'office'>, guest: Person): Promise<{ api: Api; invitation: string; link: string }> {
  const api = await Api.registering(visitor.latchkey, someone({ name: 'Ada Lovelace' }));
  const invitation = await api.invites(guest.email, 'MANAGER');
  return { api, invitation, link: linkTo('invite', await office.waitForMail(guest.email, { subject: SUBJECT })) };
}

const invite: State[] = [
  { name: 'invite', arrange: async (scene) => void (await scene.visitor.opens((await invited(scene, someone())).link)) },
  {
    name: 'invite-refused',
    arrange: async (scene) => {
      const { visitor } = scene;
      await visitor.opens((await invited(scene, someone())).link);
      visitor.expectsRefusal(400, '/fn/accept-as-new');
      await visitor.button('Create account and join').click();
      await expect(visitor.summary).toBeVisible();
    },
  },
  {
    name: 'invite-known',
    arrange: async (scene) => {
      const guest = someone();
      await Api.registering(scene.visitor.latchkey, guest);
      await scene.visitor.opens((await invited(scene, guest)).link);
    },
  },
  {
    name: 'invite-signed-in',
    arrange: async (scene) => {
      const guest = someone();
      await scene.visitor.registers(guest);
      await scene.visitor.opens((await invited(scene, guest)).link);
    },
  },
  {
    name: 'invite-another-account',
    arrange: async (scene) => {
      await scene.visitor.registers(someone());
      await scene.visitor.opens((await invited(scene, someone())).link);
    },
  },
  {
    name: 'invite-withdrawn',
    arrange: async (scene) => {
      const { api, invitation, link } = await invited(scene, someone());
      await api.withdraws(invitation);
      scene.visitor.watch.expects(410, /^\/invite\//);
      await scene.visitor.opens(link);
    },
  },
  {
    name: 'invite-accepted',
    arrange: async (scene) => {
      const guest = someone();
      const { link } = await invited(scene, guest);
      const other = await scene.beside();
      await other.opens(link);
      await other.joinsAsNew(guest);
      scene.visitor.watch.expects(410, /^\/invite\//);
      await scene.visitor.opens(link);
    },
  },
  {
    name: 'invite-expired',
    at: 'hasty',
    arrange: async (scene) => {
      const { link } = await invited(scene, someone());
      scene.visitor.watch.expects(410, /^\/invite\//);
      await expect(async () => {
        await scene.visitor.opens(link);
        await scene.visitor.reads('This invitation has expired');
      }).toPass();
    },
  },
  {
    name: 'invite-unknown',
    arrange: async ({ visitor }) => {
      visitor.watch.expects(400, /^\/invite\//);
      await visitor.opens('/invite/no-such-token');
    },
  },
  { name: 'register-with-code', arrange: async ({ visitor }) => void (await visitor.opens('/register?code=K7QF-9M2X-4T')) },
];

/** An owner with members, invitations of every kind and codes, on the page of the organization. */
async function leads({ visitor, office }: Pick<Scene, 'visitor' | 'office'>): Promise<Person> {
  const owner = someone({ name: 'Ada Lovelace' });
  const api = await Api.registering(visitor.latchkey, owner);
  const mary = await memberOf(api, { name: 'Mary Somerville' });
  await api.invites(someone({ name: 'Sophie Germain' }).email, 'ADMIN');
  await api.withdraws(await api.invites(someone({ name: 'Emmy Noether' }).email));
  await visitor.signsIn(owner);
  await visitor.organization.open();
  await visitor.organization.makesCode({ people: 20, domain: office ? 'example.test' : '' });
  await visitor.organization.makesCode({ role: 'Manager' });
  await visitor.organization.codes.first().getByRole('button', { name: /^Revoke/ }).click();
  await expect(visitor.news).toContainText('revoked');
  await visitor.organization.open();
  return mary;
}

const organization: State[] = [
  { name: 'organization-people', arrange: async (scene) => void (await leads(scene)) },
  {
    name: 'organization-change',
    arrange: async (scene) => {
      const mary = await leads(scene);
      await scene.visitor.organization.chooses('Change', mary.email);
    },
  },
  {
    name: 'organization-remove',
    arrange: async (scene) => {
      const { visitor } = scene;
      const mary = await leads(scene);
      const api = await Api.signingIn(visitor.latchkey, mary);
      await api.makesKey({ name: 'Nightly export' });
      await visitor.organization.chooses('Remove', mary.email);
    },
  },
  {
    name: 'organization-invite-refused',
    arrange: async (scene) => {
      const { visitor } = scene;
      await leads(scene);
      visitor.expectsRefusal(400, '/fn/invite');
      await visitor.organization.invites('nobody');
      await expect(visitor.summary).toBeVisible();
    },
  },
  {
    name: 'organization-code',
    arrange: async (scene) => {
      await leads(scene);
      await scene.visitor.page.getByText('Make a code').click();
    },
  },
  {
    name: 'organization-link',
    arrange: async ({ visitor }) => {
      const owner = someone({ name: 'Ada Lovelace' });
      const api = await Api.registering(visitor.latchkey, owner);
      const guest = someone();
      await api.invites(guest.email);
      await visitor.signsIn(owner);
      await visitor.organization.open();
      await visitor.organization.does('Show a link', guest.email);
      await expect(visitor.organization.dialog).toBeVisible();
      await visitor.settles();
    },
  },
  {
    name: 'switcher',
    arrange: async (scene) => {
      const { visitor } = scene;
      const guest = someone({ company: 'Red Hill' });
      await visitor.registers(guest);
      await visitor.opens((await invited(scene, guest)).link);
      await visitor.button('Join').click();
      await visitor.isOn('/settings/api-keys');
      await visitor.page.getByText('Switch organization').click();
    },
  },
];

/** A landlord with two tenants on their page, one of them suspended. */
async function houses({ visitor, landlord }: Scene): Promise<void> {
  for (const company of ['Red Hill', 'Green Valley']) await Api.registering(visitor.latchkey, someone({ company }));
  await visitor.signsIn(landlord);
  await visitor.opens('/landlord?search=green+valley');
  const first = visitor.page.locator('#tenants li.member').first();
  const suspend = first.getByRole('link', { name: 'Suspend Green Valley' });
  if (await suspend.count()) {
    await suspend.click();
    await visitor.settles();
    await visitor.page.getByRole('dialog').getByRole('button', { name: 'Suspend', exact: true }).click();
    await expect(visitor.news).toContainText('suspended');
  }
  await visitor.opens('/landlord');
}

const landlord: State[] = [
  { name: 'landlord-tenants', at: 'manor', arrange: houses },
  {
    name: 'landlord-open-tenant',
    at: 'manor',
    arrange: async (scene) => {
      const { visitor } = scene;
      await houses(scene);
      await visitor.page.getByText('Open a tenant').click();
      visitor.expectsRefusal(400, '/fn/open-tenant');
      await visitor.button('Open and invite').click();
      await expect(visitor.summary).toBeVisible();
    },
  },
  {
    name: 'landlord-suspend',
    at: 'manor',
    arrange: async (scene) => {
      const { visitor } = scene;
      await houses(scene);
      await visitor.page.getByRole('link', { name: 'Suspend Red Hill' }).first().click();
      await expect(visitor.page.getByRole('dialog')).toBeVisible();
      await visitor.settles();
    },
  },
];

export const organizations: State[] = [...invite, ...organization, ...landlord];
