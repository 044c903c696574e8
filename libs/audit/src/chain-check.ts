import type { ChainRun } from './chain-run.js';
import { firstLink, readLink } from './chain.js';
import type { DeletedRanges } from './deleted-ranges.js';

/** What is wrong with a line of an audit trail. */
export const CHAIN_FAULTS = {
  not_an_event: 'is no event of the audit trail',
  foreign_identity: 'has an event_id that is not its emitter, epoch and sequence',
  missing: 'does not follow the one before it: records between them are missing',
  out_of_order: 'stands behind records that come after it, or is there twice',
  not_linked: 'does not end with a link',
  altered: 'is not what was recorded, or does not follow what was recorded before it',
} as const;

/** Key of `CHAIN_FAULTS`. */
export type ChainFaultKind = keyof typeof CHAIN_FAULTS;

/** The first thing that is wrong with a trail. */
export interface ChainFault {
  readonly kind: ChainFaultKind;
  /** Its event_id; empty where it has none. */
  readonly eventId: string;
  /** Of `missing`: the sequences that should stand before it. */
  readonly missing?: { readonly first: number; readonly last: number };
}

/** Up to where one epoch of one emitter is known. */
export interface ChainHead {
  readonly sequence: number;
  /** Link of that record. */
  readonly link: string;
}

/** Checks lines of audit trails against the links that they were recorded with. Epochs may alternate; the lines of one are in order. */
export class ChainCheck {
  /** By `<emitter>/<epoch>`. */
  readonly #heads: Map<string, ChainHead>;
  readonly #deleted: DeletedRanges | undefined;
  #latest: (ChainHead & { readonly chain: string }) | undefined;

  /**
   * @param heads where to go on, by `<emitter>/<epoch>`; other epochs have to begin with their first record
   * @param deleted what may be missing, because retention has deleted it
   */
  constructor(heads: ReadonlyMap<string, ChainHead> = new Map(), deleted?: DeletedRanges) {
    this.#heads = new Map(heads);
    this.#deleted = deleted;
  }

  /** Up to where everything was found to be right, by `<emitter>/<epoch>`. */
  get heads(): ReadonlyMap<string, ChainHead> {
    return this.#heads;
  }

  /** The last line that was found to be right, and which `<emitter>/<epoch>` it is of. */
  get latest(): (ChainHead & { readonly chain: string }) | undefined {
    return this.#latest;
  }

  /** Checks the next line. @param line exact bytes of an event, without line feed @returns undefined where it is right */
  next(line: Buffer): ChainFault | undefined {
    const identity = identityOf(line);
    if (identity === undefined) return { kind: 'not_an_event', eventId: '' };
    const { emitter, epoch, sequence, eventId } = identity;
    const chain = `${emitter}/${epoch}`;
    if (eventId !== `${chain}/${sequence}`) return { kind: 'foreign_identity', eventId };
    let head = this.#heads.get(chain) ?? { sequence: 0, link: firstLink(emitter, epoch) };
    if (sequence > head.sequence + 1) head = this.#deleted?.behind(chain, head) ?? head;
    if (sequence <= head.sequence) return { kind: 'out_of_order', eventId };
    if (sequence > head.sequence + 1)
      return { kind: 'missing', eventId, missing: { first: head.sequence + 1, last: sequence - 1 } };
    const link = readLink(line, head.link);
    if (link === undefined) return { kind: 'not_linked', eventId };
    if (link.written !== link.expected) return { kind: 'altered', eventId };
    this.#latest = { chain, sequence, link: link.written };
    this.#heads.set(chain, this.#latest);
    return undefined;
  }

  /** Checks the next lines, of which only the first is in question. @returns undefined where they are right */
  nextRun({ chain, firstLine, last, link }: ChainRun): ChainFault | undefined {
    const fault = this.next(firstLine);
    if (fault) return fault;
    this.#latest = { chain, sequence: last, link };
    this.#heads.set(chain, this.#latest);
    return undefined;
  }
}

interface Identity {
  readonly emitter: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly eventId: string;
}

const decimal = /^[1-9][0-9]{0,15}$/;

function identityOf(line: Buffer): Identity | undefined {
  const { emitter, epoch, sequence, event_id: eventId } = membersOf(line);
  if (typeof emitter !== 'string' || typeof eventId !== 'string') return undefined;
  if (typeof epoch !== 'string' || typeof sequence !== 'string' || !decimal.test(epoch) || !decimal.test(sequence))
    return undefined;
  return { emitter, epoch: Number(epoch), sequence: Number(sequence), eventId };
}

function membersOf(line: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line.toString('latin1'));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
