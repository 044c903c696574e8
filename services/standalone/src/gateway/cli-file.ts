import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { CliError } from '../terminal/cli-error.js';
import { parseJsonText } from './json-text.js';

const schema = z.object({
  url: z.url().optional().describe('Where the gateway is; absent until it was ready once.'),
  managementUrl: z.url().optional().describe('Where its health and metrics are.'),
  key: z.string().optional().describe('Its first admin key.'),
});

/** What a gateway leaves in its data folder, so that the commands on this machine find it. */
export type CliFile = z.output<typeof schema>;

/** Name of the file in the data folder. */
export const CLI_FILE_NAME = 'cli.json';

/**
 * Reads what a gateway left in its data folder. A file of another user is passed over: it could lead anywhere.
 * @returns undefined where there is none
 * @throws CliError where it cannot be used
 */
export function readCliFile(dataDir: string): CliFile | undefined {
  const file = path.join(dataDir, CLI_FILE_NAME);
  const text = readOwnFile(file);
  if (text === undefined) return undefined;
  const parsed = schema.safeParse(parseJsonText(text));
  if (parsed.success) return parsed.data;
  throw new CliError(
    `${file} cannot be read as what the gateway wrote. Remove it and start the gateway again, or use --url and --key.`,
  );
}

/** Replaces the file at once: a reader sees the old text or the new one. */
export function writeCliFile(dataDir: string, content: CliFile): void {
  const file = path.join(dataDir, CLI_FILE_NAME);
  const draft = `${file}.new`;
  writeFileSync(draft, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}

function readOwnFile(file: string): string | undefined {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined || (process.getuid && stats.uid !== process.getuid())) return undefined;
  return readFileSync(file, 'utf8');
}
