import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { tempDir } from './temp-dir.js';

const root = path.resolve(import.meta.dirname, '../../..');

it('a test run counts what passed, failed, could not run, and was skipped', async () => {
  await using dir = await tempDir();
  const suite = "it('a', () => {}); it('b', () => { throw new Error('no'); }); it.skip('c', () => {}); it.todo('d');";
  await writeFile(path.join(dir.path, 'one.test.js'), suite);
  await writeFile(path.join(dir.path, 'two.test.js'), "require('./absent.js');");
  const totalsFile = path.join(dir.path, 'totals.json');
  const config = JSON.stringify({ rootDir: dir.path, transform: {}, reporters: [path.join(root, 'tools/jest-totals.mjs')] });
  const jest = spawn(process.execPath, [path.join(root, 'node_modules/jest/bin/jest.js'), '--config', config], {
    cwd: dir.path,
    env: { ...process.env, SWITCHYARD_TEST_TOTALS: totalsFile },
    stdio: 'ignore',
  });
  const [code] = (await once(jest, 'close')) as [number];
  const totals = JSON.parse(await readFile(totalsFile, 'utf8')) as { passed: number; failed: number; skipped: string[] };
  expect([code, totals.passed, totals.failed]).toEqual([1, 1, 2]);
  expect(totals.skipped.map((name) => name.split(': ')[1])).toEqual(['c', 'd']);
});
