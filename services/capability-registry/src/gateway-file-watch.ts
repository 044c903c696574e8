import { createHash } from 'node:crypto';
import { watch, type FSWatcher } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** What stands in the file now: its text, or the error of reading it. */
export type FileContent = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly error: unknown };

/** How a file is watched. */
export interface FileWatchOptions {
  readonly file: string;
  /** Called once for each content that differs from the one before. */
  readonly onChange: (content: FileContent) => void;
  /** Told when the system cannot notify of changes; the file is then only read every `pollMs`. */
  readonly onUnwatchable: (error: unknown) => void;
  /** How long a content must stand before it is told: writers may be in the middle of it. 40 unless told. */
  readonly settleMs?: number;
  /** How often the file is read although nothing was notified: mounted files do not always notify. 2000 unless told. */
  readonly pollMs?: number;
}

/** Reads a file now. */
export async function readContent(file: string): Promise<FileContent> {
  try {
    return { ok: true, text: await readFile(file, 'utf8') };
  } catch (error) {
    return { ok: false, error };
  }
}

/**
 * Watches the content of one file. Its folder is what is watched, so that editors which replace the file, and mounted
 * folders which are swapped as a whole, are noticed too.
 */
export class GatewayFileWatch {
  readonly #options: FileWatchOptions;
  readonly #poll: NodeJS.Timeout;
  #notifier: FSWatcher | undefined;
  #settling: NodeJS.Timeout | undefined;
  #seen: string;
  /** Another content, and when it was first read. */
  #found: { readonly fingerprint: string; readonly atMs: number } | undefined;
  #reading = Promise.resolve();
  #closed = false;

  /** @param known what was read last */
  constructor(known: FileContent, options: FileWatchOptions) {
    this.#options = options;
    this.#seen = fingerprint(known);
    this.#notifier = this.#startNotifier();
    this.#poll = setInterval(() => this.#look(), options.pollMs ?? 2_000).unref();
    this.#look();
  }

  /** Stops; `onChange` is not called afterwards. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#notifier?.close();
    clearInterval(this.#poll);
    clearTimeout(this.#settling);
    await this.#reading;
  }

  #startNotifier(): FSWatcher | undefined {
    try {
      const notifier = watch(path.dirname(this.#options.file), { persistent: false }, () => this.#settle());
      return notifier.on('error', (error) => this.#withoutNotifier(error));
    } catch (error) {
      this.#withoutNotifier(error);
      return undefined;
    }
  }

  #withoutNotifier(error: unknown): void {
    this.#notifier?.close();
    this.#notifier = undefined;
    this.#options.onUnwatchable(error);
  }

  get #settleMs(): number {
    return this.#options.settleMs ?? 40;
  }

  #settle(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#look(), this.#settleMs).unref();
  }

  #look(): void {
    this.#reading = this.#reading.then(() => this.#compare());
  }

  async #compare(): Promise<void> {
    if (this.#closed) return;
    const content = await readContent(this.#options.file);
    const found = fingerprint(content);
    if (this.#closed) return;
    if (found === this.#seen) this.#found = undefined;
    else if (this.#stands(found)) this.#tell(content, found);
    else this.#settle();
  }

  /** Whether this was read before, long enough ago: a file that is written in place is empty for a moment. */
  #stands(found: string): boolean {
    const nowMs = performance.now();
    if (this.#found?.fingerprint !== found) this.#found = { fingerprint: found, atMs: nowMs };
    return nowMs - this.#found.atMs >= this.#settleMs;
  }

  #tell(content: FileContent, found: string): void {
    this.#found = undefined;
    this.#seen = found;
    this.#options.onChange(content);
  }
}

function fingerprint(content: FileContent): string {
  if (!content.ok) return `error ${(content.error as NodeJS.ErrnoException).code ?? ''}`;
  return createHash('sha256').update(content.text).digest('hex');
}
