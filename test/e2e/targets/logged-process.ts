import { eventually } from '@switchyard/testing';
import { spawn, type ChildProcess } from 'node:child_process';

/** A program that a test runs, with everything that it has written. Ends with the test run at the latest. */
export interface LoggedProcess {
  readonly pid: number;
  /** Its exit code; null where a signal ended it. */
  readonly exited: Promise<number | null>;
  stdout(): string;
  /** Standard output and standard error, as they came. */
  output(): string;
  /** Waits until what it has written matches. @throws Error with its output when it ends before, or after `timeoutMs` */
  written(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** Ends it and waits for that; one that does not drain is killed. Idempotent. @returns its exit code */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

/** How a program is started. */
export interface ProcessCommand {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Given on standard input. */
  readonly input?: string;
}

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

const LONGEST_DRAIN_MS = 35_000;

/** Starts a Node.js program with next to nothing in its environment. */
export function startNode({ name, args, env = {}, cwd, input }: ProcessCommand): LoggedProcess {
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, args, {
    env: { PATH, HOME, ...(NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE }), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  child.stdin.end(input);
  running.add(child);
  let ended = false;
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve)).finally(() => {
    ended = true;
    running.delete(child);
  });
  const chunks: { readonly text: string; readonly isStdout: boolean }[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => chunks.push({ text, isStdout: true }));
  child.stderr.setEncoding('utf8').on('data', (text: string) => chunks.push({ text, isStdout: false }));
  const output = () => chunks.map(({ text }) => text).join('');
  return {
    pid: child.pid ?? 0,
    exited,
    output,
    stdout: () => chunks.map(({ text, isStdout }) => (isStdout ? text : '')).join(''),
    written: async (pattern, timeoutMs = 240_000) => {
      const found = await eventually(() => pattern.exec(output()) ?? (ended ? undefined : false), { timeoutMs }).catch(
        () => undefined,
      );
      if (found !== undefined) return found;
      throw new Error(`${name} ${ended ? 'ended before it wrote' : 'did not write'} ${pattern}:\n${output().slice(-6000)}`);
    },
    end: async (signal) => {
      if (!ended) child.kill(signal);
      const late = setTimeout(() => child.kill('SIGKILL'), LONGEST_DRAIN_MS);
      const code = await exited;
      clearTimeout(late);
      return code;
    },
  };
}
