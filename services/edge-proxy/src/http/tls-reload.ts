import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { TlsConfig } from '@switchyard/gateway-config';
import type { Clock } from '@switchyard/runtime';
import type { Logger } from '@switchyard/telemetry';
import { readTlsFiles, type TlsFiles, tlsPaths } from './tls-files.js';

const CHECK_MS = 1_000;

/**
 * Tells when the files that TLS needs have changed and can be used. They are looked at each second, because what replaces them (a link
 * that points elsewhere, a file that is renamed, a network file system) is told of by no notification that could be relied on.
 */
export class TlsReload {
  readonly #config: TlsConfig;
  readonly #folder: string;
  readonly #onChange: (files: TlsFiles) => void;
  readonly #o: { readonly clock: Clock; readonly log: Logger };
  readonly #timer: NodeJS.Timeout;
  #seen: string | undefined;
  #checking: Promise<void> | undefined;

  /** @param file that the configuration stands in */
  constructor(
    config: TlsConfig,
    file: string,
    onChange: (files: TlsFiles) => void,
    o: { readonly clock: Clock; readonly log: Logger },
  ) {
    this.#config = config;
    this.#folder = path.dirname(path.resolve(file));
    this.#onChange = onChange;
    this.#o = o;
    void this.check();
    this.#timer = setInterval(() => void this.check(), CHECK_MS).unref();
  }

  /** Looks now. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => (this.#checking = undefined));
    return this.#checking;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#checking;
  }

  async #check(): Promise<void> {
    const stamps = await Promise.all(Object.values(tlsPaths(this.#config, this.#folder)).map(stampOf));
    const seen = stamps.join(' ');
    const isFirst = this.#seen === undefined;
    if (this.#seen === seen) return;
    this.#seen = seen;
    if (isFirst) return;
    const read = await readTlsFiles(this.#config, this.#folder, this.#o.clock.now());
    // Half of a change may be there: the other half comes next.
    if ('message' in read)
      return this.#o.log.error('the files of TLS have changed and cannot be used; the last good ones go on', {
        name: read.key.join('.'),
        reason: read.message,
      });
    this.#onChange(read);
    this.#o.log.info('TLS uses new files');
  }
}

async function stampOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return `${ino}/${size}/${mtimeMs}`;
  } catch {
    // Not there at the moment: so it is being replaced.
    return 'none';
  }
}
