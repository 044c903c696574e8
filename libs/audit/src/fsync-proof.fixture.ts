/** One system call that has ended. */
interface Syscall {
  readonly name: string;
  readonly file: string;
  readonly data: string;
  readonly result: number;
  readonly beganAt: number;
  readonly endedAt: number;
}

const WHOLE = /^(\d+) +([\d.]+) (\w+)\((\d+)<([^>]*)>(?:, "((?:[^"\\]|\\.)*)")?.*\) += (-?\d+).*<([\d.]+)>$/;
const BEGIN = /^(\d+) +([\d.]+) (\w+)\((\d+)<([^>]*)>(?:, "((?:[^"\\]|\\.)*)")?.*<unfinished \.\.\.>$/;
const END = /^(\d+) +([\d.]+) <\.\.\. (\w+) resumed>.*\) += (-?\d+).*$/;

/** Reads what strace wrote with `-f -ttt -T -y`. */
function syscallsIn(trace: string): Syscall[] {
  const calls: Syscall[] = [];
  const begun = new Map<string, Omit<Syscall, 'result' | 'endedAt'>>();
  for (const line of trace.split('\n')) {
    const whole = WHOLE.exec(line);
    if (whole !== null) {
      const [, , at = '', name = '', , file = '', data = '', result = '', took = ''] = whole;
      calls.push({ name, file, data, result: Number(result), beganAt: Number(at), endedAt: Number(at) + Number(took) });
      continue;
    }
    const begin = BEGIN.exec(line);
    if (begin !== null) {
      const [, thread = '', at = '', name = '', , file = '', data = ''] = begin;
      begun.set(thread, { name, file, data, beganAt: Number(at) });
      continue;
    }
    const [, thread = '', at = '', , result = ''] = END.exec(line) ?? [];
    const call = begun.get(thread);
    begun.delete(thread);
    if (call !== undefined) calls.push({ ...call, result: Number(result), endedAt: Number(at) });
  }
  return calls;
}

/**
 * Which records were acknowledged on stdout, as `I <event id>` or `O <intent>`, before an fdatasync that had begun after their write
 * was over. What lies behind the last such sync is what a loss of power takes: none of it may have been acknowledged.
 */
export function acknowledgedTooEarly(
  trace: string,
  segment: string,
): { readonly checked: number; readonly tooEarly: readonly string[] } {
  const calls = syscallsIn(trace);
  const isSegment = ({ file }: Syscall) => file.endsWith('.spool');
  let length = 0;
  const writes = calls
    .filter((call) => call.name === 'write' && isSegment(call))
    .sort((a, b) => a.beganAt - b.beganAt)
    .map((call) => ({ ...call, end: (length += call.result) }));
  const syncs = calls
    .filter((call) => call.name === 'fdatasync' && isSegment(call) && call.result === 0)
    .map(({ beganAt, endedAt }) => ({
      endedAt,
      end: Math.max(0, ...writes.filter((write) => write.endedAt <= beganAt).map(({ end }) => end)),
    }));
  const acknowledged = calls.flatMap(({ name, data, beganAt }) =>
    name === 'write' && /^(?:[IO] \S+\\n)+/.test(data)
      ? data.split('\\n').flatMap((line) => (/^[IO] \S+\/\d+$/.test(line) ? [{ line, beganAt }] : []))
      : [],
  );
  const tooEarly = acknowledged.filter(({ line, beganAt }) => {
    const text = line.startsWith('I') ? `"event_id":"${line.slice(2)}"` : `"intent":"${line.slice(2)}"`;
    const place = segment.indexOf('\n', segment.indexOf(text));
    return !segment.includes(text) || !syncs.some(({ endedAt, end }) => end > place && endedAt <= beganAt);
  });
  return { checked: acknowledged.length, tooEarly: tooEarly.map(({ line }) => line) };
}
