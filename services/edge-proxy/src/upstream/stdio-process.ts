import { type ChildProcessByStdio, spawn } from 'node:child_process';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { scanMessage } from '@switchyard/mcp';
import type { Logger } from '@switchyard/telemetry';
import type { UpstreamMessage } from './link.js';
import { StderrLog } from './stderr-log.js';

/** How to run a local MCP server. */
export interface StdioCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment beside PATH: nothing of the gateway's own is inherited. */
  readonly env: Readonly<Record<string, string>>;
}

/** Why a process is no more. */
export interface ProcessEnd {
  /** For a sentence that begins with the upstream's name. */
  readonly why: string;
  /** Whether it was ended because of a message over the limit. */
  readonly tooLarge: boolean;
}

/** What a process tells of itself. */
export interface StdioProcessEvents {
  readonly onMessage: (message: UpstreamMessage) => void;
  /** Called once, when the process has ended or could not be started. */
  readonly onExit: (end: ProcessEnd) => void;
}

const GRACE_MS = 2_000;
/** How long output that is still on its way is waited for when a process has ended. */
const FLUSH_MS = 500;
const NEWLINE = 10;

/** Programs are looked for beside the gateway's own Node.js first, so that `node` is the Node.js that it was tested with. */
const PATH = [path.dirname(process.execPath), '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(
  path.delimiter,
);

/** One local MCP server: JSON-RPC messages as lines on its standard input and output (MCP 2025-11-25, "stdio"); its standard error goes to the log. */
export class StdioProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #log: Logger;
  readonly #stderr: StderrLog;
  readonly #lineLimitBytes: number;
  readonly #events: StdioProcessEvents;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #tooLarge = false;
  #exited = false;
  readonly #exit = Promise.withResolvers<void>();

  /**
   * @param lineLimitBytes longest message taken; a longer one ends the process
   * @throws the system's error where not even the attempt can be made, for example with a NUL in an argument
   */
  constructor(
    command: StdioCommand,
    events: StdioProcessEvents,
    options: { readonly log: Logger; readonly lineLimitBytes: number },
  ) {
    this.#events = events;
    this.#log = options.log;
    this.#stderr = new StderrLog(options.log, Object.values(command.env));
    this.#lineLimitBytes = options.lineLimitBytes;
    this.#child = spawn(command.command, [...command.args], {
      cwd: command.cwd || process.cwd(),
      env: { PATH, ...command.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      // Its own process group, so that what it starts ends with it.
      detached: true,
    });
    this.#child.once('error', (error) => this.#ended(`could not be started: ${error.message}`));
    this.#child.once('exit', (code, signal) =>
      this.#exiting(signal ? `ended by ${signal}` : `exited with code ${code ?? 'unknown'}`),
    );
    this.#child.stdout.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#child.stderr.on('data', (chunk: Buffer) => this.#stderr.take(chunk));
    // A pipe to a process that has just ended fails; its end is told by 'exit'.
    for (const pipe of [this.#child.stdin, this.#child.stdout, this.#child.stderr])
      pipe.on('error', (error) => this.#log.debug('a pipe was closed', { error }));
  }

  /** Process id; undefined where it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Writes one message. */
  send(body: Buffer): void {
    if (this.#exited || !this.#child.stdin.writable) return;
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
    await this.#exit.promise;
  }

  #signalGroup(signal: NodeJS.Signals): void {
    if (this.#exited || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch (error) {
      // Nobody of the group is left; 'exit' is on its way.
      this.#log.debug('a process was gone before its signal', { error, signal });
    }
  }

  #exitsWithin(milliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), milliseconds);
      void this.#exit.promise.then(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  /** The process has ended: so must what it started. What it wrote last is still to be read. */
  #exiting(why: string): void {
    this.#signalGroup('SIGKILL');
    const timer = setTimeout(() => this.#ended(why), FLUSH_MS);
    this.#child.once('close', () => {
      clearTimeout(timer);
      this.#ended(why);
    });
  }

  #ended(why: string): void {
    if (this.#exited) return;
    this.#exited = true;
    this.#stderr.end();
    for (const pipe of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) pipe.destroy();
    this.#exit.resolve();
    const tooLarge = this.#tooLarge;
    this.#events.onExit({
      why: tooLarge ? `sent a message of more than ${this.#lineLimitBytes} bytes, and was ended` : why,
      tooLarge,
    });
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
    if (from >= chunk.length || this.#tooLarge) return;
    this.#tail.push(chunk.subarray(from));
    this.#tailBytes += chunk.length - from;
    if (this.#tailBytes <= this.#lineLimitBytes) return;
    this.#tooLarge = true;
    this.#tail = [];
    this.#signalGroup('SIGKILL');
  }

  #line(bytes: Buffer): void {
    if (bytes.length === 0 || this.#tooLarge) return;
    const envelope = scanMessage(bytes);
    // Programs print banners on standard output; the spec forbids it, and it harms nobody.
    if (!envelope.ok) this.#log.debug('ignored a line that is not JSON-RPC', { bytes: bytes.length });
    else this.#events.onMessage({ bytes, envelope });
  }
}
