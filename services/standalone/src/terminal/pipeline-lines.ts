import type { PipelineHealth } from '@switchyard/contracts';
import { oneLine, tableLines } from './table.js';

/** The pipeline as people read it: what is wrong and what to do about it, then its parts from the beginning to the end. */
export function pipelineLines(health: PipelineHealth, widthCharacters: number | undefined): string[] {
  const wrong = health.problems.flatMap(({ detail, advice }) => [`! ${oneLine(detail)}`, `  ${oneLine(advice)}`]);
  const tables = [facts(health), emitters(health), sinks(health)].filter((rows) => rows.length > 0);
  const lines = tables.map((rows) => tableLines(rows, { widthCharacters }));
  return [...(wrong.length === 0 ? [] : [wrong]), ...lines].flatMap((part, index) => (index === 0 ? part : ['', ...part]));
}

const UNKNOWN = 'not known';

function facts({
  emitters: all,
  stream,
  storing,
  gaps,
  checkpoint,
  dead_letters: letters,
  retention,
  at,
}: PipelineHealth): string[][] {
  const waiting = all?.reduce((sum, one) => sum + one.waiting, 0);
  return [
    ['spools', waiting === undefined ? UNKNOWN : waiting === 0 ? 'nothing waits' : `${waiting} events wait`],
    ['stream', stream === undefined ? UNKNOWN : stream.waiting === 0 ? 'nothing waits' : `${stream.waiting} batches wait`],
    ['storing', storing === undefined ? UNKNOWN : storingText(storing)],
    ['gaps', gaps === undefined ? UNKNOWN : gaps.open === 0 ? 'none' : `${gaps.open}, ${gaps.missing} events`],
    ['checkpoint', checkpoint === undefined ? UNKNOWN : checkpointText(checkpoint)],
    [
      'dead letters',
      letters === undefined ? UNKNOWN : letters.kept === 0 ? 'none' : `${letters.kept}, ${letters.recent} of them today`,
    ],
    ['retention', retention === undefined ? UNKNOWN : retentionText(retention)],
    ['as of', at],
  ];
}

function storingText({
  stalled_ms: stalledMs,
  recent,
  p50_ms: p50,
  p99_ms: p99,
}: NonNullable<PipelineHealth['storing']>): string {
  if (stalledMs > 0) return `nothing for ${seconds(stalledMs)} s`;
  return recent === 0 ? 'nothing in the last 15 minutes' : `half within ${seconds(p50)} s, 99 % within ${seconds(p99)} s`;
}

function checkpointText({ number, age_ms: ageMs }: NonNullable<PipelineHealth['checkpoint']>): string {
  return number === 0 ? 'none yet' : `${number}, ${seconds(ageMs)} s ago`;
}

function retentionText({ at, failure, kept }: NonNullable<PipelineHealth['retention']>): string {
  if (failure !== '') return 'the last pass ended early';
  const reasons = [...new Set(kept.map(({ reason }) => reason))];
  const rowsOf = (reason: string) => kept.reduce((sum, one) => (one.reason === reason ? sum + one.rows : sum), 0);
  const why = reasons.map((reason) => `${rowsOf(reason)} ${reason}`).join(', ');
  if (why !== '') return `rows older than it: ${why}`;
  return at === undefined ? 'no pass yet' : 'nothing older than it is left';
}

function emitters({ emitters: all = [] }: PipelineHealth): string[][] {
  const rows = all.map(({ emitter, recorded, forwarded, stored, waiting, oldest_ms: oldestMs }) => [
    oneLine(emitter),
    ...[recorded, forwarded, stored ?? '', waiting, oldestMs === 0 ? '' : seconds(oldestMs)].map(String),
  ]);
  return rows.length === 0 ? [] : [['EMITTER', 'RECORDED', 'FORWARDED', 'STORED', 'WAITING', 'OLDEST S'], ...rows];
}

function sinks({ sinks: all = [] }: PipelineHealth): string[][] {
  const rows = all.map(({ name, state, backlog, oldestMs, dead_letters: refused }) => [
    oneLine(name),
    state,
    ...[backlog, oldestMs === 0 ? '' : seconds(oldestMs), refused ?? ''].map(String),
  ]);
  return rows.length === 0 ? [] : [['SINK', 'STATE', 'BEHIND', 'OLDEST S', 'DEAD LETTERS'], ...rows];
}

const seconds = (ms: number) => (ms < 10_000 ? (ms / 1000).toFixed(1) : String(Math.round(ms / 1000)));
