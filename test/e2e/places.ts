import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { AdminApi } from './admin-api.js';
import type { LocalTarget, Target } from './targets/target.js';

/** Something that people, programs or disks get to see. */
export interface Place {
  readonly name: string;
  readonly bytes: Buffer;
}

const API_PATHS = ['servers', 'upstreams', 'config', 'secrets', 'keys'].map((path) => `/api/v1/${path}`);
const PUBLIC_PATHS = ['/', '/ready', '/api/openapi.json', '/.well-known/oauth-authorization-server', '/oauth/jwks'];

const place = (name: string, text: string): Place => ({ name, bytes: Buffer.from(text) });

/** Everything that a running target shows here: what it says, files, the command lines and environments of its children. */
export async function placesOf(target: LocalTarget): Promise<Place[]> {
  return [
    ...(await saidBy(target)),
    ...(await filesOf(target)),
    place('printed configuration', await target.printConfig()),
    ...(await childrenOf(target)),
  ];
}

/** What a running target says, wherever it runs: output, answers, events, metrics. */
export async function saidBy(target: Target): Promise<Place[]> {
  const admin = new AdminApi(target.publicUrl, target.adminKey);
  const answers = [...API_PATHS, ...PUBLIC_PATHS].map(async (path) => place(`GET ${path}`, (await admin.get(path)).text));
  const management = target.managementUrls.flatMap((url) => ['/metrics', '/ready', '/health'].map((path) => `${url}${path}`));
  return [
    place('logs', await target.logs()),
    place('events of the API', JSON.stringify(await admin.events({}))),
    ...(await Promise.all(answers)),
    ...(await Promise.all(management.map(async (url) => place(`GET ${url}`, await (await fetch(url)).text())))),
  ];
}

/** Every file that a target keeps. */
export async function filesOf(target: LocalTarget): Promise<Place[]> {
  const found = await Promise.all(target.storage.map((dir) => readdir(dir, { recursive: true, withFileTypes: true })));
  const files = found
    .flat()
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  return Promise.all(files.map(async (name) => ({ name, bytes: await readIfThere(name) })));
}

/** Every row of every table of a target's database, and of what the engine writes down about queries. */
export async function rowsOf(target: LocalTarget): Promise<Place[]> {
  await using database = await target.openDatabase();
  const ask = async (sql: string) => {
    const response = await fetch(database.url, { method: 'POST', body: sql });
    if (!response.ok) throw new Error(`${sql}: ${await response.text()}`);
    return response.text();
  };
  const own = `database NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA')`;
  const tables = await ask(
    `SELECT database || '.' || name FROM system.tables WHERE ${own} OR (database = 'system' AND name LIKE '%_log')`,
  );
  return await Promise.all(
    tables
      .split('\n')
      .filter((table) => table !== '')
      .map(async (table) => place(`table ${table}`, await ask(`SELECT * FROM ${table} FORMAT JSONEachRow`))),
  );
}

/** Command lines of all processes, and environments of those that the gateway started, as Linux shows them. */
async function childrenOf(target: LocalTarget): Promise<Place[]> {
  const children = await Promise.all([...new Set([target.pid('edge-proxy'), target.pid('token-vault')])].map(descendantsOf));
  const shown = children.flat().flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]);
  return Promise.all(shown.map(async (name) => ({ name, bytes: await readIfThere(name) })));
}

async function descendantsOf(pid: number): Promise<number[]> {
  const listed = await readIfThere(`/proc/${pid}/task/${pid}/children`);
  const children = listed
    .toString()
    .split(' ')
    .filter((text) => text !== '')
    .map(Number);
  return [...children, ...(await Promise.all(children.map(descendantsOf))).flat()];
}

/** Files come and go while a gateway runs. */
async function readIfThere(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

/** A text as it stands, and as it would stand where somebody encoded it; the encodings in whole groups of bytes, wherever they begin. */
function formsOf(canary: string): string[] {
  const bytes = Buffer.from(canary);
  const middles = [0, 1, 2].map((shift) => bytes.subarray(shift, shift + 3 * Math.floor((bytes.length - shift) / 3)));
  return [canary, bytes.toString('hex'), ...middles.flatMap((part) => [part.toString('base64'), part.toString('base64url')])];
}

/** Names of the places that hold a text, in whatever encoding. */
export function placesWith(canary: string, places: readonly Place[]): string[] {
  const forms = formsOf(canary);
  return places.filter(({ bytes }) => forms.some((form) => bytes.includes(form))).map(({ name }) => name);
}
