import { FakeClock } from '@switchyard/testing';
import { Refusal } from './refusal.js';
import { SlowUpstreams } from './slow-upstreams.js';
import type { UpstreamLink } from './upstream/link.js';

const USUAL_MS = 5_000;
const link = { name: 'up' } as UpstreamLink;
const late = new Refusal('upstream_timeout', 'late');

interface Row {
  readonly id: string;
  readonly refusal: Refusal | undefined;
  readonly tookMs: number;
  readonly laterMs: number;
  readonly rests: boolean;
  readonly patienceMs: number;
}

const ROWS: readonly Row[] = [
  {
    id: 'SU-1 one that is well is waited for',
    refusal: undefined,
    tookMs: 2_000,
    laterMs: 0,
    rests: false,
    patienceMs: USUAL_MS,
  },
  { id: 'SU-2 one that cost time is left alone', refusal: late, tookMs: 5_000, laterMs: 4_999, rests: true, patienceMs: 1_000 },
  { id: 'SU-3 and then tried for a moment', refusal: late, tookMs: 5_000, laterMs: 5_000, rests: false, patienceMs: 1_000 },
  { id: 'SU-4 one that fails at once costs nothing', refusal: late, tookMs: 499, laterMs: 0, rests: false, patienceMs: USUAL_MS },
  {
    id: 'SU-5 a client that leaves says nothing of it',
    refusal: new Refusal('cancelled', 'gone'),
    tookMs: 2_000,
    laterMs: 0,
    rests: false,
    patienceMs: USUAL_MS,
  },
  {
    id: 'SU-6 a refusal that is no outage neither',
    refusal: new Refusal('credential_rejected', 'no'),
    tookMs: 2_000,
    laterMs: 0,
    rests: false,
    patienceMs: USUAL_MS,
  },
];

describe('an upstream that does not answer', () => {
  it.each(ROWS)('$id', ({ refusal, tookMs, laterMs, rests, patienceMs }) => {
    const clock = new FakeClock();
    const slow = new SlowUpstreams(clock);
    slow.note(link, 'tools', refusal, tookMs);
    clock.advance(laterMs);
    expect(slow.resting(link, 'tools')).toBe(rests ? refusal : undefined);
    expect(slow.patienceMs(link, 'tools', USUAL_MS)).toBe(patienceMs);
  });

  it('SU-7 is well again when it has answered', () => {
    const slow = new SlowUpstreams(new FakeClock());
    slow.note(link, 'tools', late, USUAL_MS);
    slow.note(link, 'tools', undefined, 1);
    expect([slow.resting(link, 'tools'), slow.patienceMs(link, 'tools', USUAL_MS)]).toEqual([undefined, USUAL_MS]);
  });

  it('SU-8 is waited for no longer than it would be otherwise', () => {
    const slow = new SlowUpstreams(new FakeClock());
    slow.note(link, 'tools', late, 600);
    expect(slow.patienceMs(link, 'tools', 600)).toBe(600);
  });

  it('SU-9 to one kind of list may answer to another', () => {
    const slow = new SlowUpstreams(new FakeClock());
    slow.note(link, 'resources', late, USUAL_MS);
    expect([slow.resting(link, 'tools'), slow.patienceMs(link, 'tools', USUAL_MS)]).toEqual([undefined, USUAL_MS]);
  });
});
