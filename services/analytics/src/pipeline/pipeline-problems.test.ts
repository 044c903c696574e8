import type { EmitterHealth, SinkHealth } from '@switchyard/contracts';
import { lasting, problemsOf, type PipelineParts } from './pipeline-problems.js';

const emitter: EmitterHealth = {
  ...{ emitter: 'edge-1', epoch: '1', recorded: 10, forwarded: 10, stored: 10, waiting: 0, oldest_ms: 0 },
  said_at: '2026-01-31T00:00:00.000Z',
};
const sink: SinkHealth = {
  ...{ name: 'siem', type: 'webhook', state: 'ok', reason: '', backlog: 0, oldestMs: 0, delivered: 5, refused: 0, dropped: 0 },
  ...{ dead_letters: 3, recent_dead_letters: 0 },
};
const well: PipelineParts = {
  emitters: [emitter],
  stream: { waiting: 0 },
  storing: { stalled_ms: 0, recent: 100, p50_ms: 300, p99_ms: 900 },
  sinks: [sink],
  gaps: { open: 0, missing: 0 },
  checkpoint: { number: 3, at: '2026-01-31T00:00:00.000Z', age_ms: 3_000_000, unsigned_ms: 0 },
  dead_letters: { kept: 2, recent: 0, reasons: {} },
  retention: { at: '2026-01-31T00:00:00.000Z', failure: '', kept: [] },
};
const left = { table: 'events', rows: 5, detail: '' } as const;
const retention = (...kept: NonNullable<PipelineParts['retention']>['kept']) => ({ ...well, retention: { failure: '', kept } });
const faults = (parts: PipelineParts) => problemsOf(parts, 300_000).map(({ fault, subject }) => [fault, subject]);

describe('what is wrong with the pipeline', () => {
  it.each<readonly [string, PipelineParts, readonly (readonly [string, string])[]]>([
    ['nothing', well, []],
    ['nothing-known', {}, []],
    ['spool-for-a-moment', { ...well, emitters: [{ ...emitter, waiting: 5, oldest_ms: 60_000 }] }, []],
    ['spool', { ...well, emitters: [{ ...emitter, waiting: 5, oldest_ms: 60_001 }] }, [['spool_waiting', 'edge-1']]],
    ['stalled', { ...well, storing: { stalled_ms: 30_001, recent: 0, p50_ms: 0, p99_ms: 0 } }, [['storing_stalled', '']]],
    ['slow', { ...well, storing: { stalled_ms: 0, recent: 1, p50_ms: 1, p99_ms: 60_001 } }, [['storing_slow', '']]],
    ['sink-failing', { ...well, sinks: [{ ...sink, state: 'failing', reason: 'HTTP 500' }] }, [['sink_failing', 'siem']]],
    ['sink-unserved', { ...well, sinks: [{ ...sink, state: 'standby' }] }, [['sink_failing', 'siem']]],
    ['sink-behind', { ...well, sinks: [{ ...sink, oldestMs: 300_001 }] }, [['sink_behind', 'siem']]],
    ['sink-lost', { ...well, sinks: [{ ...sink, dropped: 1 }] }, [['sink_lost', 'siem']]],
    ['sink-dead-letters', { ...well, sinks: [{ ...sink, recent_dead_letters: 1 }] }, [['sink_dead_letters', 'siem']]],
    ['gaps', { ...well, gaps: { open: 1, missing: 7, oldest_at: '2026-01-31T00:00:00.000Z' } }, [['gaps_open', '']]],
    ['checkpoint', { ...well, checkpoint: { number: 3, age_ms: 1, unsigned_ms: 300_001 } }, [['checkpoint_old', '']]],
    ['dead-letters', { ...well, dead_letters: { kept: 2, recent: 1, reasons: { not_utf8: 1 } } }, [['dead_letters', '']]],
    ['D11-held', retention({ ...left, reason: 'held' }, { ...left, reason: 'export_running' }), []],
    ['D11-unsealed', retention({ ...left, reason: 'unsealed' }), [['retention_refused', 'events']]],
    ['D11-sink-behind', retention({ ...left, reason: 'sink_behind', detail: 'siem' }), [['retention_refused', 'events']]],
    ['D11-ended-early', { ...well, retention: { failure: 'It did not.', kept: [] } }, [['retention_failed', '']]],
  ])('%s', (_id, parts, expected) => {
    expect(faults(parts)).toEqual(expected);
  });

  it('names who it is about, and what to do', () => {
    const [problem] = problemsOf({ ...well, sinks: [{ ...sink, dropped: 2 }] }, 300_000);
    expect(problem?.detail).toBe('2 batches left the stream before the sink siem took them.');
    expect(problem?.advice).toBe('Send them with: switchyard audit replay --sink siem --from <time>');
  });

  it('D11: says what retention leaves, and why', () => {
    const [problem] = problemsOf(retention({ ...left, reason: 'sink_behind', detail: 'siem' }), 300_000);
    expect(problem?.detail).toBe(
      '5 rows of events are older than their retention and stay: the sink siem has yet to be sent them.',
    );
  });

  it.each([
    [900, '1 s'],
    [61_000, '61 s'],
    [150_000, '3 min'],
    [8_000_000, '2 h'],
    [200_000_000, '2 d'],
  ])('%d ms last %s', (ms, text) => {
    expect(lasting(ms)).toBe(text);
  });
});
