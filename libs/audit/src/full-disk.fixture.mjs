// A process that records events until its disk takes no more, and goes on when there is room again. Reads { dir, filledBy } from stdin.
// `others`: room is made by deleting what is not the spool's. `itself`: only by forwarding, which waits until then. `strict`: so too, and
// an intent is open. Says on stdout, as JSON: how many were acknowledged and refused, whether it noticed that it takes no more, and every
// line that was forwarded.
import './source-hooks.fixture.mjs';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

const { Audit } = await import('./audit.ts');

const { dir, filledBy } = await json(process.stdin);
const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => log };
const clock = { now: Date.now, monotonicMicros: () => performance.now() * 1000 };
const forwarded = [];
let away = filledBy !== 'others';
const bus = {
  publish: async (_stream, _subject, _id, data) => {
    if (away) throw new Error('the bus is away');
    forwarded.push(Buffer.from(data).toString());
  },
};
const ballast = path.join(path.dirname(dir), 'ballast');
if (filledBy === 'others') writeFileSync(ballast, Buffer.alloc(96 * 1024));
const audit = await Audit.open({ dir, emitter: 'edge-1', tenant: 'default', limitBytes: 1024 ** 3, bus, clock, log });

const acknowledged = [];
let refused = 0;
const record = async (number) => {
  const event = { type: 'tool.called', outcome: 'ok', request_id: `r-${number}`, method: 'm'.repeat(1_000) };
  await audit.record(event).then(
    () => acknowledged.push(event.request_id),
    () => (refused += 1),
  );
};
if (filledBy === 'strict') {
  const intended = { type: 'tool.intended', outcome: 'pending', request_id: 'open', detail: { intent_of: 'tool.called' } };
  await (
    await audit.intend(intended)
  ).onDisk;
}
let number = 0;
while (audit.accepting() && number < 20_000) await Promise.all([record(number++), record(number++), record(number++)]);
const noticed = !audit.accepting();
for (let more = 0; more < 7; more++) await record(number++);
rmSync(ballast, { force: true });
away = false;
while (!audit.accepting()) await delay(20);
await record(number);
while (!forwarded.join('').includes('audit.shed')) await delay(20);
await audit.close();
process.stdout.write(JSON.stringify({ acknowledged, refused, noticed, lines: forwarded.join('').split('\n').slice(0, -1) }));
