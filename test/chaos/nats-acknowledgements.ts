import { syncsOf, type Syscall, syscallsIn } from '@switchyard/testing';

/** One block of a stream, as JetStream stores it. */
export const isBlock = (file: string): boolean => /\/msgs\/\d+\.blk$/.test(file);

/** What a nats-server acknowledged, and what of it a loss of power would have taken. */
export interface AcknowledgementProof {
  readonly checked: number;
  /** Sequences of messages that were acknowledged before a sync that had begun after they were written was over. */
  readonly tooEarly: readonly number[];
  /** Length of each block as far as it is known to be on the disk. */
  readonly syncedBytes: ReadonlyMap<string, number>;
}

const ACKNOWLEDGEMENT = /\\"stream\\":\s*\\"SWITCHYARD_EVENTS\\",(?: \\"\w+\\":\\"\w+\\",)*\s*\\"seq\\":\s*(\d+)/g;

/**
 * Reads from system calls which publishes were acknowledged before their message was on the disk.
 * @param markers a text of each message that no other has, by its sequence in the stream
 */
export function acknowledgedBeforeSync(trace: string, markers: ReadonlyMap<number, string>): AcknowledgementProof {
  const calls = syscallsIn(trace);
  const syncs = syncsOf(calls, isBlock);
  const blockWrites = withEnds(calls.filter(({ file, result }) => isBlock(file) && result > 0));
  const acknowledged = calls.flatMap(({ file, data, beganAt }) =>
    isBlock(file) ? [] : [...data.matchAll(ACKNOWLEDGEMENT)].map(([, sequence]) => ({ sequence: Number(sequence), beganAt })),
  );
  const tooEarly = acknowledged.filter(({ sequence, beganAt }) => {
    const marker = markers.get(sequence);
    const written = marker === undefined ? undefined : blockWrites.find(({ data }) => data.includes(marker));
    if (written === undefined) return true;
    return !syncs.some(({ file, through, endedAt }) => file === written.file && through >= written.end && endedAt <= beganAt);
  });
  const syncedBytes = new Map<string, number>();
  for (const { file, through } of syncs) syncedBytes.set(file, Math.max(through, syncedBytes.get(file) ?? 0));
  return { checked: acknowledged.length, tooEarly: tooEarly.map(({ sequence }) => sequence), syncedBytes };
}

/** Writes with the length that their file had behind them. */
function withEnds(calls: readonly Syscall[]): (Syscall & { readonly end: number })[] {
  const lengths = new Map<string, number>();
  return calls
    .filter(({ name }) => name.includes('write'))
    .sort((a, b) => a.beganAt - b.beganAt)
    .map((call) => {
      const end = (lengths.get(call.file) ?? 0) + call.result;
      lengths.set(call.file, end);
      return { ...call, end };
    });
}
