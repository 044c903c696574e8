import { StringDecoder } from 'node:string_decoder';
import type { Logger } from '@switchyard/telemetry';

const LINE_CHARACTERS = 2_000;
/** Lines a second that are logged; a process that writes more is told of in a number. */
const LINES_A_SECOND = 100;
/** Shorter values are words that stand in honest lines too. */
const SHORTEST_SECRET = 6;

/** Writes a process's standard error to the log, line by line, without the secrets that the process was given. */
export class StderrLog {
  readonly #log: Logger;
  readonly #secrets: readonly string[];
  readonly #decoder = new StringDecoder('utf8');
  #tail = '';
  #second = 0;
  #lines = 0;

  /** @param secrets values that must not be logged */
  constructor(log: Logger, secrets: readonly string[]) {
    this.#log = log;
    this.#secrets = secrets.filter((secret) => secret.length >= SHORTEST_SECRET);
  }

  take(chunk: Buffer): void {
    const lines = (this.#tail + this.#decoder.write(chunk)).split('\n');
    this.#tail = lines.pop() ?? '';
    if (this.#tail.length > LINE_CHARACTERS) {
      lines.push(this.#tail);
      this.#tail = '';
    }
    for (const line of lines) this.#write(line);
  }

  /** Writes what is left. */
  end(): void {
    this.#write(this.#tail + this.#decoder.end());
    this.#tail = '';
  }

  #write(line: string): void {
    if (line.trim() === '') return;
    const second = Math.trunc(performance.now() / 1000);
    if (second !== this.#second) this.#nextSecond(second);
    this.#lines += 1;
    if (this.#lines <= LINES_A_SECOND) this.#log.info('stderr', { stderr_line: this.#redacted(line).slice(0, LINE_CHARACTERS) });
  }

  #nextSecond(second: number): void {
    if (this.#lines > LINES_A_SECOND) this.#log.warn('stderr lines were left out', { count: this.#lines - LINES_A_SECOND });
    this.#second = second;
    this.#lines = 0;
  }

  #redacted(line: string): string {
    return this.#secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), line);
  }
}
