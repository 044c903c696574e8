import type { PipelineHealth } from '@switchyard/contracts';
import { pipelineLines } from './pipeline-lines.js';

const at = '2026-01-31T12:00:00.000Z';
const well: PipelineHealth = {
  at,
  state: 'ok',
  problems: [],
  emitters: [
    {
      ...{ emitter: 'standalone', epoch: '1', recorded: 1204, forwarded: 1204, stored: 1204, waiting: 0, oldest_ms: 0 },
      said_at: at,
    },
  ],
  stream: { waiting: 0 },
  storing: { stalled_ms: 0, recent: 100, p50_ms: 310, p99_ms: 12_400 },
  sinks: [],
  gaps: { open: 0, missing: 0 },
  checkpoint: { number: 17, at, age_ms: 42_000, unsigned_ms: 1_000 },
  dead_letters: { kept: 0, recent: 0, reasons: {} },
  retention: { at, failure: '', kept: [] },
};

describe('the lines of audit status', () => {
  it('are few and aligned while all is well', () => {
    expect(pipelineLines(well, undefined)).toEqual([
      'spools        nothing waits',
      'stream        nothing waits',
      'storing       half within 0.3 s, 99 % within 12 s',
      'gaps          none',
      'checkpoint    17, 42 s ago',
      'dead letters  none',
      'retention     nothing older than it is left',
      `as of         ${at}`,
      '',
      'EMITTER     RECORDED  FORWARDED  STORED  WAITING  OLDEST S',
      'standalone  1204      1204       1204    0',
    ]);
  });

  it('begin with what is wrong and what to do about it, and say what is not known', () => {
    const problem = { fault: 'database_away', subject: '', detail: 'It is\u001b[2J away.', advice: 'Look at it.' } as const;
    const lines = pipelineLines(
      { at, state: 'wrong', problems: [problem], emitters: well.emitters ?? [], stream: { waiting: 3 } },
      undefined,
    );
    expect(lines.slice(0, 6)).toEqual([
      '! It is [2J away.',
      '  Look at it.',
      '',
      'spools        nothing waits',
      'stream        3 batches wait',
      'storing       not known',
    ]);
  });

  it.each<readonly [string, PipelineHealth['retention'], string]>([
    ['away', undefined, 'not known'],
    ['no-pass', { failure: '', kept: [] }, 'no pass yet'],
    ['ended-early', { at, failure: 'It did not.', kept: [] }, 'the last pass ended early'],
    [
      'left',
      {
        at,
        failure: '',
        kept: [
          { table: 'events', reason: 'held', rows: 2, detail: '' },
          { table: 'event_lines', reason: 'held', rows: 3, detail: '' },
          { table: 'events', reason: 'sink_behind', rows: 7, detail: 'siem' },
        ],
      },
      'rows older than it: 5 held, 7 sink_behind',
    ],
  ])('say what retention leaves: %s', (_id, retention, text) => {
    const { retention: _none, ...others } = well;
    const lines = pipelineLines({ ...others, ...(retention && { retention }) }, undefined);
    expect(lines.find((line) => line.startsWith('retention'))).toBe(`retention     ${text}`);
  });

  it('have each sink', () => {
    const sink = {
      name: 'siem',
      type: 'webhook',
      reason: 'HTTP 500',
      backlog: 4,
      oldestMs: 61_000,
      delivered: 1,
      refused: 2,
      dropped: 0,
    };
    const lines = pipelineLines({ ...well, sinks: [{ ...sink, state: 'failing', dead_letters: 2 }] }, undefined);
    expect(lines.slice(-2)).toEqual(['SINK  STATE    BEHIND  OLDEST S  DEAD LETTERS', 'siem  failing  4       61        2']);
  });
});
