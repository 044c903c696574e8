import { existsSync } from 'node:fs';
import type { MemberName } from './fault-kinds.js';

/** A process that is broken in a run, and goes on. */
export interface Member {
  readonly name: MemberName;
  /** Id of its process; 0 while there is none. */
  pid(): number;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** Starts it again on the same files. @returns when it serves */
  start(): Promise<void>;
}

/** That a process ended which nobody had killed. */
export interface UnplannedEnd {
  readonly member: MemberName;
  readonly atMs: number;
}

/** Whether the process of a member is there, stopped or not. */
export const isThere = (member: Member): boolean => member.pid() > 0 && existsSync(`/proc/${member.pid()}/stat`);

/** Sends a signal to a member, where it has a process. */
export function signal(member: Member, name: NodeJS.Signals): void {
  if (isThere(member)) process.kill(member.pid(), name);
}
