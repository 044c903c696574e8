import { type LoggedProcess, type ProcessCommand, startNode } from '../e2e/targets/logged-process.js';
import type { MemberName } from './fault-kinds.js';
import type { Member } from './member.js';

/** A Node.js program as a member. */
export interface ServiceMember extends Member {
  /** SIGTERM. @returns its exit code */
  stop(): Promise<number | null>;
  /** Waits for what it writes. */
  written(pattern: RegExp): Promise<RegExpExecArray>;
  /** Everything that its processes have written, one after the other. */
  logs(): string;
}

/** Long, because machines stand still at times. */
const START_MS = 600_000;

/** @param ready what it writes when it serves */
export function serviceMember(name: MemberName, command: Omit<ProcessCommand, 'name'>, ready: RegExp): ServiceMember {
  const ended: string[] = [];
  let current: LoggedProcess | undefined;
  const end = async (by: 'SIGTERM' | 'SIGKILL') => {
    const ending = current;
    current = undefined;
    if (ending === undefined) return 0;
    const code = await ending.end(by);
    ended.push(ending.output());
    return code;
  };
  return {
    name,
    pid: () => current?.pid ?? 0,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    start: async () => {
      current = startNode({ ...command, name });
      await current.written(ready, START_MS);
    },
    written: (pattern) => {
      if (current === undefined) throw new Error(`${name} does not run`);
      return current.written(pattern);
    },
    logs: () => [...ended, current?.output() ?? ''].join(`\n=== ${name} started again\n`),
  };
}
