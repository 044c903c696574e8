import type { PipelineFault, PipelineHealth, PipelineProblem, RetentionRefusal } from '@switchyard/contracts';

/** What the parts of the pipeline say. */
export type PipelineParts = Omit<PipelineHealth, 'at' | 'state' | 'problems'>;

/** From when on something is wrong, milliseconds. */
const LIMITS_MS = { spool: 60_000, stalled: 30_000, storing: 60_000, sink: 5 * 60_000 } as const;

/** What to do about each. */
const ADVICE: Readonly<Record<PipelineFault, string>> = {
  spool_waiting:
    'See whether that process runs, and whether it reaches the stream: its log says why events stay. They are kept until it does.',
  storing_stalled:
    'The log of analytics says why; look at the database and the room on its disk. Events stay in the stream meanwhile.',
  storing_slow: 'See what is behind: the spool of an emitter, the stream, or a database with too much to do.',
  sink_failing: 'See what its receiver says, and its settings and secrets in switchyard.yaml. Events wait for it.',
  sink_behind: 'See whether its receiver takes events as fast as they come.',
  sink_lost: 'Send them with: switchyard audit replay --sink <name> --from <time>',
  sink_dead_letters:
    'See why in the table sink_dead_letters; send them again with: switchyard audit replay --sink <name> --from 1d --dead-letters',
  gaps_open:
    'See which with GET /api/v1/audit/gaps. Look for their emitter: what is in its spool comes when it runs again; what its disk lost does not.',
  checkpoint_old: 'The log of analytics says why nothing is signed: its key, or records that do not follow each other.',
  dead_letters: 'See which in the table dead_letters: usually an emitter of another version.',
  retention_refused:
    'See what stays with: switchyard audit retention. For a sink see why with: switchyard audit sinks; for what is not signed or not copied see the log of analytics.',
  retention_failed: 'The log of analytics says why; look at the database. It is tried again every ten minutes.',
  state_away: 'See whether the state (NATS, or the file of the embedded profile) can be reached.',
  bus_away: 'See whether NATS runs, has the stream, and lets analytics in.',
  database_away: 'See whether ClickHouse runs and lets analytics in. Events stay in the stream meanwhile.',
};

/** Makes a problem. @param subject which emitter or sink */
export const problemOf = (fault: PipelineFault, subject: string, detail: string): PipelineProblem => ({
  fault,
  subject,
  detail,
  advice: ADVICE[fault].replaceAll('<name>', subject),
});

/** What is wrong, the beginning of the way of events first. */
export function problemsOf(parts: PipelineParts, checkpointLimitMs: number): PipelineProblem[] {
  return [
    ...(parts.emitters ?? []).flatMap(ofEmitter),
    ...ofStoring(parts.storing),
    ...(parts.sinks ?? []).flatMap(ofSink),
    ...ofGaps(parts.gaps),
    ...ofCheckpoint(parts.checkpoint, checkpointLimitMs),
    ...ofDeadLetters(parts.dead_letters),
    ...ofRetention(parts.retention),
  ];
}

type Part<Name extends keyof PipelineParts> = PipelineParts[Name];
type Emitter = NonNullable<Part<'emitters'>>[number];
type Sink = NonNullable<Part<'sinks'>>[number];

function ofEmitter({ emitter, waiting, oldest_ms: oldestMs }: Emitter): PipelineProblem[] {
  if (oldestMs <= LIMITS_MS.spool) return [];
  const detail = `${waiting} events of ${emitter} wait in its spool, the oldest for ${lasting(oldestMs)}.`;
  return [problemOf('spool_waiting', emitter, detail)];
}

function ofStoring(storing: Part<'storing'>): PipelineProblem[] {
  if (storing === undefined) return [];
  const { stalled_ms: stalledMs, recent, p99_ms: p99Ms } = storing;
  const problems: PipelineProblem[] = [];
  if (stalledMs > LIMITS_MS.stalled)
    problems.push(problemOf('storing_stalled', '', `Nothing could be stored for ${lasting(stalledMs)}.`));
  if (recent > 0 && p99Ms > LIMITS_MS.storing)
    problems.push(
      problemOf('storing_slow', '', `One in a hundred events was stored ${lasting(p99Ms)} after it happened, or later.`),
    );
  return problems;
}

function ofSink(sink: Sink): PipelineProblem[] {
  const { name, state, reason, oldestMs, dropped, recent_dead_letters: refused = 0 } = sink;
  const problems: PipelineProblem[] = [];
  if (state === 'failing') problems.push(problemOf('sink_failing', name, `The sink ${name} takes no events: ${reason}`));
  if (state === 'standby') problems.push(problemOf('sink_failing', name, `No process serves the sink ${name}.`));
  if (oldestMs > LIMITS_MS.sink)
    problems.push(problemOf('sink_behind', name, `The sink ${name} has yet to take events that are ${lasting(oldestMs)} old.`));
  if (dropped > 0)
    problems.push(problemOf('sink_lost', name, `${dropped} batches left the stream before the sink ${name} took them.`));
  if (refused > 0)
    problems.push(problemOf('sink_dead_letters', name, `The sink ${name} refused ${refused} events for good within a day.`));
  return problems;
}

function ofGaps(gaps: Part<'gaps'>): PipelineProblem[] {
  if (gaps === undefined || gaps.open === 0) return [];
  return [problemOf('gaps_open', '', `${gaps.missing} events that were recorded are not in the database, in ${gaps.open} gaps.`)];
}

function ofCheckpoint(checkpoint: Part<'checkpoint'>, limitMs: number): PipelineProblem[] {
  if (checkpoint === undefined || checkpoint.unsigned_ms <= limitMs) return [];
  return [problemOf('checkpoint_old', '', `Events of ${lasting(checkpoint.unsigned_ms)} ago are in no checkpoint.`)];
}

function ofDeadLetters(letters: Part<'dead_letters'>): PipelineProblem[] {
  if (letters === undefined || letters.recent === 0) return [];
  const reasons = Object.entries(letters.reasons).map(([reason, count]) => `${count} ${reason}`);
  return [problemOf('dead_letters', '', `${letters.recent} lines within a day were no events: ${reasons.join(', ')}.`)];
}

/** Reasons that do not go away by themselves, and that nobody has wanted. */
const OVERDUE: ReadonlyMap<RetentionRefusal, (detail: string) => string> = new Map([
  ['sink_behind', (sink: string) => `the sink ${sink} has yet to be sent them`],
  ['unsealed', () => 'no signed checkpoint that was copied away covers them'],
]);

function ofRetention(retention: Part<'retention'>): PipelineProblem[] {
  if (retention === undefined) return [];
  const problems = retention.kept.flatMap(({ table, reason, rows, detail }) => {
    const why = OVERDUE.get(reason)?.(detail);
    if (why === undefined) return [];
    return [problemOf('retention_refused', table, `${rows} rows of ${table} are older than their retention and stay: ${why}.`)];
  });
  if (retention.failure === '') return problems;
  return [
    problemOf('retention_failed', '', `What is older than its retention was not deleted. ${retention.failure}`),
    ...problems,
  ];
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** A duration as people say it. */
export function lasting(ms: number): string {
  const [unit, size] = UNITS.find(([, one]) => ms >= 2 * one) ?? ['s', 1_000];
  return `${Math.round(ms / size)} ${unit}`;
}
