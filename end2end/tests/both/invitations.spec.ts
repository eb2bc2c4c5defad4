// An invitation and its endings, and codes.
import { Api } from '../../support/api.ts';
import { someone } from '../../support/people.ts';
import { type PostOffice, linkTo } from '../../support/post-office.ts';
import { expect, test } from '../../support/test.ts';

const SUBJECT = 'You are invited to Blue Harbour';

async function link(office: PostOffice, email: string): Promise<string> {
  return linkTo('invite', await office.waitForMail(email, { subject: SUBJECT }));
}

test('somebody new chooses a password and is in, with the address confirmed', async ({ visitor, anotherVisitor, resident, office }) => {
  const ada = someone();
  await resident.api.invites(ada.email, 'MANAGER');
  visitor.expectsRefusal(422, '/fn/accept-as-new');
  await visitor.opens(await link(office, ada.email));
  await expect(visitor.lead).toHaveText(`${resident.person.name} invites you to join Blue Harbour as a manager.`);
  await visitor.field('Your name').fill(ada.name);
  await visitor.field('Password').fill('short');
  await visitor.button('Create account and join').click();
  await expect(visitor.errorUnder('Password')).not.toBeEmpty();
  await expect(visitor.field('Your name'), 'what was typed stays').toHaveValue(ada.name);
  await visitor.joinsAsNew(ada);
  await visitor.opens('/settings/profile');
  await expect(visitor.page.locator('main')).toContainText('Manager');
  await expect(visitor.page.getByText('Send the link again')).toHaveCount(0);

  const late = await anotherVisitor();
  late.watch.expects(410, /^\/invite\//);
  await late.opens(await link(office, ada.email));
  await late.reads('This invitation was accepted');
});

test('somebody with an account signs in first, and then joins', async ({ visitor, resident, office, latchkey }) => {
  const ada = someone({ company: 'Red Hill' });
  await Api.registering(latchkey, ada);
  await resident.api.invites(ada.email);
  await visitor.opens(await link(office, ada.email));
  await expect(visitor.page.locator('main')).toContainText(`The address ${ada.email} has an account here.`);
  await visitor.link('Sign in to join').click();
  await visitor.isOn('/login');
  await visitor.entersCredentials(ada);
  await visitor.reads('Join Blue Harbour');
  await visitor.settles();
  await visitor.button('Join').click();
  await visitor.isOn('/settings/api-keys');
  await expect(visitor.news).toHaveText('You have joined. You act in this organization now.');
  await expect(visitor.page.locator('.who')).toContainText('Blue Harbour');

  await visitor.page.getByText('Switch organization').click();
  await visitor.button('Red Hill').click();
  await expect(visitor.news).toHaveText('You act in this organization now.');
  await expect(visitor.page.locator('.who')).toContainText('Red Hill');
  await visitor.opens('/settings/profile');
  await expect(visitor.page.locator('.who'), 'it stays so').toContainText('Red Hill');
});

test('another account is told of both addresses, and can leave for it', async ({ visitor, resident, office, latchkey }) => {
  const [ada, mallory] = [someone(), someone()];
  await Api.registering(latchkey, mallory);
  await resident.api.invites(ada.email);
  await visitor.signsIn(mallory);
  await visitor.opens(await link(office, ada.email));
  await expect(visitor.page.locator('main')).toContainText(`This invitation is for ${ada.email}, and you are signed in as ${mallory.email}.`);
  await expect(visitor.button('Join')).toHaveCount(0);
  await visitor.button('Sign out and go on').click();
  await expect(visitor.field('Your name')).toBeVisible();
  await visitor.settles();
  await visitor.joinsAsNew(ada);
});

test('what was withdrawn, sent again or never given out says so', async ({ visitor, anotherVisitor, resident, office }) => {
  const ada = someone();
  await visitor.signsIn(resident.person);
  await visitor.organization.open();
  await visitor.organization.invites(ada.email);
  const first = await office.waitForMail(ada.email, { subject: SUBJECT });
  await visitor.organization.does('Send again', ada.email);
  await expect(visitor.news).toHaveText('We sent it again. Only the newest link works.');
  const second = await office.waitForMail(ada.email, { subject: SUBJECT, after: first });
  const guest = await anotherVisitor();
  guest.watch.expects(400, /^\/invite\//);
  await guest.opens(linkTo('invite', first));
  await guest.reads('This invitation is not valid');
  await guest.opens(linkTo('invite', second));
  await guest.reads('Join Blue Harbour');

  await visitor.organization.does('Withdraw', ada.email);
  await expect(visitor.news).toHaveText('The invitation is withdrawn. Its link works no longer.');
  guest.watch.expects(410, /^\/invite\//);
  await guest.opens(linkTo('invite', second));
  await guest.reads('This invitation was withdrawn');
  await expect(guest.lead).toContainText(resident.person.name);

  expect((await guest.opens('/invite/never-given-out'))?.status()).toBe(400);
  await guest.reads('This invitation is not valid');
});

test('one that was open while it was withdrawn is explained, not lost', async ({ visitor, resident, office }) => {
  const ada = someone();
  const invitation = await resident.api.invites(ada.email);
  await visitor.opens(await link(office, ada.email));
  await resident.api.withdraws(invitation);
  visitor.watch.expects(410, /^\/invite\//);
  await visitor.field('Your name').fill(ada.name);
  await visitor.field('Password').fill(ada.password);
  await visitor.button('Create account and join').click();
  await visitor.reads('This invitation was withdrawn');
});

test('one that is over says who can send it again, and then it works', async ({ ownServer, ownOffice, anotherVisitor }) => {
  const office = await ownOffice();
  const latchkey = await ownServer({ ...office.settings, LATCHKEY_INVITATION_TTL: '1' });
  const [owner, ada] = [someone(), someone()];
  const api = await Api.registering(latchkey, owner);
  const invitation = await api.invites(ada.email);
  const mail = await office.waitForMail(ada.email, { subject: SUBJECT });
  const guest = await anotherVisitor({ at: latchkey });
  guest.watch.expects(410, /^\/invite\//);
  await expect(async () => {
    await guest.opens(linkTo('invite', mail));
    await guest.reads('This invitation has expired');
  }).toPass();
  await expect(guest.lead).toHaveText(`Ask ${owner.name} of Blue Harbour to send it again.`);
  await latchkey.stops();
  await latchkey.starts({ LATCHKEY_INVITATION_TTL: '600' });
  await api.sendsAgain(invitation);
  await guest.opens(linkTo('invite', await office.waitForMail(ada.email, { subject: SUBJECT, after: mail })));
  await guest.joinsAsNew(ada);
});

test('a link can be handed over, once', async ({ visitor, anotherVisitor, resident }) => {
  const ada = someone();
  await visitor.signsIn(resident.person);
  await visitor.organization.open();
  await visitor.organization.invites(ada.email);
  await expect(visitor.news).toHaveText('The invitation is on its way.');
  await visitor.organization.does('Show a link', ada.email);
  const shown = await visitor.organization.readsLink();
  await visitor.organization.open();
  await expect(visitor.organization.dialog, 'it is shown once').toHaveCount(0);
  const guest = await anotherVisitor();
  await guest.opens(shown);
  await guest.joinsAsNew(ada);
});

test('a code lets people join while they sign up, and stops when it is revoked', async ({ visitor, anotherVisitor, resident }) => {
  await visitor.signsIn(resident.person);
  await visitor.organization.open();
  const code = await visitor.organization.makesCode({ people: 3 });
  const guest = await anotherVisitor();
  const ada = someone();
  await guest.opens('/register');
  await guest.link('Use an invitation code').click();
  await expect(guest.field('Invitation code')).toBeVisible();
  await guest.settles();
  guest.expectsRefusal(400, '/fn/register');
  await guest.fillsInAccount(ada);
  await guest.field('Invitation code').fill('AAAA-BBBB-CC');
  await guest.button('Create account').click();
  await expect(guest.errorUnder('Invitation code')).toHaveText('This code does not work.');
  await expect(guest.field('Email'), 'what was typed stays').toHaveValue(ada.email);
  await guest.field('Password').fill(ada.password);
  await guest.field('Invitation code').fill(code.toLowerCase().replaceAll('-', ' '));
  await guest.button('Create account').click();
  await guest.isOn('/settings/api-keys');
  await expect(guest.page.locator('.who')).toContainText('Blue Harbour');

  await visitor.organization.open();
  await expect(visitor.organization.member(ada.email)).toBeVisible();
  await expect(visitor.organization.codes.first()).toContainText('1 of 3 joined');
  await visitor.organization.codes.first().getByRole('button', { name: `Revoke ${code}` }).click();
  await expect(visitor.news).toHaveText('The code is revoked. Nobody joins with it any more.');
  const late = await anotherVisitor();
  await late.opens(`/register?code=${code}`);
  await expect(late.field('Invitation code')).toHaveValue(code);
  await late.fillsInAccount(someone());
  await late.button('Create account').click();
  await expect(late.errorUnder('Invitation code')).toHaveText('This code does not work.');
});

test('where registration is by invitation, the page asks for the code', async ({ ownServer, anotherVisitor }) => {
  const latchkey = await ownServer({ LATCHKEY_REGISTRATION: 'invite' });
  const guest = await anotherVisitor({ at: latchkey });
  await guest.opens('/register');
  await expect(guest.lead).toContainText('New accounts need an invitation here');
  guest.expectsRefusal(400, '/fn/register');
  await guest.fillsInAccount(someone());
  await guest.button('Create account').click();
  await expect(guest.errorUnder('Invitation code')).toHaveText('Enter the code you were given.');
});

test('a code for a domain lets in once the address is confirmed', async ({ visitor, anotherVisitor, resident, office }) => {
  await visitor.signsIn(resident.person);
  await visitor.organization.open();
  const code = await visitor.organization.makesCode({ domain: 'example.test' });
  const ada = someone();
  const guest = await anotherVisitor();
  await guest.opens(`/register?code=${code}`);
  await guest.fillsInAccount(ada);
  await guest.button('Create account').click();
  await guest.isOn('/verify-email');
  await guest.opens(linkTo('verify-email', await office.waitForMail(ada.email, { subject: 'Confirm your address for Latchkey' })));
  await guest.button(`Confirm ${ada.email}`).click();
  await guest.isOn('/settings/api-keys');
  await expect(guest.page.locator('.who')).toContainText('Blue Harbour');
});

test('choosing a theme leads back to the invitation', async ({ visitor, resident, office }) => {
  const ada = someone();
  await resident.api.invites(ada.email);
  await visitor.opens(await link(office, ada.email));
  await visitor.button('Dark').click();
  await expect(visitor.page.locator('html')).toHaveAttribute('data-theme', 'dark');
  // With a script the token is out of the address bar by then.
  await visitor.isOn(/^\/invite/);
  await expect(visitor.field('Your name')).toBeVisible();
});
