import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/** Starts a Node.js program with next to nothing in its environment. It ends with this process at the latest. */
export function startNode(args, { cwd, env = {} } = {}) {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, args, { cwd, env: { PATH, HOME, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let output = '';
  const exited = once(child, 'close').finally(() => running.delete(child));
  const said = new EventEmitter();
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
      said.emit('more');
    });
  return {
    exited,
    output: () => output,
    /** Waits until it has written this. @throws Error with its output when it ends before, or after `timeoutMs` */
    written: async (pattern, timeoutMs) => {
      const until = AbortSignal.timeout(timeoutMs);
      while (!pattern.test(output)) {
        const outcome = await Promise.race([
          once(said, 'more', { signal: until }).catch(() => 'was too slow'),
          exited.then(() => 'ended'),
        ]);
        if (typeof outcome === 'string') throw new Error(`${args.join(' ')} ${outcome} before it wrote ${pattern}:\n${output}`);
      }
    },
    /** Ends it and waits for that; one that does not in time is killed. */
    end: async (timeoutMs = 10_000) => {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
      await exited;
      clearTimeout(late);
    },
  };
}
