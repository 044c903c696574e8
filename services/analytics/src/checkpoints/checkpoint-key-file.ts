import { newCheckpointKey, parseCheckpointKey } from '@switchyard/audit';
import { ConfigError } from '@switchyard/runtime';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

type CheckpointKey = Awaited<ReturnType<typeof newCheckpointKey>>;

/** Where the key of checkpoints is. */
export interface CheckpointKeyFile {
  readonly file: string;
  /** Makes a new key where there is no file. */
  readonly createIfMissing: boolean;
}

const problem = (file: string, message: string) => new ConfigError([{ file, path: 'checkpoints.keyFile', message }]);

/**
 * Reads the private key that checkpoints are signed with, from a file that only its owner can read.
 * @throws ConfigError where the file is missing, can be read by others, or holds no Ed25519 JWK
 */
export async function loadCheckpointKey({ file, createIfMissing }: CheckpointKeyFile): Promise<CheckpointKey> {
  if (createIfMissing && !existsSync(file)) await createKey(file);
  if (!existsSync(file))
    throw problem(
      file,
      'There is no key file. Correct the path, or set checkpoints.createIfMissing to true for the first start.',
    );
  if ((statSync(file).mode & 0o077) !== 0)
    throw problem(file, `The key file can be read by others. Run: chmod 600 ${file}, and consider the key exposed.`);
  const key = parseCheckpointKey(jsonOf(readFileSync(file, 'utf8')));
  if (key === undefined) throw problem(file, 'The key file must hold a private Ed25519 key as a JWK (RFC 8037).');
  return key;
}

async function createKey(file: string): Promise<void> {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${JSON.stringify(await newCheckpointKey())}\n`, { mode: 0o600, flag: 'wx' });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
