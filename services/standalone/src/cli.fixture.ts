import { eventually, tempDir, freePort } from '@switchyard/testing';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../../..');
const bin = path.join(root, 'services/standalone/bin/switchyard.mjs');

/** What a command printed, and how it ended. */
export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A folder with a small configuration, in which the real program is run. */
export interface Workplace extends AsyncDisposable {
  readonly dir: string;
  readonly port: number;
  /** Runs a command to its end. */
  run(args: readonly string[], options?: { readonly stdin?: string; readonly env?: Record<string, string> }): Promise<Ran>;
  /** Starts a command that stays. */
  start(args: readonly string[], env?: Record<string, string>): Started;
  /** Starts `up` and waits until it is ready. @param folder below the workplace, to start it in */
  up(args?: readonly string[], folder?: string): Promise<Started>;
  write(name: string, text: string): Promise<void>;
  read(name: string): Promise<string>;
}

/** A command that runs until it is stopped. */
export interface Started {
  readonly pid: number;
  readonly out: () => string;
  readonly err: () => string;
  readonly ended: Promise<number | null>;
  /** Sends SIGTERM and waits for the end. */
  stop(): Promise<number | null>;
}

const everything = path.join(root, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');

/** The configuration, with a comment that edits must keep. */
export const configText = (port: number) => `# kept
gateway: { port: ${port} }
upstreams:
  everything:
    command: node
    args: [${JSON.stringify(everything)}, stdio]
servers:
  demo:
    title: Demo
    sources:
      - { upstream: everything, deny: [get-env] }
    access:
      - { everyone: true }
`;

/** Makes a folder with a configuration on a free port. */
export async function workplace(): Promise<Workplace> {
  const temp = await tempDir();
  const port = await freePort();
  const dir = path.join(temp.path, 'place');
  await mkdir(dir);
  await writeFile(path.join(dir, 'switchyard.yaml'), configText(port));
  await copyFile(path.join(root, 'package.json'), path.join(dir, 'package.json'));
  const started: Started[] = [];
  const start = (args: readonly string[], env: Record<string, string> = {}, folder = '') => {
    const one = follow(launch(path.join(dir, folder), args, env));
    started.push(one);
    return one;
  };
  return {
    dir,
    port,
    run: async (args, { stdin = '', env = {} } = {}) => {
      const child = launch(dir, args, env);
      const one = follow(child);
      child.stdin?.end(stdin);
      return { code: await one.ended, out: one.out(), err: one.err() };
    },
    start,
    up: async (args = [], folder = '') => {
      const gateway = start(['up', ...args], {}, folder);
      await eventually(() => gateway.out().includes('Ctrl-C'));
      return gateway;
    },
    write: (name, text) => writeFile(path.join(dir, name), text),
    read: (name) => readFile(path.join(dir, name), 'utf8'),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(started.map((one) => one.stop()));
      await temp[Symbol.asyncDispose]();
    },
  };
}

function launch(cwd: string, args: readonly string[], env: Record<string, string>): ChildProcess {
  const { PATH = '', HOME = '' } = process.env;
  return spawn(process.execPath, [bin, ...args], { cwd, env: { PATH, HOME, ...env }, stdio: 'pipe' });
}

function follow(child: ChildProcess): Started {
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')));
  const ended = once(child, 'close').then(() => child.exitCode);
  return {
    pid: child.pid ?? 0,
    out: () => out,
    err: () => err,
    ended,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
