import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { SpoolPosition } from './segment.js';

const recordBytes = 64;

/** Remembers on disk how far a spool has been forwarded. One small write in place, so that `kill -9` leaves the old or the new one. */
export class CursorFile {
  readonly #fd: number;
  readonly #initial: SpoolPosition | undefined;

  private constructor(fd: number) {
    this.#fd = fd;
    this.#initial = readPosition(fd);
  }

  /** @throws the system's error */
  static open(path: string): CursorFile {
    return new CursorFile(openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600));
  }

  /** What it held when it was opened; undefined where it is new or damaged: forwarding then starts at the oldest segment. */
  get initial(): SpoolPosition | undefined {
    return this.#initial;
  }

  /** @throws the system's error */
  write(position: SpoolPosition): void {
    writeSync(this.#fd, encodePosition(position), 0, 'latin1');
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function encodePosition({ segment, offset }: SpoolPosition): string {
  const body = `${segment.epoch} ${segment.number} ${offset}`.padEnd(recordBytes - 10);
  return `${checksum(body)} ${body}\n`;
}

function readPosition(fd: number): SpoolPosition | undefined {
  const record = Buffer.alloc(recordBytes);
  const text = record.toString('latin1', 0, readSync(fd, record, 0, recordBytes, 0));
  const body = text.slice(9, -1);
  if (text.length !== recordBytes || text.slice(0, 8) !== checksum(body)) return undefined;
  const [epoch = 0, number = 0, offset = 0] = body.trim().split(' ').map(Number);
  return { segment: { epoch, number }, offset };
}

const checksum = (body: string) => crc32(body).toString(16).padStart(8, '0');
