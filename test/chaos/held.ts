import { readdirSync, readFileSync } from 'node:fs';
import type { Held } from './evidence.js';
import type { MemberName } from './fault-kinds.js';
import { isThere, type Member } from './member.js';

/** What a process holds now. */
export interface HeldNow {
  readonly files: number;
  readonly residentMiB: number;
}

/** What each member holds now. */
export function heldNow(members: Iterable<Member>): Map<MemberName, HeldNow> {
  const there = [...members].filter(isThere);
  return new Map(there.map((member) => [member.name, heldBy(member.pid())]));
}

function heldBy(pid: number): HeldNow {
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { files: readdirSync(`/proc/${pid}/fd`).length, residentMiB: Math.round(Number(resident ?? 0) / 1024) };
}

/** Puts both together, for those that were there both times. */
export function compareHeld(before: ReadonlyMap<MemberName, HeldNow>, after: ReadonlyMap<MemberName, HeldNow>): Held[] {
  return [...before].flatMap(([member, was]) => {
    const is = after.get(member);
    if (is === undefined) return [];
    const files = { filesBefore: was.files, filesAfter: is.files };
    return [{ member, ...files, residentMiBBefore: was.residentMiB, residentMiBAfter: is.residentMiB }];
  });
}
