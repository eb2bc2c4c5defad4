// Mail as those see it who run the house: the development mailbox, the landlord's card, the banner.
import { Api } from '../../support/api.ts';
import { type Person, someone } from '../../support/people.ts';
import type { Latchkey } from '../../support/server.ts';
import type { Visitor } from '../../support/visitor.ts';
import { expect, test } from '../../support/test.ts';

/** Becomes the landlord by the link of the first start. */
async function setsUp(visitor: Visitor, latchkey: Latchkey): Promise<Person> {
  const landlord = someone();
  latchkey.keepsSecret('password', landlord.password);
  await visitor.opens(latchkey.setupLink());
  await visitor.field('Name').fill(landlord.name);
  await visitor.field('Email').fill(landlord.email);
  await visitor.field('Password').fill(landlord.password);
  await visitor.button('Finish setting up').click();
  await visitor.isOn(/^\/(settings|landlord)/);
  return landlord;
}

test.describe('the development mailbox', () => {
  test('lists the mails, opens one, and its link leads in', async ({ ownServer, anotherVisitor }) => {
    const latchkey = await ownServer({}, 'dev');
    const visitor = await anotherVisitor({ at: latchkey });
    await visitor.opens('/dev/mailbox');
    await expect(visitor.page.getByText('No mails yet.')).toBeVisible();

    const ada = someone();
    await Api.registering(latchkey, ada);
    await visitor.asksForLink(ada.email);
    const mails = visitor.page.getByRole('navigation', { name: 'Mails' });
    await expect(async () => {
      await visitor.opens('/dev/mailbox');
      await expect(mails.getByRole('link')).toHaveCount(2, { timeout: 100 });
    }).toPass();
    await expect(mails.getByRole('link').first()).toContainText('Your sign-in link for Blue Harbour');
    await expect(mails.getByRole('link').first()).toContainText(ada.email);
    await mails.getByRole('link', { name: 'Your sign-in link' }).click();
    const mail = visitor.page.getByRole('article', { name: 'Your sign-in link for Blue Harbour' });
    await expect(mail).toContainText('Or type this code where you asked for the link:');
    await mail.getByText('HTML part').click();
    await expect(mail.locator('pre')).toContainText('<!doctype html>');
    await mail.getByRole('link', { name: /\/magic-link\?token=/ }).click();
    await visitor.button(`Sign in as ${ada.email}`).click();
    await visitor.isOn('/settings/api-keys');
  });

  test('is no page at all where mail is real', async ({ visitor, watch, ownServer, anotherVisitor }) => {
    const without = await anotherVisitor({ at: await ownServer() });
    watch.expects(404, '/dev/mailbox');
    for (const who of [visitor, without]) {
      expect((await who.opens('/dev/mailbox'))?.status()).toBe(404);
      await who.reads('There is no such page');
    }
  });

  test('takes the landlord’s test mail', async ({ ownServer, anotherVisitor }) => {
    const latchkey = await ownServer({}, 'dev');
    const visitor = await anotherVisitor({ at: latchkey });
    await setsUp(visitor, latchkey);
    await visitor.opens('/landlord');
    await visitor.button('Send a test mail to me').click();
    await expect(visitor.news).toHaveText('The test mail is in the development mailbox.');
    await visitor.link('Open the mailbox').click();
    await visitor.isOn('/dev/mailbox');
    await expect(async () => {
      await visitor.link('Look again').click();
      await expect(visitor.page.getByRole('navigation', { name: 'Mails' }).getByRole('link', { name: 'A test mail from Latchkey' })).toBeVisible({ timeout: 200 });
    }).toPass();
  });
});

