// CPU time of this process and of the servers that it has started, each for itself.
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks of /proc/<pid>/stat; every Linux that Node runs on has a hundred a second. */
const ticksPerSecond = 100;

/** Fields of /proc/<pid>/stat behind the name, which may have spaces: proc_pid_stat(5). */
function statOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
    parent: Number(fields[1]),
    ticks: Number(fields[11]) + Number(fields[12]),
  };
}

function children() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = statOf(pid);
        return stat.parent === process.pid ? [stat] : [];
      } catch {
        return []; // ended meanwhile
      }
    });
}

/** @returns seconds of `own`, of `nats` and of `engine`, which is chDB behind HTTP; 0 where there is none */
export function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  const of = (isIt) => children().reduce((sum, { name, ticks }) => (isIt(name) ? sum + ticks / ticksPerSecond : sum), 0);
  return { own: (user + system) / 1e6, nats: of((name) => name === 'nats-server'), engine: of((name) => name !== 'nats-server') };
}
