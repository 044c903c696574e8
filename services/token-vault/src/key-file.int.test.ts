import { ConfigError } from '@switchyard/runtime';
import { tempDir } from '@switchyard/testing';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadKeyFile } from './key-file.js';

const key = Buffer.alloc(32, 7).toString('base64url');

async function keyFile(dir: string, text: string, mode: number): Promise<string> {
  const file = path.join(dir, 'kek');
  await writeFile(file, text);
  await chmod(file, mode);
  return file;
}

function refusalOf(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}

describe('the key file', () => {
  it('is made on demand, readable by its owner only, and is the same key the next time', async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, 'keys', 'kek');
    const made = loadKeyFile({ file, createIfMissing: true });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(path.dirname(file))).mode & 0o777).toBe(0o700);
    expect(loadKeyFile({ file, createIfMissing: true }).id).toBe(made.id);
    expect(loadKeyFile({ file, createIfMissing: false }).id).toBe(made.id);
    expect(await readdir(path.dirname(file))).toEqual(['kek']);
  });

  it('is refused where it is missing and must not be made', async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, 'kek');
    expect(refusalOf(() => loadKeyFile({ file, createIfMissing: false }))).toMatch(/kek\.file.*no key file.*createIfMissing/);
    expect(await readdir(dir.path)).toEqual([]);
  });

  it.each([0o640, 0o604, 0o644, 0o660, 0o620, 0o777])('V11 is refused where others can use it: mode %o', async (mode) => {
    await using dir = await tempDir();
    const file = await keyFile(dir.path, key, mode);
    expect(refusalOf(() => loadKeyFile({ file, createIfMissing: true }))).toMatch(/can be read by others.*chmod 600/);
    expect(await readFile(file, 'utf8')).toBe(key);
  });

  const accepted: [id: string, text: string, mode: number][] = [
    ['base64url', key, 0o600],
    ['line-break', `${key}\n`, 0o600],
    ['openssl-base64', `${Buffer.alloc(32, 0xfb).toString('base64')}\n`, 0o600],
    ['read-only', key, 0o400],
  ];
  it.each(accepted)('is taken: %s', async (_id, text, mode) => {
    await using dir = await tempDir();
    const file = await keyFile(dir.path, text, mode);
    expect(loadKeyFile({ file, createIfMissing: false }).id).toMatch(/^[0-9a-f]{16}$/);
  });

  const noKeys: [id: string, text: string][] = [
    ['empty', ''],
    ['short', Buffer.alloc(16).toString('base64url')],
    ['long', Buffer.alloc(64).toString('base64url')],
    ['passphrase', 'correct horse battery staple'],
  ];
  it.each(noKeys)('is refused where it holds no key, without showing it: %s', async (_id, text) => {
    await using dir = await tempDir();
    const file = await keyFile(dir.path, text, 0o600);
    const refusal = refusalOf(() => loadKeyFile({ file, createIfMissing: true }));
    expect(refusal).toMatch(/must hold 32 bytes/);
    if (text !== '') expect(refusal).not.toContain(text);
  });
});
