import type { EventFields } from '@switchyard/contracts';
import type { Clock } from '@switchyard/runtime';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** What an event was that could not be recorded. */
export type UnrecordedEvent = Pick<EventFields, 'type' | 'outcome' | 'reason'>;

/** Events that were not recorded, and of which nobody has been told. */
export interface UnrecordedCounts {
  /** When the first of them was to be recorded, milliseconds since 1970. */
  readonly sinceMs: number;
  /** By type and how it ended, for example `tool.called ok`. */
  readonly counts: Readonly<Record<string, number>>;
}

const FILE_BYTES = 4_096;
const CHECKSUM_LENGTH = 8;

/**
 * Counts what could not be recorded until that itself has been recorded. The counts are kept in a file whose place on the disk is
 * taken beforehand, so that they can be written when the disk is full, and outlive the process.
 */
export class Unrecorded {
  readonly #clock: Clock;
  readonly #fd: number;
  readonly #totals = new Map<string, number>();
  #pending: { sinceMs: number; counts: Record<string, number> } | undefined;
  #isWriteDue = false;
  #isClosed = false;

  private constructor(fd: number, clock: Clock) {
    this.#fd = fd;
    this.#clock = clock;
    this.#pending = readCounts(fd);
    this.#write();
  }

  /** @throws the system's error */
  static open(file: string, clock: Clock): Unrecorded {
    return new Unrecorded(openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600), clock);
  }

  /** What nobody has been told of; undefined where there is nothing. */
  pending(): UnrecordedCounts | undefined {
    return this.#pending && { sinceMs: this.#pending.sinceMs, counts: { ...this.#pending.counts } };
  }

  /** Events that this process could not record, by type. */
  totals(): ReadonlyMap<string, number> {
    return this.#totals;
  }

  count({ type, outcome, reason = '' }: UnrecordedEvent): void {
    this.#totals.set(type, (this.#totals.get(type) ?? 0) + 1);
    const { counts } = (this.#pending ??= { sinceMs: this.#clock.now(), counts: {} });
    const name = `${type} ${reason === '' ? outcome : reason}`;
    counts[name] = (counts[name] ?? 0) + 1;
    this.#writeSoon();
  }

  /** These have been told of. */
  told({ counts }: UnrecordedCounts): void {
    const left = Object.entries(this.#pending?.counts ?? {}).flatMap(([name, count]) =>
      count > (counts[name] ?? 0) ? [[name, count - (counts[name] ?? 0)] as const] : [],
    );
    this.#pending = left.length === 0 ? undefined : { sinceMs: this.#clock.now(), counts: Object.fromEntries(left) };
    this.#write();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#write();
    this.#isClosed = true;
    closeSync(this.#fd);
  }

  /** Once for everything that is counted in a turn of the event loop. */
  #writeSoon(): void {
    if (this.#isWriteDue) return;
    this.#isWriteDue = true;
    setImmediate(() => this.#write());
  }

  #write(): void {
    this.#isWriteDue = false;
    if (this.#isClosed) return;
    try {
      writeSync(this.#fd, encode(this.#pending), 0, 'latin1');
    } catch {
      // On a disk that takes nothing at all the counts live in memory, and in metrics.
    }
  }
}

function encode(pending: UnrecordedCounts | undefined): string {
  const whole = pending === undefined ? '' : JSON.stringify(pending);
  const total = (counts: UnrecordedCounts['counts']) => Object.values(counts).reduce((sum, count) => sum + count, 0);
  const fits = whole.length < FILE_BYTES - CHECKSUM_LENGTH;
  const body = fits || pending === undefined ? whole : JSON.stringify({ ...pending, counts: { events: total(pending.counts) } });
  const padded = body.padEnd(FILE_BYTES - CHECKSUM_LENGTH);
  return checksum(padded) + padded;
}

function readCounts(fd: number): { sinceMs: number; counts: Record<string, number> } | undefined {
  const file = Buffer.alloc(FILE_BYTES);
  const text = file.toString('latin1', 0, readSync(fd, file, 0, FILE_BYTES, 0));
  const body = text.slice(CHECKSUM_LENGTH);
  if (text.slice(0, CHECKSUM_LENGTH) !== checksum(body) || body.trim() === '') return undefined;
  return JSON.parse(body) as { sinceMs: number; counts: Record<string, number> };
}

const checksum = (body: string) => crc32(body).toString(16).padStart(CHECKSUM_LENGTH, '0');
