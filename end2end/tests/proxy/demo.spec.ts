// The demonstration of deploy/demo does what it says, and leaves nothing behind.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from '@playwright/test';

const RUN = resolve(import.meta.dirname, '../../../deploy/demo/run');

/** Three ports in a row, from where the system gives none away by itself. */
const somewhere = (): number => 20_000 + 3 * Math.floor(Math.random() * 3_000);

async function tells(run: ChildProcess, until: RegExp): Promise<string> {
  let said = '';
  return new Promise((done, failed) => {
    for (const stream of [run.stdout, run.stderr]) {
      stream?.on('data', (part: Buffer) => {
        said += part;
        if (until.test(said)) done(said);
      });
    }
    run.on('exit', () => failed(new Error(said)));
  });
}

/** Types a line of those that it prints; gives the status of the answer. */
function types(line: string, names: string[]): number {
  const script = [...names, `${line.replace(/#.*/, '')} -s -o /dev/null -w '%{http_code}'`].join('\n');
  return Number(execFileSync('bash', ['-c', script], { encoding: 'utf8' }));
}

test('every line that the demonstration prints does what is said beside it, and Ctrl-C ends it without a trace', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-demo-test-'));
  const run = spawn(RUN, [`${somewhere()}`], { env: { ...process.env, TMPDIR: folder } });
  try {
    const lines = (await tells(run, /Ctrl-C ends it/)).split('\n').map((line) => line.trim());
    const names = lines.filter((line) => /^(home|reader|writer)=/.test(line));
    const asked = lines.filter((line) => line.startsWith('curl'));
    expect(asked.map((line) => types(line, names))).toEqual([401, 200, 403, 200, 200, 200]);
    expect(types(asked[1] ?? '', names), 'after the key was revoked').toBe(401);
    const ended = new Promise((done) => run.once('exit', done));
    run.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    run.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
});
