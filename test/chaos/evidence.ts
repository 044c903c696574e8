import type { EventView } from '@switchyard/contracts';
import type { MemberName } from './fault-kinds.js';
import type { ClientLedger, Execution } from './ledgers.js';
import type { Kill } from './nemesis.js';
import type { UnplannedEnd } from './member.js';

/** What invariants look at of an event. */
export type SeenEvent = Pick<EventView, 'event_id' | 'type' | 'outcome' | 'reason' | 'request_id' | 'detail'> & {
  readonly emitter: string;
  readonly epoch: number;
  readonly sequence: number;
};

/** One boot of an emitter. */
export interface Boot {
  readonly emitter: string;
  readonly epoch: number;
}

/** What the exact lines of the trail, and the checkpoints, were found to be. */
export interface TrailVerdict {
  /** Absent: everything is as it was recorded and signed. */
  readonly fault?: string;
  readonly events: number;
  readonly checkpoints: number;
  /** Checkpoints that were copied away while things were broken; the verification knew them. */
  readonly copies: number;
  /** Sequence up to which each boot was signed, by `<emitter>/<epoch>`. */
  readonly signed: ReadonlyMap<string, number>;
}

/** What the database says of its rows. */
export interface RowCounts {
  /** Events as often as they were inserted. */
  readonly inserted: number;
  /** Events as they are read. */
  readonly read: number;
  /** Different events. */
  readonly distinct: number;
  /** Sequences that `event_sequences` has, from which gaps are found; without those of the service that stores. */
  readonly sequences: number;
  /** Different events that these are of. */
  readonly ofSequences: number;
  /** Calls in the counts of usage. */
  readonly counted: number;
  /** Different events that these are of. */
  readonly ofCounted: number;
}

/** What a process held before the load, and after everything was healed and quiet. */
export interface Held {
  readonly member: MemberName;
  readonly filesBefore: number;
  readonly filesAfter: number;
  readonly residentMiBBefore: number;
  readonly residentMiBAfter: number;
}

/** Everything that is known about a run when it is over. */
export interface Evidence extends ClientLedger {
  readonly strict: boolean;
  readonly executions: readonly Execution[];
  /** As a reader of the audit API gets them. */
  readonly events: readonly SeenEvent[];
  readonly rows: RowCounts;
  /** What the stream holds: ids of events. Republished ones are there several times. */
  readonly stream: { readonly messages: number; readonly lines: number; readonly ids: ReadonlySet<string> };
  /** Ids of events in what is left of the spools. */
  readonly spooled: ReadonlySet<string>;
  /** Files of damaged records beside the spools. */
  readonly damaged: readonly string[];
  /** How far emitters said that they were. */
  readonly said: readonly (Boot & { readonly written: number })[];
  readonly openGaps: readonly (Boot & { readonly first: number; readonly last: number })[];
  readonly trail: TrailVerdict;
  readonly kills: readonly Kill[];
  readonly unplanned: readonly UnplannedEnd[];
  /** Services that did not end with code 0 when they were told to. */
  readonly disorderly: readonly MemberName[];
  readonly held: readonly Held[];
}

/** What an invariant found. */
export interface Finding {
  /** Figures that say what was compared. */
  readonly numbers: string;
  /** Each a sentence; none: it holds. */
  readonly violations: readonly string[];
}

/** Something that has to hold whatever is broken. */
export interface Invariant {
  readonly id: string;
  readonly says: string;
  check(evidence: Evidence): Finding;
}

export const isEdgeEvent = ({ emitter }: Pick<SeenEvent, 'emitter'>): boolean => emitter.startsWith('edge-');

/** Groups by a key. */
export function groupBy<T>(list: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
