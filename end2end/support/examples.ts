// The examples of README.md and docs: found in their pages, typed word for word into a shell, and held against the
// answers that stand below them.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
/** Where the pages say that the server is. */
const ADDRESS = 'http://localhost:3000';
/** What stands for anything that comes out differently each time. */
const ANYTHING = '…';

/** A block of a page. */
interface Block {
  language: string;
  /** Of its first line. */
  line: number;
  text: string;
}

/** What is typed, and what is said to come of it. */
export interface Example {
  typed: Block;
  answer: Block;
}

export interface Page {
  name: string;
  /** How many blocks of it are for a shell. */
  commands: number;
  examples: Example[];
  /** What is wrong with it before anything is run. */
  faults: string[];
}

/** The pages for people who type: of README.md, what stands under “Use”. */
export function pages(): Page[] {
  const docs = readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));
  const names = ['README.md', ...docs.sort().map((file) => `docs/${file}`)];
  return names.map((name) => {
    const text = readFileSync(join(ROOT, name), 'utf8');
    return page(name, name === 'README.md' ? section(text, '## Use') : text);
  });
}

/** One section of a text, with every line where it was. */
function section(text: string, heading: string): string {
  let inside = false;
  const lines = text.split('\n').map((line) => {
    if (line.startsWith('## ')) inside = line === heading;
    return inside ? line : '';
  });
  return lines.join('\n');
}

/** Finds the examples of a page: each block with `curl`, and the answer in the block after it. */
export function page(name: string, text: string): Page {
  const all = blocks(name, text);
  const found: Page = { name, commands: all.filter(({ language }) => language === 'sh').length, examples: [], faults: [] };
  const faulty = ({ line }: Block, what: string) => found.faults.push(`${name}:${line}: ${what}`);
  all.forEach((block, at) => {
    const [before, after] = [all[at - 1], all[at + 1]];
    if (isExample(block) && block.language !== 'sh') faulty(block, 'an example that is not marked as “sh”');
    else if (isExample(block) && isAnswer(after)) found.examples.push({ typed: block, answer: after });
    else if (isExample(block)) faulty(block, 'an example without an answer');
    else if (isAnswer(block) && !isExample(before)) faulty(block, 'an answer without an example');
  });
  return found;
}

function isExample(block: Block | undefined): block is Block {
  return block !== undefined && /\bcurl\b/.test(block.text) && !isAnswer(block);
}

function isAnswer(block: Block | undefined): block is Block {
  return block?.language === 'json' || block?.language === 'text';
}

function blocks(name: string, text: string): Block[] {
  const found: Block[] = [];
  let open: (Block & { lines: string[] }) | undefined;
  for (const [at, line] of text.split('\n').entries()) {
    const fence = /^\s*```(\S*)/.exec(line);
    if (fence && !open) open = { language: fence[1] ?? '', line: at + 2, text: '', lines: [] };
    else if (fence && open) {
      found.push({ language: open.language, line: open.line, text: open.lines.join('\n') });
      open = undefined;
    } else open?.lines.push(line);
  }
  if (open) throw new Error(`${name}:${open.line}: a block without an end`);
  return found;
}

/** Types the examples of a page, in one shell and in an empty folder, at the server; says what is not as the page says. */
export async function differences({ name, examples }: Page, server: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-examples-'));
  const said = (at: number) => join(folder, `${at}.said`);
  const typed = examples.map(({ typed }, at) => `exec >'${said(at)}'\n${typed.text.replaceAll(ADDRESS, server)}\n`);
  const ending = await bash(['set -euo pipefail', ...typed].join('\n'), mkdtempSync(join(folder, 'here-')));
  const heard = examples.flatMap((_, at) => (existsSync(said(at)) ? [readFileSync(said(at), 'utf8')] : []));
  rmSync(folder, { recursive: true, force: true });
  return examples.slice(0, Math.max(1, heard.length)).flatMap(({ typed, answer }, at) => {
    const is = (heard[at] ?? '').replaceAll(server, ADDRESS);
    if (ending !== undefined && at + 1 >= heard.length) return [`${name}:${typed.line}: ${ending}\n${is}`];
    return compared(answer, is).map((what) => `${name}:${answer.line}: ${what}`);
  });
}

/** Runs a script; says how it failed, if it did. Of what is set around us it sees only where programs are. */
function bash(script: string, folder: string): Promise<string | undefined> {
  const env = { PATH: process.env.PATH, HOME: folder, LC_ALL: 'C.UTF-8' };
  return new Promise((done) => {
    execFile('bash', ['-c', script], { cwd: folder, env, timeout: 50_000 }, (error, _, complaint) =>
      done(error ? `ended with ${error.code ?? error.signal}: ${complaint}` : undefined),
    );
  });
}

/** What is not as an answer says: JSON whatever its order and spacing, text line by line. */
export function compared({ language, text }: Pick<Block, 'language' | 'text'>, said: string): string[] {
  return language === 'json' ? comparedJson(text, said) : comparedText(text, said);
}

function comparedJson(text: string, said: string): string[] {
  const [wanted, is] = [parsed(text), parsed(said)];
  if (wanted === undefined) return ['the answer on the page is no JSON'];
  return is === undefined ? [`no JSON came: ${said}`] : comparedValues(wanted, is, 'the answer');
}

function comparedText(text: string, said: string): string[] {
  const [wanted, is] = [lines(text), lines(said)];
  const all = Array.from({ length: Math.max(wanted.length, is.length) }, (_, at) => at);
  return all.flatMap((at) => comparedValues(wanted[at], is[at], `line ${at + 1}`));
}

/** Without the ends of lines that HTTP has, and without an empty last one. */
function lines(text: string): string[] {
  return text.replaceAll('\r', '').trimEnd().split('\n');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function comparedValues(wanted: unknown, is: unknown, what: string): string[] {
  if (wanted === is) return [];
  if (wanted === ANYTHING && is !== undefined) return [];
  if (typeof wanted === 'string' && typeof is === 'string' && fits(wanted, is)) return [];
  if (isTree(wanted) && isTree(is) && Array.isArray(wanted) === Array.isArray(is)) {
    const names = new Set([...Object.keys(wanted), ...Object.keys(is)]);
    return [...names].flatMap((name) => comparedValues(wanted[name], is[name], `${what} › ${name}`));
  }
  return [`${what} is ${written(is)}, and the page says ${written(wanted)}`];
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function written(value: unknown): string {
  return value === undefined ? 'not there' : JSON.stringify(value);
}

/** Whether a text is the wanted one, in which `…` stands for anything. */
function fits(wanted: string, is: string): boolean {
  const parts = wanted.split(ANYTHING).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^]*')}$`).test(is);
}
