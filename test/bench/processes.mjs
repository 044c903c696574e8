// Processes of a benchmark: started on one core, measured by the kernel's own accounting, ended with the benchmark.
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

const started = [];

/** Starts a program, on one core where one is named, and resolves with its first line of output. */
export async function startPinned(core, command, args, options = {}) {
  const [program, ...programArgs] = core === undefined ? [command, ...args] : ['taskset', '-c', String(core), command, ...args];
  const child = spawn(program, programArgs, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  started.push(child);
  if (options.silent) return { pid: child.pid, line: '' };
  const line = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`${command} ${args[0] ?? ''} ended with code ${code} before it was ready`)));
  });
  child.stdout.resume();
  return { pid: child.pid, line };
}

/** Ends everything that was started. @param firstPid what the rest may outlive: who stands on others says less when it goes before them */
export async function stopAll(firstPid) {
  const first = started.find(({ pid }) => pid === firstPid);
  if (first !== undefined) await stop(first);
  await Promise.all(started.splice(0).map(stop));
}

function stop(child) {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', resolve);
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 20_000).unref();
  });
}

const ticksPerSecond = 100;

function family(pid) {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1].split(' ')[1] === String(pid);
      } catch {
        return false; // it has ended since the folder was read
      }
    });
  return [pid, ...children.flatMap((child) => family(Number(child)))];
}

/** CPU time of a process and its children so far, in seconds. */
export function cpuSeconds(pid) {
  return family(pid).reduce((sum, member) => {
    const [userTicks, systemTicks] = readFileSync(`/proc/${member}/stat`, 'utf8')
      .split(') ')[1]
      .split(' ')
      .slice(11, 13)
      .map(Number);
    return sum + (userTicks + systemTicks) / ticksPerSecond;
  }, 0);
}

/** A port of the loopback that nobody had a moment ago. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
