import { tempDir } from '@switchyard/testing';
import { writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { authorOf } from './config-author.js';

describe('the author of a configuration', () => {
  it.each([
    ['committed', '[ "$5" = diff ] || echo "1a2b3c Ana Lang <ana@example.com>"', 'git'],
    ['changed-since', '[ "$5" = log ] || exit 1', 'owner'],
    ['never-committed', 'true', 'owner'],
    ['no-repository', 'echo "1a2b3c Eve <eve@example.com>"; exit 128', 'owner'],
  ])('%s', async (_id, script, knownBy) => {
    await using dir = await tempDir();
    const git = path.join(dir.path, 'git');
    await writeFile(git, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const file = path.join(dir.path, 'switchyard.yaml');
    await writeFile(file, '');
    expect(await authorOf(file, git)).toEqual(
      knownBy === 'git'
        ? { name: 'Ana Lang <ana@example.com>', knownBy: 'git', commit: '1a2b3c' }
        : { name: userInfo().username, knownBy: 'owner' },
    );
  });

  it('is its owner where there is no git, and nobody where there is no file', async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, 'switchyard.yaml');
    await writeFile(file, '');
    expect(await authorOf(file, path.join(dir.path, 'no-git'))).toMatchObject({ knownBy: 'owner' });
    expect(await authorOf(path.join(dir.path, 'gone.yaml'), path.join(dir.path, 'no-git'))).toBeUndefined();
  });
});
