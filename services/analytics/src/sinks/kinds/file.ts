import type { SinkConfigOf } from '@switchyard/gateway-config';
import { mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { each, type Outcome, type Sink, type SinkItem } from '../sink.js';

const LIMITS = { items: 5_000, bytes: 4 * 1024 ** 2, itemBytes: 1024 ** 2, itemOverheadBytes: 1 };

/** Opens a file that events are appended to. @throws the system's error */
export async function openFileSink(settings: SinkConfigOf<'file'>): Promise<Sink> {
  await mkdir(path.dirname(settings.path), { recursive: true, mode: 0o750 });
  return new FileSink(settings);
}

/** One event a line. What was said to be delivered is on the disk. */
class FileSink implements Sink {
  readonly limits = LIMITS;
  readonly #settings: SinkConfigOf<'file'>;
  #file: FileHandle | undefined;
  #bytes = 0;

  constructor(settings: SinkConfigOf<'file'>) {
    this.#settings = settings;
  }

  async deliver(items: readonly SinkItem[]): Promise<readonly Outcome[]> {
    const lines = Buffer.from(items.map(({ text }) => `${text}\n`).join(''));
    if (this.#bytes > 0 && this.#bytes + lines.length > this.#settings.rotateBytes) await this.#rotate();
    const file = await this.#opened();
    // A line that a full disk cut in the middle is taken back: it is written again as a whole.
    const before = this.#bytes;
    try {
      await file.appendFile(lines);
      await file.datasync();
    } catch (error) {
      await file.truncate(before).catch(() => undefined);
      await this.close();
      throw error;
    }
    this.#bytes += lines.length;
    return each({ is: 'delivered' }, items);
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #opened(): Promise<FileHandle> {
    // Another program may have moved the file away, as logrotate does.
    if (this.#file !== undefined && (await this.#file.stat()).ino !== (await inodeOf(this.#settings.path))) await this.close();
    if (this.#file !== undefined) return this.#file;
    this.#file = await open(this.#settings.path, 'a+', 0o640);
    this.#bytes = await endOfLastLine(this.#file);
    await this.#file.truncate(this.#bytes);
    return this.#file;
  }

  async #rotate(): Promise<void> {
    await this.close();
    const { path: file, keepFiles } = this.#settings;
    await rm(`${file}.${keepFiles}`, { force: true });
    for (let number = keepFiles - 1; number >= 0; number -= 1) {
      await rename(number === 0 ? file : `${file}.${number}`, `${file}.${number + 1}`).catch(ignoreMissing);
    }
  }
}

const inodeOf = (file: string) =>
  stat(file).then(
    ({ ino }) => ino,
    () => undefined,
  );

/** A killed process may have left half a line; that event comes again. */
async function endOfLastLine(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const tail = Buffer.alloc(Math.min(size, LIMITS.bytes));
  await file.read(tail, 0, tail.length, size - tail.length);
  const end = tail.lastIndexOf(0x0a);
  return end === -1 ? size - tail.length : size - tail.length + end + 1;
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
