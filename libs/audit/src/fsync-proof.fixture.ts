import { syncsOf, type Syscall, syscallsIn } from '@switchyard/testing';

const isSegment = (file: string) => file.endsWith('.spool');

/** What a process said, and what of it lies behind the last sync. */
export interface FsyncProof {
  readonly checked: number;
  /** What was acknowledged before an fdatasync that had begun after its write was over. */
  readonly tooEarly: readonly string[];
  /** Length of the segment that a loss of power would have left. */
  readonly syncedBytes: number;
}

/** Which records were acknowledged on stdout, as `I <event id>` or `O <intent>`, before they were on the disk. */
export function acknowledgedTooEarly(trace: string, segment: string): FsyncProof {
  const calls = syscallsIn(trace);
  const syncs = syncsOf(calls, isSegment);
  const acknowledged = calls.flatMap(saidIn);
  const tooEarly = acknowledged.filter(({ line, beganAt }) => {
    const text = line.startsWith('I') ? `"event_id":"${line.slice(2)}"` : `"intent":"${line.slice(2)}"`;
    const place = segment.indexOf('\n', segment.indexOf(text));
    return !segment.includes(text) || !syncs.some(({ endedAt, through }) => through > place && endedAt <= beganAt);
  });
  return {
    checked: acknowledged.length,
    tooEarly: tooEarly.map(({ line }) => line),
    syncedBytes: Math.max(0, ...syncs.map(({ through }) => through)),
  };
}

function saidIn({ name, data, beganAt }: Syscall): { readonly line: string; readonly beganAt: number }[] {
  if (name !== 'write' || !/^(?:[IO] \S+\\n)+/.test(data)) return [];
  return data.split('\\n').flatMap((line) => (/^[IO] \S+\/\d+$/.test(line) ? [{ line, beganAt }] : []));
}
