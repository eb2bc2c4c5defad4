// What README.md and the pages in docs show is what happens.
import { expect, test } from '@playwright/test';
import { compared, differences, page, pages } from '../../support/examples.ts';
import { Latchkey } from '../../support/server.ts';

/** Pages whose commands need what is not here, and why. */
const NOT_RUN: Record<string, string> = {
  'docs/mail.md': 'needs a mail server at a domain; tests/mail has one of its own',
  'docs/metrics.md': 'is about an address of its own, with numbers that never stand still; server/tests/http/metrics.rs reads it',
  'docs/operations.md': 'is about files and restarts; server/tests/process makes backups, restores them and exchanges keys',
  'docs/reverse-proxies.md': 'needs a proxy before the server; tests/proxy has one of its own',
};

/** As `latchkey dev` is, but with the limits and the tokens that people have in production, and the site of docs/handoff.md. */
const LIKE_PRODUCTION = {
  LATCHKEY_RATE_LIMITS: 'default',
  LATCHKEY_ACCESS_TOKEN_TTL: '86400',
  LATCHKEY_HANDOFF_TARGETS: 'https://app.example.com',
};

const typed = pages().filter(({ commands, examples, faults }) => commands + examples.length + faults.length > 0);

for (const found of typed.filter(({ name }) => !(name in NOT_RUN))) {
  test(`the examples of ${found.name} answer as they say`, async () => {
    expect(found.faults).toEqual([]);
    expect(found.examples.length, 'a page with commands has examples, or stands in the list of those that are not run').toBeGreaterThan(0);
    const latchkey = await Latchkey.start(LIKE_PRODUCTION, 'dev');
    try {
      expect(await differences(found, latchkey.url)).toEqual([]);
      expect(latchkey.complaints()).toEqual([]);
    } finally {
      await latchkey.close();
    }
  });
}

test('README.md and the four dialects have examples, and the list of pages that are not run names none in vain', () => {
  const names = typed.map(({ name }) => name);
  const run = ['README.md', 'docs/orgstack.md', 'docs/salesflow.md', 'docs/salesos.md', 'docs/synthesq.md'];
  expect(names).toEqual(expect.arrayContaining([...run, ...Object.keys(NOT_RUN)]));
});

test('an answer that is not the one on the page is noticed', () => {
  const json = (text: string, said: string) => compared({ language: 'json', text }, said);
  const text = (text: string, said: string) => compared({ language: 'text', text }, said);
  expect(json('{"id":"usr_…","any":"…","n":[1,2]}', '{"n":[1,2],"any":{"a":null},"id":"usr_01"}')).toEqual([]);
  expect(json('{"id":"usr_…"}', '{"id":"org_01"}')).toEqual(['the answer › id is "org_01", and the page says "usr_…"']);
  expect(json('{"id":"usr_…"}', '{"id":7}')).toHaveLength(1);
  expect(json('{"a":1,"b":"…"}', '{"a":"1","c":3}')).toHaveLength(3);
  expect(json('[1,2]', '[1]')).toEqual(['the answer › 1 is not there, and the page says 2']);
  expect(json('[]', '{}')).toHaveLength(1);
  expect(json('{}', 'Bad Gateway')).toEqual(['no JSON came: Bad Gateway']);
  expect(text('HTTP/1.1 204\nset-cookie: a=…; Secure', 'HTTP/1.1 204\r\nset-cookie: a=b; Secure\r\n')).toEqual([]);
  expect(text('set-cookie: a=…; Secure', 'set-cookie: a=b')).toHaveLength(1);
  expect(text('204', '204\nmore')).toEqual(['line 2 is "more", and the page says not there']);
});

test('so is an example without an answer, an answer without an example, and an example that fails', async () => {
  const example = '```sh\ncurl -s http://localhost:3000/\n```\n';
  const answer = '```json\n{}\n```\n';
  expect(page('a.md', `${example}${answer}Words.\n\n${example}`).faults).toEqual(['a.md:10: an example without an answer']);
  expect(page('a.md', `Words.\n\n${answer}`).faults).toEqual(['a.md:4: an answer without an example']);
  expect(page('a.md', example.replace('sh', 'bash') + answer).faults).toEqual([expect.stringContaining('not marked')]);
  const fails = page('a.md', '```sh\necho curl\n```\n```text\ncurl\n```\n```sh\nfalse # curl\n```\n```text\n```\n');
  expect(await differences(fails, 'http://localhost:1')).toEqual([expect.stringContaining('a.md:8: ended with 1')]);
  const unset = page('a.md', '```sh\necho "curl $token"\n```\n```text\n…\n```\n');
  expect(await differences(unset, 'http://localhost:1')).toEqual([expect.stringContaining('token: unbound variable')]);
});
