import type { EventJson } from '@switchyard/contracts';
import type { Logger } from '@switchyard/telemetry';
import { readdirSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import path from 'node:path';
import { compareSegments, parseSegmentFileName, segmentFileName } from './segment.js';
import { decodeRecord } from './spool-record.js';

const FILE_NAME = 'open-intents';
const LINE_FEED = 0x0a;
const INTENT = Buffer.from('"type":"tool.intended"');
const CONCLUSION = Buffer.from('"intent":"');

type Said = Partial<Pick<EventJson, 'event_id' | 'type' | 'detail'>>;

/**
 * Intents whose outcome has not been recorded. They are found in the spool's segments when a process starts again; those whose
 * segment is deleted meanwhile, because it has been forwarded, are written to a file of their own before that.
 */
export class OpenIntents {
  readonly #dir: string;
  readonly #synced: () => Promise<void>;
  /** By event id. */
  readonly #open: Map<string, string>;
  /** Whether the file may say anything. */
  #isWritten: boolean;
  #isStale = true;
  #writing: Promise<void> | undefined;

  private constructor(dir: string, synced: () => Promise<void>, found: Map<string, string>) {
    this.#dir = dir;
    this.#synced = synced;
    this.#open = found;
    this.#isWritten = found.size > 0;
  }

  /**
   * Finds what earlier boots have left open. Reads every segment, so ask before any is deleted.
   * @param synced brings what is in the kernel onto the disk
   * @throws the system's error
   */
  static find(dir: string, synced: () => Promise<void>, log: Logger): OpenIntents {
    const found = new Map<string, string>();
    for (const line of writtenLines(path.join(dir, FILE_NAME))) note(line, found, log);
    const ids = readdirSync(dir).flatMap((name) => parseSegmentFileName(name) ?? []);
    for (const id of ids.sort(compareSegments))
      for (const line of telling(readFileSync(path.join(dir, segmentFileName(id))))) note(line, found, log);
    return new OpenIntents(dir, synced, found);
  }

  /** Lines of the intents that are open now. */
  lines(): string[] {
    return [...this.#open.values()];
  }

  /** An intent is in the kernel. */
  opened(id: string, line: string): void {
    this.#open.set(id, line);
    this.#isStale = true;
  }

  /** Its outcome is in the kernel: before it can be forwarded, and its segment deleted. */
  concluded(id: string): void {
    if (this.#open.delete(id)) this.#isStale = true;
  }

  /**
   * Makes what is open known without the segments. Undefined: there is nothing to do.
   * @throws the system's error (as a rejection): then no segment may be deleted
   */
  keep(): Promise<void> | undefined {
    if (this.#open.size === 0 && !this.#isWritten) return undefined;
    if (!this.#isStale && this.#writing === undefined) return undefined;
    return (this.#writing = (this.#writing ?? Promise.resolve()).catch(() => undefined).then(() => this.#write()));
  }

  async #write(): Promise<void> {
    if (!this.#isStale) return;
    this.#isStale = false;
    const lines = this.lines();
    try {
      // Nothing is forgotten before its outcome is on the disk.
      await this.#synced();
      await replace(path.join(this.#dir, FILE_NAME), lines.map((line) => `${line}\n`).join(''));
      this.#isWritten = lines.length > 0;
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
  }
}

/** Puts a text in the place of a file's, also where the power goes at any moment. */
async function replace(file: string, text: string): Promise<void> {
  const next = await open(`${file}.next`, 'w', 0o600);
  try {
    await next.writeFile(text, 'latin1');
    await next.datasync();
  } finally {
    await next.close();
  }
  await rename(`${file}.next`, file);
  const dir = await open(path.dirname(file), 'r');
  try {
    await dir.sync();
  } finally {
    await dir.close();
  }
}

function writtenLines(file: string): string[] {
  try {
    return readFileSync(file, 'latin1').split('\n').slice(0, -1);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Lines of a segment that may be intents, or may say that one is over. */
function* telling(segment: Buffer): Generator<string> {
  const places = [...placesOf(INTENT, segment), ...placesOf(CONCLUSION, segment)].sort((a, b) => a - b);
  let end = 0;
  for (const place of places) {
    if (place < end) continue;
    const start = segment.lastIndexOf(LINE_FEED, place) + 1;
    end = segment.indexOf(LINE_FEED, place);
    // Torn: it was never acknowledged.
    if (end < 0) return;
    const record = decodeRecord(segment, start, end);
    if (record !== undefined) yield segment.toString('latin1', record.jsonStart, end);
  }
}

function* placesOf(text: Buffer, segment: Buffer): Generator<number> {
  for (let place = segment.indexOf(text); place >= 0; place = segment.indexOf(text, place + text.length)) yield place;
}

function note(line: string, found: Map<string, string>, log: Logger): void {
  const said = parse(line, log);
  if (said?.type === 'tool.intended' && said.event_id !== undefined) found.set(said.event_id, line);
  else if (said?.detail?.intent !== undefined) found.delete(said.detail.intent);
}

function parse(line: string, log: Logger): Said | undefined {
  try {
    return JSON.parse(line) as Said;
  } catch (error) {
    log.error('a line of the audit spool is no event', { error });
    return undefined;
  }
}
