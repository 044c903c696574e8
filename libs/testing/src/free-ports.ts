import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the ports that systems give to whoever connects or listens on port 0 (from 32768 on, or higher): of those, one that is let go of
 * may be somebody else's a moment later.
 */
const FIRST = 10_000;
const COUNT = 22_000;

/** Everybody begins somewhere else, and goes on from there. */
let next = randomInt(COUNT);

/** Ports of the loopback that nobody has, all different: for programs that cannot say which one they took. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries > COUNT) throw new Error('there is no free port');
    const port = FIRST + next;
    next = (next + 1) % COUNT;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** One such port. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

/** On every address: what listens on all of them has it too. */
function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
