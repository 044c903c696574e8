import type { StreamDefinition } from '@switchyard/contracts';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { BusUnavailable, type StreamExtent, type StreamMessage } from './bus.js';
import type { ReadLimits, StreamReader } from './stream-reader.js';

const schema = `
  CREATE TABLE IF NOT EXISTS messages (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,
    subject TEXT NOT NULL, message_id TEXT NOT NULL UNIQUE, data BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS messages_by_time ON messages (at_ms);
  CREATE TABLE IF NOT EXISTS incarnations (id TEXT PRIMARY KEY) STRICT;
  INSERT INTO incarnations SELECT lower(hex(randomblob(6))) WHERE NOT EXISTS (SELECT 1 FROM incarnations);
`;

const PRUNE_EVERY_MS = 60_000;
const WAIT_MS = 30_000;

interface Row {
  readonly sequence: number;
  readonly subject: string;
  readonly message_id: string;
  readonly data: Uint8Array;
}

/** What is kept of a stream in process, so that it can be read again: a SQLite file, which survives a killed process. */
export class StreamLog {
  readonly #definition: StreamDefinition;
  readonly #database: DatabaseSync;
  readonly #statements: Record<'add' | 'prune' | 'read' | 'first' | 'last' | 'bytes', StatementSync>;
  readonly #incarnation: string;
  #bytes: number;
  #prunedAtMs = 0;
  #arrival = Promise.withResolvers<void>();
  #closed = false;

  static file(dir: string, { name }: StreamDefinition): string {
    return path.join(dir, `${name}.sqlite`);
  }

  /** Whether the stream is kept. */
  static exists(dir: string, definition: StreamDefinition): boolean {
    return existsSync(StreamLog.file(dir, definition));
  }

  /** @throws BusUnavailable when the file cannot be opened, or another process has it */
  constructor(dir: string, definition: StreamDefinition) {
    this.#definition = definition;
    this.#database = openDatabase(StreamLog.file(dir, definition));
    this.#statements = {
      // Not INSERT OR IGNORE, which takes a position also for what it ignores: a jump means that something was lost.
      add: this.#database.prepare(
        `INSERT INTO messages (at_ms, subject, message_id, data) SELECT ?1, ?2, ?3, ?4
         WHERE NOT EXISTS (SELECT 1 FROM messages WHERE message_id = ?3)`,
      ),
      prune: this.#database.prepare('DELETE FROM messages WHERE at_ms < ?'),
      read: this.#database.prepare(
        'SELECT sequence, subject, message_id, data FROM messages WHERE sequence > ? ORDER BY sequence LIMIT ?',
      ),
      first: this.#database.prepare('SELECT min(sequence) AS first FROM messages'),
      last: this.#database.prepare("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'messages'), 0) AS last"),
      bytes: this.#database.prepare('SELECT coalesce(sum(length(data)), 0) AS bytes FROM messages'),
    };
    this.#incarnation = (this.#database.prepare('SELECT id FROM incarnations').get() as { readonly id: string }).id;
    this.#bytes = this.#countBytes();
  }

  /** Keeps a message; one whose id is there already is kept once. @throws BusUnavailable when the stream is full */
  add(subject: string, messageId: string, data: Uint8Array): void {
    this.#prune();
    const { name, limitBytes } = this.#definition;
    if (this.#bytes + data.length > limitBytes) throw new BusUnavailable(`${name} is full`);
    try {
      const { changes } = this.#statements.add.run(Date.now(), subject, messageId, data);
      if (changes === 0) return;
    } catch (cause) {
      throw new BusUnavailable(`${name}: the message could not be kept`, { cause });
    }
    this.#bytes += data.length;
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers();
  }

  lastSequence(): number {
    return (this.#statements.last.get() as { readonly last: number }).last;
  }

  extent(): StreamExtent {
    const last = this.lastSequence();
    const { first } = this.#statements.first.get() as { readonly first: number | null };
    return { incarnation: this.#incarnation, first: first ?? last + 1, last };
  }

  /** @param after position behind which reading begins */
  reader(after: number): StreamReader {
    let position = after;
    let closed = false;
    return {
      next: async (limits) => {
        const messages = await this.#next(position, limits, () => closed);
        position = Number(messages.at(-1)?.sequence ?? position);
        return messages;
      },
      close: async () => {
        closed = true;
        this.#arrival.resolve();
        this.#arrival = Promise.withResolvers();
      },
    };
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#arrival.resolve();
    if (this.#database.isOpen) this.#database.close();
  }

  /** Closes it, and keeps nothing any more. */
  remove(dir: string): void {
    this.close();
    const file = StreamLog.file(dir, this.#definition);
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
  }

  async #next(after: number, limits: ReadLimits, isClosed: () => boolean): Promise<readonly StreamMessage[]> {
    const stop = new AbortController();
    const end = () => stop.abort();
    const timer = setTimeout(end, WAIT_MS);
    limits.signal.addEventListener('abort', end);
    const stopped = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
    try {
      while (!this.#closed && !isClosed() && !limits.signal.aborted) {
        const arrival = this.#arrival.promise;
        const messages = this.#read(after, limits);
        if (messages.length > 0 || stop.signal.aborted) return messages;
        await Promise.race([arrival, stopped]);
      }
      return [];
    } finally {
      clearTimeout(timer);
      limits.signal.removeEventListener('abort', end);
    }
  }

  #read(after: number, limits: ReadLimits): StreamMessage[] {
    const messages: StreamMessage[] = [];
    let bytes = 0;
    for (const row of this.#statements.read.iterate(after, limits.messages) as Iterable<unknown>) {
      const { sequence, subject, message_id: messageId, data } = row as Row;
      bytes += data.length;
      if (messages.length > 0 && bytes > limits.bytes) break;
      messages.push({ subject, messageId, data, sequence: String(sequence) });
    }
    return messages;
  }

  /** What is too old goes, as in JetStream. */
  #prune(): void {
    const nowMs = Date.now();
    if (nowMs - this.#prunedAtMs < PRUNE_EVERY_MS) return;
    this.#prunedAtMs = nowMs;
    const { changes } = this.#statements.prune.run(nowMs - this.#definition.maxAgeMs);
    if (changes !== 0) this.#bytes = this.#countBytes();
  }

  #countBytes(): number {
    return (this.#statements.bytes.get() as { readonly bytes: number }).bytes;
  }
}

function openDatabase(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file, { timeout: 2_000 });
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`);
    return database;
  } catch (cause) {
    throw new BusUnavailable(`${file} cannot be opened, or another process is using it`, { cause });
  }
}
