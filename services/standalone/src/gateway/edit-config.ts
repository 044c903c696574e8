import { existsSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readConfigFile } from '@switchyard/runtime';
import { remark, type Terminal } from '../terminal/terminal.js';
import { CONFIG_NAME, findConfig, shownPath } from './config-path.js';
import { findUpward } from './upward.js';

const NEW_FILE = `# What this gateway serves, and to whom. \`switchyard up\` serves this file.
# Check it: switchyard validate
`;

/**
 * Changes the configuration that a command works on; where there is none yet, one is made in the working directory.
 * @param given file that was named
 * @param change given the text and the file's name, for messages
 * @returns the file
 */
export function editConfig(
  given: string | undefined,
  terminal: Terminal,
  change: (text: string, file: string) => string,
): string {
  const file = fileToEdit(given, terminal);
  const target = path.resolve(terminal.cwd, file);
  const isNew = !existsSync(target);
  const text = isNew ? NEW_FILE : readConfigFile(target);
  const changed = change(text, file);
  if (changed !== text) replaceFile(isNew ? target : realpathSync(target), changed);
  if (isNew) remark(terminal, `Made ${file}.`);
  return file;
}

function fileToEdit(given: string | undefined, terminal: Terminal): string {
  if (given !== undefined) return shownPath(path.resolve(terminal.cwd, given), terminal);
  return findUpward(terminal.cwd, CONFIG_NAME) === undefined ? CONFIG_NAME : findConfig(undefined, terminal);
}

/** At once, so that a gateway that watches the file never reads half of it. */
function replaceFile(file: string, text: string): void {
  const draft = `${file}.new`;
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0o644;
  writeFileSync(draft, text, { mode: mode & 0o777 });
  renameSync(draft, file);
}
