import type { Evidence, SeenEvent } from './evidence.js';
import { INVARIANTS } from './invariants/all.js';
import type { Answer, LedgerCall } from './ledgers.js';
import { SOUND } from './sound-evidence.js';

/** The calls with one that ended otherwise. */
const answered = (id: string, answer: Answer): Pick<Evidence, 'calls'> => ({
  calls: new Map(SOUND.calls).set(id, { ...SOUND.calls.get(id)!, answer }),
});
const made = (id: string, call: Partial<LedgerCall>): Pick<Evidence, 'calls'> => ({
  calls: new Map(SOUND.calls).set(id, { ...SOUND.calls.get('paid')!, ...call, id }),
});
const without = (matches: (event: SeenEvent) => boolean): Pick<Evidence, 'events'> => ({
  events: SOUND.events.filter((event) => !matches(event)),
});
const more = (event: Partial<SeenEvent>): Pick<Evidence, 'events'> => ({
  events: [...SOUND.events, { ...SOUND.events[3]!, sequence: 8, event_id: 'edge-1/1/8', ...event }],
});
const changed = (at: number, event: Partial<SeenEvent>): Pick<Evidence, 'events'> => ({
  events: SOUND.events.map((one, index) => (index === at ? { ...one, ...event } : one)),
});
const done = (...calls: string[]): Pick<Evidence, 'executions'> => ({
  executions: [...SOUND.executions, ...calls.map((call) => ({ call, tool: 'any' }))],
});
const undone = (id: string): Pick<Evidence, 'executions'> => ({
  executions: SOUND.executions.filter(({ call }) => call !== id),
});

