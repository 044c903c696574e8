import { existsSync } from 'node:fs';
import path from 'node:path';
import { CliError, EXIT } from '../terminal/cli-error.js';
import type { Terminal } from '../terminal/terminal.js';
import { findUpward } from './upward.js';

/** Name of the configuration file, unless told. */
export const CONFIG_NAME = 'switchyard.yaml';

/**
 * The configuration file that a command works on: the one that was named, else the nearest `switchyard.yaml`, upward from the
 * working directory. Relative to the working directory, as messages show it.
 * @throws CliError where there is none
 */
export function findConfig(given: string | undefined, terminal: Terminal): string {
  const file = given === undefined ? findUpward(terminal.cwd, CONFIG_NAME) : path.resolve(terminal.cwd, given);
  if (file !== undefined && existsSync(file)) return shownPath(file, terminal);
  const missing = given === undefined ? `There is no ${CONFIG_NAME} here or in a folder above` : `There is no file ${given}`;
  throw new CliError(
    `${missing}. Name one with --config, or make one: switchyard add <name> <url> --config ${CONFIG_NAME}`,
    EXIT.refused,
  );
}

/** A path as people want to read it. */
export function shownPath(file: string, terminal: Terminal): string {
  const relative = path.relative(terminal.cwd, file);
  return relative.startsWith('..') || relative === '' ? file : relative;
}