test.describe('the landlord', () => {
  test('sends a test mail, which arrives, and sees how mail stands', async ({ ownServer, ownOffice, anotherVisitor }) => {
    const office = await ownOffice();
    const latchkey = await ownServer(office.settings);
    const visitor = await anotherVisitor({ at: latchkey });
    const landlord = await setsUp(visitor, latchkey);
    await visitor.link('Landlord').click();
    await visitor.isOn('/landlord');
    const card = visitor.page.locator('#mail');
    await expect(card).toContainText('Mail server');
    await expect(card).toContainText('Blue Harbour <no-reply@example.org>');
    await visitor.button('Send a test mail to me').click();
    await expect(visitor.news).toHaveText(`The mail server took the test mail to ${landlord.email}. Have a look whether it arrives.`);
    await office.waitForMail(landlord.email, { subject: 'A test mail from Latchkey' });

    await office.goesDown();
    await Api.registering(latchkey, someone());
    await visitor.opens('/landlord');
    await expect(card.locator('dl div', { hasText: 'Waiting' })).toContainText('1, the oldest since');
  });

  const troubles = [
    ['cannot be reached', 'connect', /Connection refused/],
    ['refused your address', 'recipient', /^550 /],
    ['refused it', 'content', /^554 /],
    ['did not accept user name and password', 'authentication', /^535 /],
  ] as const;
  for (const [words, stage, said] of troubles) {
    test(`is told where a test mail got stuck: ${stage}`, async ({ ownServer, ownOffice, anotherVisitor }) => {
      const office = await ownOffice(stage === 'authentication' ? { tls: 'starttls', credentials: { user: 'harbour', password: 'violet window' } } : {});
      const latchkey = await ownServer({ ...office.settings, LATCHKEY_SMTP_URL: office.url.replace('violet', 'crimson'), LATCHKEY_SMTP_TIMEOUT: '2' });
      const visitor = await anotherVisitor({ at: latchkey });
      await setsUp(visitor, latchkey);
      if (stage === 'connect') await office.goesDown();
      if (stage === 'recipient') office.refusesRecipients(550);
      if (stage === 'content') office.refusesMessages(554);
      await visitor.opens('/landlord');
      await visitor.button('Send a test mail to me').click();
      await expect(visitor.news).toContainText(`The test mail was not sent: the mail server ${words}`);
      await expect(visitor.page.locator('#mail pre')).toHaveText(said);
      expect(await visitor.page.content()).not.toContain('crimson');
      expect(office.mailsTo('')).toEqual([]);
    });
  }

  test('has a page of their own: others may not see it', async ({ visitor, anotherVisitor, resident, watch }) => {
    await visitor.signsIn(resident.person);
    await expect(visitor.link('Landlord')).toHaveCount(0);
    watch.expects(403, '/landlord');
    expect((await visitor.opens('/landlord'))?.status()).toBe(403);
    const stranger = await anotherVisitor();
    await stranger.opens('/landlord');
    await stranger.isOn('/login');
  });
});

test('without a mail server every page says so to those who can act, and nothing offers a mail', async ({ ownServer, anotherVisitor }) => {
  const latchkey = await ownServer();
  const landlord = await anotherVisitor({ at: latchkey });
  await setsUp(landlord, latchkey);
  const visitor = await anotherVisitor({ at: latchkey });
  const ada = someone();
  await visitor.opens('/login');
  await expect(visitor.button('Email me a link instead')).toHaveCount(0);
  await visitor.opens('/forgot-password');
  await expect(visitor.page.getByText('Mail is not set up here. Ask an administrator for a link to choose a new password.')).toBeVisible();
  await expect(visitor.field('Email')).toHaveCount(0);
  await visitor.registers(ada);
  for (const path of ['/settings/api-keys', '/settings/profile', '/settings/security']) {
    await visitor.opens(path);
    await expect(visitor.page.getByText('Mail is not configured: nobody can recover a password by mail')).toContainText('Ask whoever runs this installation');
  }
  await visitor.opens('/settings/profile');
  await expect(visitor.page.getByText('Mail is not configured here, so your email cannot be changed or confirmed.')).toBeVisible();
  await expect(visitor.button('Send the link again')).toHaveCount(0);

  await landlord.opens('/landlord');
  await expect(landlord.page.getByText('Mail is not configured: nobody can recover')).toContainText('LATCHKEY_SMTP_URL');
  await expect(landlord.page.locator('#mail')).toContainText('Not configured');
  await expect(landlord.button('Send a test mail to me')).toHaveCount(0);
});
