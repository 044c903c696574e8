// What the searches for the servers and the browser of the tests share.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

/** Runs a program. @returns what it wrote; rejects when it fails */
export const run = promisify(execFile);

export const root = path.resolve(import.meta.dirname, '..');
export const connectTimeoutMs = 10_000;

/** Where programs are kept that were fetched. */
export const binDir = path.join(root, '.cache/bin');

/** Fetches a file. @throws Error where there is none, or no answer in time */
export async function download(url, file) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error('no answer in time')), connectTimeoutMs);
  const response = await fetch(url, { signal: controller.signal }).catch((error) => {
    throw error.cause ?? error;
  });
  clearTimeout(timer);
  if (!response.ok) throw new Error(`status ${response.status}`);
  await writeFile(file, response.body);
}

/** Keeps a program in `binDir`; several processes may do so at once. @returns where it is */
export async function keepProgram(file, name) {
  const kept = path.join(binDir, name);
  const arriving = `${kept}.${process.pid}`;
  await chmod(file, 0o755);
  await mkdir(binDir, { recursive: true });
  await copyFile(file, arriving);
  await rename(arriving, kept);
  return kept;
}

/** Says what takes time. Goes to stderr: stdout carries results. */
export const progress = (text) => console.error(`test: ${text}`);

/** @returns every file of one of these names on the PATH, in its order */
export function onPath(names) {
  const dirs = (process.env.PATH ?? '').split(path.delimiter);
  return dirs.flatMap((dir) => names.map((name) => path.join(dir, name))).filter((file) => existsSync(file));
}

/** @returns the first candidate that passes the check */
export async function firstThat(check, candidates) {
  for (const candidate of candidates) if (candidate && (await check(candidate))) return candidate;
  return undefined;
}

/** The line of a program's output that says what went wrong. */
function reasonOf(error) {
  const lines = String(error.stderr || error.message)
    .trim()
    .split('\n');
  return lines.find((line) => /error|fail|cannot|not found/i.test(line)) ?? lines.at(-1);
}

/**
 * Tries sources one after the other, saying why one did not do.
 * @param sources functions that resolve to what they fetched
 */
export async function firstSource(what, sources) {
  for (const source of sources) {
    try {
      return await source();
    } catch (error) {
      progress(`${what}: not by ${source.name} (${reasonOf(error)})`);
    }
  }
  return undefined;
}

/** Runs a search as a program: prints what it found, or the one sentence that it failed with. */
export async function asProgram(search) {
  try {
    console.log(await search());
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