const rows: readonly { id: string; breaks: Partial<Evidence>; says: RegExp }[] = [
  {
    id: 'I1-no-event',
    breaks: without(({ type, outcome }) => type === 'tool.called' && outcome === 'ok'),
    says: /no final event/,
  },
  { id: 'I1-two-events', breaks: more({}), says: /2 final events/ },
  { id: 'I1-unknown-beside-ok', breaks: more({ outcome: 'unknown' }), says: /2 final events/ },
  { id: 'I1-other-outcome', breaks: changed(3, { outcome: 'unknown' }), says: /tool.called unknown/ },
  { id: 'I1-other-reason', breaks: changed(5, { reason: 'internal' }), says: /policy.denied denied internal/ },
  { id: 'I1-failure-as-success', breaks: changed(4, { outcome: 'ok' }), says: /tool.called ok/ },
  {
    id: 'I1-refusal-not-told-of',
    breaks: without(({ type }) => type === 'policy.denied'),
    says: /1 refusals \(policy_denied\) have no event, audit.shed tells of 0: denied/,
  },
  {
    id: 'I1-more-refusals-than-told',
    breaks: made('third', { answer: { kind: 'refused', reason: 'audit_unavailable' } }),
    says: /3 refusals \(audit_unavailable\) have no event, audit.shed tells of 2/,
  },
  {
    id: 'I1-unknown-though-refused-before',
    breaks: changed(5, { type: 'tool.called', outcome: 'unknown', reason: '' }),
    says: /tool.called unknown/,
  },
  { id: 'I1-done-twice', breaks: done('paid'), says: /executed 2 times/ },
  { id: 'I1-unanswered-done-twice', breaks: done('cut-off'), says: /executed 2 times/ },
  { id: 'I1-never-done', breaks: undone('paid'), says: /not executed/ },
  { id: 'I1-denied-and-done', breaks: done('denied'), says: /must not be/ },
  { id: 'I1-of-another-call', breaks: answered('paid', { kind: 'wrong', text: 'pay x' }), says: /another call's answer: pay x/ },
  {
    id: 'I1-unanswered-with-two-events',
    breaks: {
      events: [...more({ request_id: 'unheard' }).events, ...more({ request_id: 'unheard', sequence: 9 }).events.slice(-1)],
    },
    says: /2 final events/,
  },
  { id: 'I2-nobody-called', breaks: done('stranger'), says: /no client has called it/ },
  { id: 'I2-nobody-was-killed', breaks: { kills: [] }, says: /cut-off/ },
  { id: 'I2-killed-at-another-time', breaks: { kills: [{ member: 'edge-1', atMs: 30_000, untilMs: 31_000 }] }, says: /cut-off/ },
  { id: 'I2-another-was-killed', breaks: { kills: [{ member: 'edge-2', atMs: 10_090, untilMs: 11_000 }] }, says: /cut-off/ },
  { id: 'I2-not-told-of', breaks: without(({ type }) => type === 'audit.shed'), says: /audit.shed tells of 0: withheld/ },
  { id: 'I2-strict-without-intent', breaks: { strict: true }, says: /cut-off \(pay\) was executed without an intent/ },
  { id: 'I3-nobody-called', breaks: more({ request_id: 'ghost' }), says: /of ghost, which nobody made/ },
  { id: 'I3-refused-by-nobody', breaks: more({ request_id: 'ghost', type: 'request.refused' }), says: /of ghost/ },
  { id: 'I3-never-done', breaks: undone('paid'), says: /paid was done, and no upstream did it/ },
  { id: 'I4-gap', breaks: without(({ sequence }) => sequence === 3), says: /edge-1\/1: 3 to 3 are missing/ },
  { id: 'I4-beginning', breaks: without(({ sequence }) => sequence < 3), says: /1 to 2 are missing/ },
  { id: 'I4-end', breaks: { said: [{ emitter: 'edge-1', epoch: 1, written: 9 }] }, says: /8 to 9 are missing/ },
  { id: 'I4-whole-boot', breaks: { said: [{ emitter: 'edge-2', epoch: 5, written: 3 }] }, says: /edge-2\/5: 1 to 3 are missing/ },
  {
    id: 'I4-in-the-stream-only',
    breaks: { stream: { ...SOUND.stream, ids: new Set(['edge-1/1/99']) } },
    says: /1 events of the stream/,
  },
  { id: 'I4-in-a-spool-only', breaks: { spooled: new Set(['edge-1/1/99']) }, says: /1 events of the spools/ },
  { id: 'I4-damaged', breaks: { damaged: ['edge-1/1-1.spool.bad'] }, says: /damaged: edge-1/ },
  {
    id: 'I4-another-gap-is-on-record',
    breaks: { ...without(({ sequence }) => sequence === 3), openGaps: [{ emitter: 'edge-1', epoch: 1, first: 4, last: 9 }] },
    says: /3 to 3 are missing/,
  },
  {
    id: 'I5-read-twice',
    breaks: { events: [...SOUND.events, SOUND.events[0]!] },
    says: /1 events are read more than once: edge-1\/1\/1/,
  },
  { id: 'I5-rows', breaks: { rows: { ...SOUND.rows, read: 8 } }, says: /8 rows are read of 7 events/ },
  { id: 'I5-counted-twice', breaks: { rows: { ...SOUND.rows, counted: 4 } }, says: /usage counts 4 of 3/ },
  { id: 'I5-not-counted', breaks: { rows: { ...SOUND.rows, counted: 2 } }, says: /usage counts 2 of 3/ },
  { id: 'I5-sequences', breaks: { rows: { ...SOUND.rows, sequences: 6 } }, says: /6 sequences of 7/ },
  { id: 'I5-not-shown', breaks: without(({ sequence }) => sequence === 2), says: /the API shows 6 of 7/ },
  { id: 'I6-altered', breaks: { trail: { ...SOUND.trail, fault: 'edge-1/1/3: was altered' } }, says: /was altered/ },
  {
    id: 'I6-not-signed-to-the-end',
    breaks: { trail: { ...SOUND.trail, signed: new Map([['edge-1/1', 6]]) } },
    says: /up to 6 of 7/,
  },
  { id: 'I6-boot-not-signed', breaks: { trail: { ...SOUND.trail, signed: new Map() } }, says: /up to 0 of 7/ },
  { id: 'I6-never-copied', breaks: { trail: { ...SOUND.trail, copies: 0 } }, says: /no checkpoint/ },
  { id: 'I12-ended', breaks: { unplanned: [{ member: 'analytics', atMs: 1_500 }] }, says: /analytics ended by itself at 1.5 s/ },
  { id: 'I12-disorderly', breaks: { disorderly: ['edge-2'] }, says: /edge-2 did not end/ },
  {
    id: 'I13-files-of-clickhouse',
    breaks: { held: [{ ...SOUND.held[0]!, member: 'clickhouse', filesAfter: 1_540 }] },
    says: /clickhouse holds 1540 files, and had 40/,
  },
  { id: 'I13-files', breaks: { held: [{ ...SOUND.held[0]!, filesAfter: 140 }] }, says: /edge-1 holds 140 files, and had 40/ },
];

describe('the checker of chaos runs', () => {
  it.each(INVARIANTS.map((invariant) => [invariant.id, invariant] as const))('%s holds of a sound run', (_id, invariant) => {
    const finding = invariant.check(SOUND);
    expect(finding.violations).toEqual([]);
    expect(finding.numbers).not.toBe('');
  });

  it.each(rows)('$id is found', ({ id, breaks, says }) => {
    const invariant = INVARIANTS.find((one) => one.id === id.slice(0, id.indexOf('-')))!;
    expect(invariant.check({ ...SOUND, ...breaks }).violations.join('\n')).toMatch(says);
  });

  it('I2: what a strict edge had put on record needs no other event', () => {
    const intended = more({ type: 'tool.intended', outcome: 'pending', request_id: 'cut-off' });
    const { violations } = INVARIANTS.find(({ id }) => id === 'I2')!.check({ ...SOUND, strict: true, ...intended });
    expect(violations).toEqual([]);
  });

  it('I1: of a result that was withheld because it could not be recorded, the next boot says that nobody knows', () => {
    const unknown = more({ outcome: 'unknown', request_id: 'withheld' });
    expect(INVARIANTS.find(({ id }) => id === 'I1')!.check({ ...SOUND, ...unknown }).violations).toEqual([]);
  });

  it('I4: a gap that is on record is no violation', () => {
    const openGaps = [{ emitter: 'edge-1', epoch: 1, first: 2, last: 3 }];
    const stream = { ...SOUND.stream, ids: new Set<string>() };
    const gap = { ...SOUND, ...without(({ sequence }) => sequence === 3), openGaps, stream };
    expect(INVARIANTS.find(({ id }) => id === 'I4')!.check(gap).violations).toEqual([]);
  });

  it.each([
    ['another edge', made('other', { edge: 'edge-2', answer: { kind: 'none', why: 'reset' } })],
    ['a call that was answered', made('other', { answer: { kind: 'result' } })],
  ])('I2: the kill of an edge excuses nothing of %s', (_what, calls) => {
    const { violations } = INVARIANTS.find(({ id }) => id === 'I2')!.check({
      ...SOUND,
      ...calls,
      ...done('other'),
      ...without(({ type }) => type === 'audit.shed'),
    });
    expect(violations.join('\n')).toContain('other');
  });
});
