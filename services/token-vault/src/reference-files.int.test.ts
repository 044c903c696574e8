import { tempDir } from '@switchyard/testing';
import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ReferenceFiles } from './reference-files.js';

async function setUp(dir: string): Promise<ReferenceFiles> {
  const keyFile = path.join(dir, 'kek');
  await mkdir(path.join(dir, 'sub'));
  await Promise.all([
    writeFile(keyFile, 'the-key'),
    writeFile(path.join(dir, 'token'), 'value\n'),
    writeFile(path.join(dir, 'two-lines'), 'a\nb\r\n'),
    writeFile(path.join(dir, 'empty'), '\n'),
    writeFile(path.join(dir, 'large'), 'x'.repeat(64 * 1024 + 1)),
    symlink(keyFile, path.join(dir, 'link-to-key')),
  ]);
  await link(keyFile, path.join(dir, 'hard-link-to-key'));
  return new ReferenceFiles({ directory: dir, ownFiles: [keyFile] });
}

describe('files that references name', () => {
  it.each([
    ['relative', 'token', 'value'],
    ['inner-line-break', 'two-lines', 'a\nb'],
  ])('are read without their last line break: %s', async (_id, name, value) => {
    await using dir = await tempDir();
    const files = await setUp(dir.path);
    expect(await files.read(name)).toEqual({ ok: true, value });
    expect(await files.read(path.join(dir.path, name))).toEqual({ ok: true, value });
  });

  it.each([
    ['missing', 'gone', /cannot be read by the token vault \(ENOENT: .*gone\)/],
    ['directory', 'sub', /is not a file/],
    ['empty', 'empty', /is empty/],
    ['large', 'large', /is larger than 65536 bytes/],
    ['key', 'kek', /own key/],
    ['key-by-another-path', 'sub/../kek', /own key/],
    ['key-by-link', 'link-to-key', /own key/],
    ['key-by-hard-link', 'hard-link-to-key', /own key/],
  ])('are refused: %s', async (_id, name, problem) => {
    await using dir = await tempDir();
    const files = await setUp(dir.path);
    expect(await files.read(name)).toEqual({ ok: false, problem: expect.stringMatching(problem) });
  });
});
