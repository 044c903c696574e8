import { ConfigError } from '@switchyard/runtime';
import { randomBytes, randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { KEY_BYTES, KeyEncryptionKey } from './key-encryption-key.js';

const ownerOnly = 0o600;
const othersMask = 0o077;

const problem = (file: string, message: string) => new ConfigError([{ file, path: 'kek.file', message }]);
const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

// Written beside its place and then linked, so that nobody ever reads half a key and only one of two starters wins.
function createKeyFile(file: string): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}`;
  const descriptor = openSync(draft, 'wx', ownerOnly);
  try {
    fchmodSync(descriptor, ownerOnly);
    writeSync(descriptor, `${randomBytes(KEY_BYTES).toString('base64url')}\n`);
    fsyncSync(descriptor);
    linkSync(draft, file);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  } finally {
    closeSync(descriptor);
    unlinkSync(draft);
  }
}

function openKeyFile(file: string): number | undefined {
  try {
    return openSync(file, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw problem(
      file,
      `The key file cannot be read (${codeOf(error) ?? 'unknown error'}). Correct the path or its permissions.`,
    );
  }
}

function readKey(file: string, descriptor: number): KeyEncryptionKey {
  // Asked of the open file, not of the path, which could be exchanged in between.
  const permissions = fstatSync(descriptor).mode & 0o777;
  if ((permissions & othersMask) !== 0) {
    const octal = permissions.toString(8).padStart(4, '0');
    throw problem(
      file,
      `The key file can be read by others (mode ${octal}). Run: chmod 600 ${file}, and consider the key exposed.`,
    );
  }
  const key = Buffer.from(readFileSync(descriptor, 'utf8').trim(), 'base64url');
  if (key.length !== KEY_BYTES) {
    throw problem(file, `The key file must hold ${KEY_BYTES} bytes in base64url. "openssl rand -base64 32" makes a new key.`);
  }
  return new KeyEncryptionKey(key);
}

/**
 * Reads the key-encryption key from a file that only its owner can read.
 * @param o.createIfMissing makes a new random key where there is no file
 * @throws ConfigError where the file is missing, readable by others, or holds no key
 */
export function loadKeyFile(o: { readonly file: string; readonly createIfMissing: boolean }): KeyEncryptionKey {
  if (o.createIfMissing && !existsSync(o.file)) createKeyFile(o.file);
  const descriptor = openKeyFile(o.file);
  if (descriptor === undefined) {
    throw problem(o.file, 'There is no key file. Correct the path, or set kek.createIfMissing to true for the first start.');
  }
  try {
    return readKey(o.file, descriptor);
  } finally {
    closeSync(descriptor);
  }
}
