// How pages behave on narrow screens, for slow fingers, and for people who have asked for less.
import { type Locator } from '@playwright/test';
import { Api } from '../../support/api.ts';
import { overfull } from '../../support/boxes.ts';
import { guarded } from '../../support/guarded.ts';
import { someone } from '../../support/people.ts';
import { expect, test } from '../../support/test.ts';
import type { Visitor } from '../../support/visitor.ts';

for (const width of [1280, 640, 320]) {
  test(`words as long as their fields allow stay inside at ${width} pixels`, async ({ anotherVisitor, latchkey }) => {
    const unique = someone().email.split(/[.@]/)[1];
    const email = `${'lovelace'.repeat(6)}.${unique}@${'harbour'.repeat(8)}.example.test`;
    const person = someone({ name: 'Lovelace'.repeat(12), email, company: 'BlueHarbour'.repeat(9) });
    const api = await Api.registering(latchkey, person);
    const kept = await api.makesKey({ name: 'Warehouse'.repeat(11), scopes: ['read'], owner: 'organization' });
    const gone = await api.makesKey({ name: 'Importer'.repeat(12), scopes: ['read'] });
    await api.changesKey(gone.id, 'revoke', { reason: 'Repository'.repeat(20) });

    const visitor = await anotherVisitor({ viewport: { width, height: 800 } });
    await visitor.signsIn(person);
    const dialogs = ['create', `rotate&key=${kept.id}`, `revoke&key=${kept.id}`, `regenerate&key=${gone.id}`].map((dialog) => `/settings/api-keys?dialog=${dialog}`);
    for (const path of ['/settings/profile', '/settings/security', '/settings/organization', '/settings/audit', '/settings/api-keys', `/settings/api-keys?q=${'zebra'.repeat(20)}`, ...dialogs]) {
      await visitor.opens(path);
      expect(await visitor.page.evaluate(overfull), path).toEqual([]);
    }
  });
}

test('an address as long as it may be stays inside where the code is asked for', async ({ anotherVisitor, latchkey }) => {
  const { person } = await guarded(latchkey, { email: `${'lovelace'.repeat(4)}.${someone().email.split('@')[0]}@${'harbour'.repeat(8)}.example.test` });
  const visitor = await anotherVisitor({ viewport: { width: 320, height: 640 } });
  await visitor.comesToSecondStep(person);
  expect(await visitor.page.evaluate(overfull)).toEqual([]);
});

for (const width of [1600, 1280, 1024, 820, 640]) {
  test(`the list stays inside its card at ${width} pixels`, async ({ anotherVisitor, household }) => {
    const visitor = await anotherVisitor({ viewport: { width, height: 800 } });
    await visitor.signsIn(household.person);
    const card = await visitor.page.locator('.table-holder').boundingBox();
    const rows = await visitor.page.locator('table.keys tbody tr, table.keys td.actions a').all();
    expect(rows.length).toBeGreaterThan(5);
    for (const row of rows) {
      const box = await row.boundingBox();
      expect(box && card && box.x + box.width <= card.x + card.width + 0.5, await row.innerText()).toBe(true);
    }
  });
}

for (const width of [1280, 390]) {
  test(`a new key is shown in full at ${width} pixels`, async ({ anotherVisitor, resident }) => {
    const visitor = await anotherVisitor({ viewport: { width, height: 844 } });
    await visitor.signsIn(resident.person);
    await visitor.keys.creates('To be read');
    const hidden = await visitor.page.locator('#new-key').evaluate((field) => field.scrollWidth - field.clientWidth);
    expect(hidden).toBeLessThanOrEqual(0);
  });
}

test('a question opens with the focus on something to press, not on a time', async ({ visitor, household }) => {
  await visitor.signsIn(household.person);
  for (const [action, name] of [['End overlap', 'Warehouse sync'], ['Regenerate', 'Old importer']] as const) {
    await visitor.keys.chooses(action, name);
    expect(await visitor.page.evaluate(() => document.activeElement?.localName)).toMatch(/^(a|button|dialog|input|h2)$/);
    await visitor.page.keyboard.press('Escape');
    await expect(visitor.keys.dialog).toHaveCount(0);
  }
});

