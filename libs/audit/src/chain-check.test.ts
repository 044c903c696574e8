import { ChainCheck, type ChainFaultKind } from './chain-check.js';
import { edited, trailOf } from './trail.fixture.js';

const epoch = 1767225600000;
const count = 10_000;

const log = trailOf('edge-1', epoch, count);

/** Heads after each line. */
function firstFault(lines: readonly Buffer[], check = new ChainCheck()) {
  for (const [index, line] of lines.entries()) {
    const fault = check.next(line);
    if (fault) return { ...fault, index };
  }
  return undefined;
}

/** Where the check stands before a line. */
const standings = (() => {
  const check = new ChainCheck();
  return log.map((line) => {
    const heads = new Map(check.heads);
    check.next(line);
    return heads;
  });
})();

/** The window that a change of one record shows in: the record and its two neighbours behind it. */
function faultAt(index: number, change: (lines: Buffer[]) => Buffer[]) {
  return firstFault(change(log.slice(index, index + 3)), new ChainCheck(standings[index]));
}

interface Mutation {
  readonly id: string;
  readonly change: (lines: Buffer[], index: number) => Buffer[];
  /** What it is found to be, and how far behind the change. */
  readonly found: ChainFaultKind;
  readonly behind: number;
}

const MUTATIONS: readonly Mutation[] = [
  {
    id: 'D6-altered',
    change: ([a, ...rest]) => [edited(a!, '"outcome":"ok"', '"outcome":"no"'), ...rest],
    found: 'altered',
    behind: 0,
  },
  {
    id: 'D6-altered-anywhere',
    change: ([a, ...rest], index) => {
      const copy = Buffer.from(a!);
      // A letter or digit of the request id, another one in every record.
      const at = copy.indexOf('request-') + (index % 8);
      copy.writeUInt8(copy.readUInt8(at) ^ 2, at);
      return [copy, ...rest];
    },
    found: 'altered',
    behind: 0,
  },
  { id: 'D6-member-added', change: ([a, ...rest]) => [edited(a!, '{', '{"x":1,'), ...rest], found: 'altered', behind: 0 },
  {
    id: 'D6-link-forged',
    change: ([a, ...rest]) => [edited(a!, '"chain":"', '"chain":"-').subarray(0, a!.length), ...rest],
    found: 'not_an_event',
    behind: 0,
  },
  {
    id: 'D6-link-taken-away',
    change: ([a, ...rest]) => [edited(a!, '"chain"', '"chaim"'), ...rest],
    found: 'not_linked',
    behind: 0,
  },
  { id: 'D6-deleted', change: ([, ...rest]) => rest, found: 'missing', behind: 0 },
  { id: 'D6-reordered', change: ([a, b, ...rest]) => [b!, a!, ...rest], found: 'missing', behind: 0 },
  { id: 'D6-doubled', change: ([a, ...rest]) => [a!, a!, ...rest], found: 'out_of_order', behind: 1 },
  {
    id: 'D6-added',
    change: ([a, ...rest], index) => [edited(a!, `/${index + 1}"`, `/${count + 1}"`), a!, ...rest],
    found: 'foreign_identity',
    behind: 0,
  },
  {
    id: 'D6-renumbered',
    change: ([a, b, ...rest], index) => [
      edited(edited(b!, `/${index + 2}"`, `/${index + 1}"`), `"sequence":"${index + 2}"`, `"sequence":"${index + 1}"`),
      ...[a!].slice(1),
      ...rest,
    ],
    found: 'altered',
    behind: 0,
  },
];

describe('the chain of an audit trail', () => {
  it('D6: a trail that nobody has touched is right', () => {
    expect(firstFault(log)).toBeUndefined();
  });

  it('D6: epochs of several emitters may alternate', () => {
    const other = trailOf('edge-2', epoch, 100);
    expect(firstFault(log.slice(0, 100).flatMap((line, index) => [line, other[index]!]))).toBeUndefined();
  });

  // The last two records have no neighbours: what is cut off at the end is for checkpoints to find.
  it.each(MUTATIONS)('$id: is found at the record, whichever of 10,000 it is', ({ change, found, behind }) => {
    const misses: number[] = [];
    for (let index = 0; index < count - 2; index++) {
      const fault = faultAt(index, (lines) => change(lines, index));
      if (fault?.kind !== found || fault.index !== behind) misses.push(index);
    }
    expect(misses).toEqual([]);
  });

  it('D6: names the sequences that are missing', () => {
    expect(firstFault([...log.slice(0, 10), ...log.slice(15, 20)])).toEqual({
      kind: 'missing',
      eventId: `edge-1/${epoch}/16`,
      missing: { first: 11, last: 15 },
      index: 10,
    });
  });

  it('D6: a trail that begins in the middle is right only behind the record that it says', () => {
    expect(firstFault(log.slice(500, 600), new ChainCheck(standings[500]))).toBeUndefined();
    expect(firstFault(log.slice(500, 600))).toMatchObject({ kind: 'missing', index: 0 });
    expect(firstFault(log.slice(501, 600), new ChainCheck(standings[500]))).toMatchObject({ kind: 'missing', index: 0 });
  });

  it.each([
    ['empty', ''],
    ['not-json', 'x'],
    ['a-number', '1'],
    ['null', 'null'],
    ['no-sequence', '{"event_id":"edge-1/1/1","emitter":"edge-1","epoch":"1"}'],
    ['number-as-sequence', '{"event_id":"edge-1/1/1","emitter":"edge-1","epoch":"1","sequence":1}'],
    ['leading-zero', '{"event_id":"edge-1/1/01","emitter":"edge-1","epoch":"1","sequence":"01"}'],
  ])('%s: is no event', (_id, text) => {
    expect(firstFault([Buffer.from(text)])).toMatchObject({ kind: 'not_an_event', index: 0 });
  });
});
