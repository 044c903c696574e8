// A process that makes calls in strict durability as fast as it can, and leaves every fifth one open for long; ended by the test.
// Says on stdout `I <intent>` when an intent is on the disk, and `O <intent>` when its outcome is. Reads { dir, stream, segmentBytes? } from
// stdin; what it forwards is appended to the file `stream`.
import './source-hooks.fixture.mjs';
import { appendFileSync } from 'node:fs';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

const { Audit } = await import('./audit.ts');

const { dir, stream, segmentBytes = 8 * 1024 } = await json(process.stdin);
const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => log };
const clock = { now: Date.now, monotonicMicros: () => performance.now() * 1000 };
const bus = { publish: async (_stream, _subject, _id, data) => appendFileSync(stream, data) };
const audit = await Audit.open({
  dir,
  emitter: 'edge-1',
  tenant: 'default',
  limitBytes: 64 * 1024 ** 2,
  segmentBytes,
  bus,
  clock,
  log,
});

async function call(writer) {
  for (let number = 0; ; number++) {
    const fields = { server: 'work', capability: 'pay', principal_name: `p${writer}` };
    const { id, onDisk } = await audit.intend({
      ...fields,
      type: 'tool.intended',
      outcome: 'pending',
      detail: { intent_of: 'tool.called' },
    });
    await onDisk;
    process.stdout.write(`I ${id}\n`);
    if (number % 5 === 4) await delay(100 + 400 * Math.random());
    await audit.recordOnDisk({ ...fields, type: 'tool.called', outcome: 'ok', detail: { intent: id } });
    process.stdout.write(`O ${id}\n`);
  }
}
for (let writer = 0; writer < 8; writer++) void call(writer);
