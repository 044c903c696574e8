import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Held } from './evidence.js';
import type { MemberName } from './fault-kinds.js';
import { isThere, type Member } from './member.js';

const LOOK_MS = 1000;

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

/**
 * What members hold once all is quiet: as soon as none holds more files than `tolerated`, or what is held after `limitMs`. ClickHouse merges
 * for a while after the last insert, and has each column of what it merges open.
 */
export async function heldAtRest(
  members: readonly Member[],
  before: ReadonlyMap<MemberName, HeldNow>,
  { tolerated, limitMs }: { tolerated: (held: Held) => boolean; limitMs: number },
): Promise<Held[]> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    const held = compareHeld(before, heldNow(members));
    if (held.every(tolerated) || performance.now() > giveUpAt) return held;
    await delay(LOOK_MS);
  }
}

/** Puts both together, for those that were there both times. */
function compareHeld(before: ReadonlyMap<MemberName, HeldNow>, after: ReadonlyMap<MemberName, HeldNow>): Held[] {
  return [...before].flatMap(([member, was]) => {
    const is = after.get(member);
    if (is === undefined) return [];
    const files = { filesBefore: was.files, filesAfter: is.files };
    return [{ member, ...files, residentMiBBefore: was.residentMiB, residentMiBAfter: is.residentMiB }];
  });
}
