import { headsOf, readCheckpoint, type CheckpointKey, type ExportHeader, type SignedCheckpoint } from '@switchyard/audit';
import type { RetentionRecords } from '../retention/retention-records.js';
import type { CheckpointStore } from './checkpoint-store.js';
import { epochOf, type TrailLines } from './trail-lines.js';

/** What exports are made of. */
export interface ExportSources {
  readonly store: CheckpointStore;
  readonly lines: TrailLines;
  readonly key: CheckpointKey;
  /** What retention has deleted. */
  readonly records: RetentionRecords;
}

/** Times that an export is to cover, milliseconds since 1970. */
export interface ExportRange {
  readonly fromMs: number;
  /** Undefined: to the newest checkpoint. */
  readonly untilMs: number | undefined;
}

/**
 * Writes everything that was recorded between two checkpoints, with the checkpoints, so that `verifyExport` can tell whether it is as it
 * was recorded, but for what retention has deleted, which records say. Begins with the last checkpoint before the range, or with the trail, and ends with the first one behind it, or the newest.
 * @returns lines with line feeds; undefined where nothing has been signed yet
 * @throws EngineError, StateUnavailable
 */
export async function verifiableExport(
  range: ExportRange,
  sources: ExportSources,
): Promise<AsyncGenerator<string, void> | undefined> {
  const { store, key } = sources;
  const base = await store.before(range.fromMs);
  const behind = range.untilMs === undefined ? 0 : await store.behind(range.untilMs);
  const last = behind || Number.MAX_SAFE_INTEGER;
  const stored = await store.between(Math.max(1, base), last);
  if (stored.length === 0) return undefined;
  const read = await Promise.all(stored.map(({ jws }) => readCheckpoint(jws, [key])));
  return write(
    read.filter((checkpoint) => checkpoint !== undefined),
    base === 0,
    sources,
  );
}

async function* write(
  checkpoints: readonly SignedCheckpoint[],
  fromTheBeginning: boolean,
  { lines, records }: ExportSources,
): AsyncGenerator<string, void> {
  const starts = fromTheBeginning ? new Map<string, never>() : headsOf(checkpoints[0]!);
  const ends = reached(checkpoints);
  const deleted = (await records.all()).filter(({ record }) =>
    Object.entries(record.ranges).some(([chain, ranges]) =>
      ranges.some(([first, last]) => last > (starts.get(chain)?.sequence ?? 0) && first <= (ends.get(chain) ?? 0)),
    ),
  );
  const header: ExportHeader = {
    switchyard_audit_export: 1,
    checkpoints: checkpoints.length,
    from_the_beginning: fromTheBeginning,
    ...(deleted.length > 0 && { retention: deleted.length }),
  };
  yield `${JSON.stringify(header)}\n`;
  for (const { jws } of checkpoints) yield `${JSON.stringify({ checkpoint: jws })}\n`;
  for (const { jws } of deleted) yield `${JSON.stringify({ retention: jws })}\n`;
  let events = 0;
  for (const [chain, last] of ends)
    for await (const line of lines.of(epochOf(chain), starts.get(chain)?.sequence ?? 0, last)) {
      events += 1;
      yield `${line}\n`;
    }
  yield `${JSON.stringify({ end: { events } })}\n`;
}

/** How far each epoch was signed. */
function reached(checkpoints: readonly SignedCheckpoint[]): Map<string, number> {
  const last = new Map<string, number>();
  for (const checkpoint of checkpoints) for (const [chain, { sequence }] of headsOf(checkpoint)) last.set(chain, sequence);
  return last;
}
