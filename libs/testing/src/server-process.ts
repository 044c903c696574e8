import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Stream } from 'node:stream';

/** A server of a test, as a child process. Dies with the process that started it. */
export interface ServerProcess {
  readonly pid: number;
  /** Ends it and resolves when it is gone. Idempotent. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** How to start a server. */
export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Resolves when the server serves; polled until then. */
  readonly isUp: () => Promise<boolean>;
  readonly startTimeoutMs?: number;
}

const LONGEST_STEP_MS = 1_000;

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/**
 * Starts a server and waits until it is up.
 * @throws Error with the end of what it wrote to stderr, when it ends or is not up in time (30 s unless told)
 */
export async function startServerProcess(server: ServerCommand): Promise<ServerProcess> {
  const child = spawn(server.command, server.args, { env: server.env ?? process.env, stdio: ['pipe', 'ignore', 'pipe'] });
  running.add(child);
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  void exited.then(() => running.delete(child));
  const errors = lastLines(child);
  const failure = new Promise<never>((_, reject) => child.once('error', reject));
  try {
    await Promise.race([waitUntilUp(server, child), failure]);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${server.command} did not start: ${errors()}`, { cause: error });
  }
  child.unref();
  return {
    pid: child.pid ?? 0,
    end: async (signal) => {
      child.kill(signal);
      // Nothing else may keep this process alive, and it must not end before its caller goes on: jest sets its exit code then.
      const stayAlive = setInterval(() => undefined, 1_000);
      await exited;
      clearInterval(stayAlive);
    },
  };
}

function lastLines(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-4000)));
  letGo(child.stderr);
  letGo(child.stdin);
  return () => text;
}

function letGo(stream: Stream | null): void {
  if (stream instanceof Socket) stream.unref();
}

async function waitUntilUp(server: ServerCommand, child: ChildProcess): Promise<void> {
  let leftMs = server.startTimeoutMs ?? 30_000;
  let lookedAt = performance.now();
  while (!(await server.isUp())) {
    if (child.exitCode !== null) throw new Error(`it ended with code ${child.exitCode}`);
    const now = performance.now();
    // What stops this process for a while stops its child too.
    leftMs -= Math.min(now - lookedAt, LONGEST_STEP_MS);
    lookedAt = now;
    if (leftMs < 0) throw new Error('it was not up in time');
    await delay(10);
  }
}
