import { type ChildProcessByStdio, spawn } from 'node:child_process';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { scanMessage } from '@switchyard/mcp';
import type { Logger } from '@switchyard/telemetry';
import type { UpstreamMessage } from './link.js';

/** How to run a local MCP server. */
export interface StdioCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment beside PATH: nothing of the gateway's own is inherited. */
  readonly env: Readonly<Record<string, string>>;
}

/** What a process tells of itself. */
export interface StdioProcessEvents {
  readonly onMessage: (message: UpstreamMessage) => void;
  /** Called once, when the process has ended or could not be started. */
  readonly onExit: (why: string) => void;
}

const STDERR_LINE_CHARACTERS = 2_000;
const GRACE_MS = 2_000;
const NEWLINE = 10;

/** Programs are looked for beside the gateway's own Node.js first, so that `node` is the Node.js that it was tested with. */
const PATH = [path.dirname(process.execPath), '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(
  path.delimiter,
);

/** One local MCP server: JSON-RPC messages as lines on its standard input and output (MCP 2025-11-25, "stdio"); its standard error goes to the log. */
export class StdioProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #log: Logger;
  readonly #lineLimitBytes: number;
  readonly #events: StdioProcessEvents;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #exited = false;
  readonly #exit: Promise<void>;

  /** @param lineLimitBytes longest message taken; a longer one ends the process */
  constructor(
    command: StdioCommand,
    events: StdioProcessEvents,
    options: { readonly log: Logger; readonly lineLimitBytes: number },
  ) {
    this.#events = events;
    this.#log = options.log;
    this.#lineLimitBytes = options.lineLimitBytes;
    this.#child = spawn(command.command, [...command.args], {
      cwd: command.cwd || process.cwd(),
      env: { PATH, ...command.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      // Its own process group, so that what it starts ends with it.
      detached: true,
    });
    this.#exit = new Promise((resolve) => {
      this.#child.once('error', (error) => this.#ended(`could not be started: ${error.message}`, resolve));
      this.#child.once('exit', (code, signal) =>
        this.#ended(signal ? `ended by ${signal}` : `exited with code ${code ?? 'unknown'}`, resolve),
      );
    });
    this.#child.stdout.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#child.stderr.on('data', (chunk: Buffer) => this.#logStderr(chunk));
    // A write to a process that has just ended fails; its end is told by 'exit'.
    this.#child.stdin.on('error', (error) => this.#log.debug('standard input closed', { error }));
  }

  /** Process id, while it runs. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Writes one message. */
  send(body: Buffer): void {
    if (this.#exited) return;
    this.#child.stdin.write(body);
    this.#child.stdin.write('\n');
  }

  /** Closes its standard input, then terminates, then kills (MCP 2025-11-25, "Shutdown"). Idempotent. */
  async close(): Promise<void> {
    this.#child.stdin.end();
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      if (await this.#exitsWithin(GRACE_MS)) return;
      this.#signalGroup(signal);
    }
    await this.#exit;
  }

  #signalGroup(signal: NodeJS.Signals): void {
    if (this.#exited || this.#child.pid === undefined) return;
    process.kill(-this.#child.pid, signal);
  }

  #exitsWithin(milliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), milliseconds);
      void this.#exit.then(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  #ended(why: string, resolve: () => void): void {
    if (this.#exited) return;
    this.#exited = true;
    resolve();
    this.#events.onExit(why);
  }

  #read(chunk: Buffer): void {
    let from = 0;
    for (let newline = chunk.indexOf(NEWLINE); newline >= 0; newline = chunk.indexOf(NEWLINE, from)) {
      this.#tail.push(chunk.subarray(from, newline));
      from = newline + 1;
      this.#line(this.#tail.length === 1 ? this.#tail[0]! : Buffer.concat(this.#tail));
      this.#tail = [];
      this.#tailBytes = 0;
    }
    if (from >= chunk.length) return;
    this.#tail.push(chunk.subarray(from));
    this.#tailBytes += chunk.length - from;
    if (this.#tailBytes <= this.#lineLimitBytes) return;
    this.#log.error('ended: a message is longer than the limit', { bytes: this.#tailBytes });
    this.#signalGroup('SIGKILL');
  }

  #line(bytes: Buffer): void {
    if (bytes.length === 0) return;
    const envelope = scanMessage(bytes);
    // Programs print banners on standard output; the spec forbids it, and it harms nobody.
    if (!envelope.ok) this.#log.debug('ignored a line that is not JSON-RPC', { bytes: bytes.length });
    else this.#events.onMessage({ bytes, envelope });
  }

  #logStderr(chunk: Buffer): void {
    for (const line of chunk.toString('utf8').split('\n')) {
      if (line.trim() !== '') this.#log.info('stderr', { stderr_line: line.slice(0, STDERR_LINE_CHARACTERS) });
    }
  }
}
