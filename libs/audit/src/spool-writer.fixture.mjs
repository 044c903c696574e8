// A process that writes to a spool as fast as it can and says on stdout what was acknowledged; ended by the test.
// Reads { dir, segmentBytes } from stdin.
import './source-hooks.fixture.mjs';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

const { Spool } = await import('./spool.ts');

const { dir, segmentBytes } = await json(process.stdin);
const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => log };
const clock = { now: Date.now, monotonicMicros: () => performance.now() * 1000 };
const spool = Spool.open({ dir, emitter: 'writer', limitBytes: 1e9, segmentBytes, clock, log });

async function write() {
  for (;;) {
    let line = '';
    const written = spool.append((sequence) => {
      const identity = { emitter: 'writer', epoch: `${spool.epoch}`, sequence: `${sequence}` };
      line = JSON.stringify({ event_id: Object.values(identity).join('/'), ...identity, pad: 'x'.repeat(sequence % 900) });
      return line.slice(0, -1);
    });
    await written.then(
      () => process.stdout.write(`${line}\n`),
      () => delay(50),
    );
  }
}
for (let writer = 0; writer < 8; writer++) void write();