test.describe('on a phone', () => {
  test.use({ contextOptions: { viewport: { width: 390, height: 844 } } });
  test('the theme can be chosen when signed in too', async ({ visitor, household }) => {
    await visitor.signsIn(household.person);
    await expect(visitor.button('Dark')).toBeVisible();
  });
});

const isLargeEnough = async (target: Locator): Promise<void> => {
  const box = await target.boundingBox();
  const named = await target.evaluate((element) => element.outerHTML.slice(0, 120));
  expect(box?.height, `height of ${named}`).toBeGreaterThanOrEqual(44);
  expect(box?.width, `width of ${named}`).toBeGreaterThanOrEqual(44);
};

for (const width of [390, 1280]) {
  test.describe(`at ${width} pixels`, () => {
    test.use({ contextOptions: { viewport: { width, height: 800 } } });
    test('what is pressed is large enough for a finger', async ({ visitor, household }) => {
      await visitor.opens('/login');
      for (const target of await pressed(visitor)) await isLargeEnough(target);
      await visitor.signsIn(household.person);
      for (const target of await pressed(visitor)) await isLargeEnough(target);
      await visitor.keys.startsToCreate();
      for (const target of await visitor.keys.dialog.locator('button:visible, a:visible, label.choice, select:visible').all()) await isLargeEnough(target);
    });
  });
}

async function pressed(visitor: Visitor): Promise<Locator[]> {
  const targets = await visitor.page.locator('button:visible:not(.visually-hidden), a.button:visible, nav a:visible, input.input:visible').all();
  expect(targets.length).toBeGreaterThan(3);
  return targets;
}

test.describe('with reduced motion', () => {
  test.use({ contextOptions: { reducedMotion: 'reduce' } });
  test('nothing moves', async ({ visitor, household }) => {
    await visitor.signsIn(household.person);
    await visitor.keys.createLink.click();
    await expect(visitor.keys.dialog).toBeVisible();
    expect(await visitor.page.evaluate(longestMotion)).toBeLessThan(10);
  });
});

test('no motion takes longer than 150 milliseconds', async ({ visitor, household }) => {
  await visitor.signsIn(household.person);
  await visitor.keys.startsToCreate();
  const longest = await visitor.page.evaluate(longestMotion);
  expect(longest).toBeLessThanOrEqual(150);
  expect(longest, 'the measure itself works').toBeGreaterThan(0);
});

/** In milliseconds, over every element and its pseudo elements. Runs in the page. */
function longestMotion(): number {
  const lengths = (text: string) => text.split(',').map((part) => parseFloat(part) * (part.trim().endsWith('ms') ? 1 : 1000));
  const of = (element: Element) =>
    [null, '::before', '::after', '::backdrop'].flatMap((part) => {
      const style = getComputedStyle(element, part);
      const animates = style.animationName === 'none' ? [] : lengths(style.animationDuration);
      return [...lengths(style.transitionDuration), ...animates];
    });
  return Math.max(0, ...[...document.querySelectorAll('*')].flatMap(of));
}

test.describe('in forced colours', () => {
  test.use({ contextOptions: { forcedColors: 'active' } });
  test('buttons, fields and dialogs keep their borders', async ({ visitor, household }) => {
    await visitor.opens('/login');
    const border = (target: Locator) => target.evaluate((element) => parseFloat(getComputedStyle(element).borderTopWidth));
    expect(await border(visitor.button('Sign in'))).toBeGreaterThan(0);
    expect(await border(visitor.field('Email'))).toBeGreaterThan(0);
    await visitor.signsIn(household.person);
    await visitor.keys.startsToCreate();
    expect(await border(visitor.keys.dialog)).toBeGreaterThan(0);
  });
});

test('the theme switch changes the page at once and is remembered', async ({ visitor, resident }) => {
  await visitor.opens('/login');
  const ground = () => visitor.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  await visitor.button('Dark').click();
  await expect.poll(ground).not.toBe(light);
  await expect(visitor.button('Dark')).toHaveAttribute('aria-pressed', 'true');
  const dark = await ground();
  await visitor.signsIn(resident.person);
  expect(await ground()).toBe(dark);
});
