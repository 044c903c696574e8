// What the searches for the servers and the browser of the tests share.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

/** Runs a program. @returns what it wrote; rejects when it fails */
export const run = promisify(execFile);

export const root = path.resolve(import.meta.dirname, '..');
export const connectTimeoutMs = 10_000;

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
