import { tempDir } from '@switchyard/testing';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Check, judge, readExpectedFailures } from './verdict.mjs';

const ok = (id: string): Check => ({ id, status: 'SUCCESS' });
const bad = (id: string, status = 'FAILURE'): Check => ({ id, status, errorMessage: `${id} is wrong` });
const noted = (id: string): Check => ({ id, status: 'INFO' });
const listed = (check: string, quadrant = 'q') => ({ quadrant, scenario: 's', check, reason: 'cannot be' });

describe('the verdict on a quadrant', () => {
  const rows: readonly {
    id: string;
    made: readonly Check[];
    direct?: readonly Check[];
    expected?: readonly ReturnType<typeof listed>[];
    verdict: { passed: number; failed: number; expected: number; stale: number };
  }[] = [
    { id: 'CV-1 a pass', made: [ok('a'), noted('b')], verdict: { passed: 1, failed: 0, expected: 0, stale: 0 } },
    { id: 'CV-2 a failure', made: [ok('a'), bad('b')], verdict: { passed: 1, failed: 1, expected: 0, stale: 0 } },
    { id: 'CV-3 a warning', made: [bad('a', 'WARNING')], verdict: { passed: 0, failed: 1, expected: 0, stale: 0 } },
    {
      id: 'CV-4 an expected failure',
      made: [bad('a'), bad('b')],
      expected: [listed('a')],
      verdict: { passed: 0, failed: 1, expected: 1, stale: 0 },
    },
    {
      id: 'CV-5 an expected failure that passes',
      made: [ok('a')],
      expected: [listed('a')],
      verdict: { passed: 1, failed: 0, expected: 0, stale: 1 },
    },
    {
      id: 'CV-6 an expected failure that no check has the name of',
      made: [ok('a')],
      expected: [listed('z')],
      verdict: { passed: 1, failed: 0, expected: 0, stale: 1 },
    },
    {
      id: 'CV-7 an expected failure of another quadrant',
      made: [bad('a')],
      expected: [listed('a', 'other')],
      verdict: { passed: 0, failed: 1, expected: 0, stale: 0 },
    },
    {
      id: 'CV-8 a check that is made without the gateway only',
      made: [noted('a')],
      direct: [ok('a'), ok('b')],
      verdict: { passed: 0, failed: 2, expected: 0, stale: 0 },
    },
    {
      id: 'CV-9 checks that a failure kept from being made',
      made: [bad('a')],
      direct: [ok('a'), ok('b')],
      verdict: { passed: 0, failed: 1, expected: 0, stale: 0 },
    },
  ];
  it.each(rows)('$id', ({ made, direct = [], expected = [], verdict }) => {
    const given = { quadrant: 'q', checks: new Map([['s', made]]), direct: new Map([['s', direct]]), expectedFailures: expected };
    expect(judge(given)).toMatchObject(verdict);
  });

  it('CV-10 says what failed in the referee’s words', () => {
    const checks = new Map([['s', [bad('a')]]]);
    expect(judge({ quadrant: 'q', checks, expectedFailures: [] }).failures).toMatchObject([
      { scenario: 's', check: 'a', message: 'a is wrong' },
    ]);
  });
});

describe('the list of expected failures', () => {
  it('CV-20 is taken as it is', async () => {
    expect(await readExpectedFailures()).toEqual(expect.any(Array));
  });

  it('CV-21 must say why', async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, 'list.yaml');
    await writeFile(file, '- { quadrant: q, scenario: s, check: c }\n');
    await expect(readExpectedFailures(file)).rejects.toThrow('lacks reason');
  });
});
