import { readdirSync, readFileSync } from 'node:fs';
import { eventually } from './eventually.js';

/** Stops a process as SIGSTOP does. @returns once each of its threads stands still, which takes a while on a busy machine */
export async function stopProcess(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await eventually(() => readdirSync(`/proc/${pid}/task`).every((thread) => stands(pid, thread)));
}

/** proc_pid_stat(5): the state comes behind the name, which is in parentheses. */
function stands(pid: number, thread: string): boolean {
  const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
}
