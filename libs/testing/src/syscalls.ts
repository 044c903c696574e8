import { spawnSync } from 'node:child_process';

/** One system call on a file that has ended. Times are seconds since 1970. */
export interface Syscall {
  readonly name: string;
  /** What the file descriptor stands for, as strace's `-y` says it. */
  readonly file: string;
  /** What was written, as strace escapes it, as far as it shows it. */
  readonly data: string;
  readonly result: number;
  readonly beganAt: number;
  readonly endedAt: number;
}

/** Whether system calls can be watched here. */
export const hasStrace = (): boolean => spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0;

/** Arguments with which strace says what `syscallsIn` reads. @param shownBytes how much of what is written it shows */
export function straceArgs(traceFile: string, calls: readonly string[], shownBytes: number): string[] {
  return ['-f', '-ttt', '-T', '-y', '-s', String(shownBytes), '-e', `trace=${calls.join(',')}`, '-o', traceFile];
}

const WHOLE = /^(\d+) +([\d.]+) (\w+)\((\d+)<([^>]*)>(.*)\) += (-?\d+).*<([\d.]+)>$/;
const BEGIN = /^(\d+) +([\d.]+) (\w+)\((\d+)<([^>]*)>(.*)<unfinished \.\.\.>$/;
const END = /^(\d+) +([\d.]+) <\.\.\. (\w+) resumed>.*\) += (-?\d+).*$/;
const TEXT = /"((?:[^"\\]|\\.)*)"/g;

const dataIn = (args: string) => [...args.matchAll(TEXT)].map(([, text]) => text).join('');

/** Reads what strace wrote. */
export function syscallsIn(trace: string): Syscall[] {
  const calls: Syscall[] = [];
  const begun = new Map<string, Omit<Syscall, 'result' | 'endedAt'>>();
  for (const line of trace.split('\n')) {
    const whole = WHOLE.exec(line);
    if (whole !== null) {
      const [, , at = '', name = '', , file = '', args = '', result = '', took = ''] = whole;
      const beganAt = Number(at);
      calls.push({ name, file, data: dataIn(args), result: Number(result), beganAt, endedAt: beganAt + Number(took) });
      continue;
    }
    const begin = BEGIN.exec(line);
    if (begin !== null) {
      const [, thread = '', at = '', name = '', , file = '', args = ''] = begin;
      begun.set(thread, { name, file, data: dataIn(args), beganAt: Number(at) });
      continue;
    }
    const [, thread = '', at = '', , result = ''] = END.exec(line) ?? [];
    const call = begun.get(thread);
    begun.delete(thread);
    if (call !== undefined) calls.push({ ...call, result: Number(result), endedAt: Number(at) });
  }
  return calls;
}

/** What one completed sync of a file covers. */
export interface Sync {
  readonly file: string;
  readonly endedAt: number;
  /** Length of the file as far as it had been written when the sync began. */
  readonly through: number;
}

const WRITES: ReadonlySet<string> = new Set(['write', 'pwrite64', 'writev']);
const SYNCS: ReadonlySet<string> = new Set(['fsync', 'fdatasync']);

/** Every sync of some files that are only ever appended to, from their beginning on. */
export function syncsOf(calls: readonly Syscall[], isFile: (file: string) => boolean): Sync[] {
  const lengths = new Map<string, number>();
  const writes = calls
    .filter(({ name, file, result }) => WRITES.has(name) && result > 0 && isFile(file))
    .sort((a, b) => a.beganAt - b.beganAt)
    .map((call) => {
      const end = (lengths.get(call.file) ?? 0) + call.result;
      lengths.set(call.file, end);
      return { ...call, end };
    });
  return calls
    .filter(({ name, file, result }) => SYNCS.has(name) && result === 0 && isFile(file))
    .map(({ file, beganAt, endedAt }) => {
      const before = writes.filter((write) => write.file === file && write.endedAt <= beganAt);
      return { file, endedAt, through: Math.max(0, ...before.map(({ end }) => end)) };
    });
}
