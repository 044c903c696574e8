// One replica that ingests. Reads { natsUrl, clickhouseUrl, database, dies } from stdin; says on stdout how many events each batch had.
// With `dies`, it kills itself while it stores its second batch: when the lines are stored and the events are not, or when all is stored and
// nothing is acknowledged.
import './source-hooks.fixture.mjs';
import { json } from 'node:stream/consumers';

const { connectNats, NatsBus } = await import('@switchyard/messaging');
const { HttpEngine } = await import('../engine/http-engine.ts');
const { Ingest } = await import('./ingest.ts');

const { natsUrl, clickhouseUrl, database, dies } = await json(process.stdin);
const engine = HttpEngine.connect({ url: clickhouseUrl, user: 'default', database });
let batches = 0;
const die = async () => {
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => undefined);
};
const mortal = {
  insertTexts: async (...texts) => {
    await engine.insertTexts(...texts);
    batches += 1;
    if (dies === 'lines-stored' && batches === 2) await die();
  },
  insertLines: async (...lines) => {
    const rows = await engine.insertLines(...lines);
    if (dies === 'not-acknowledged' && batches === 2) await die();
    return rows;
  },
};
const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => log };
const clock = { now: Date.now, monotonicMicros: () => performance.now() * 1000 };
const metrics = { stored: ({ rows }) => process.stdout.write(`${rows}\n`), observeStalled: quiet };
const runs = { add: quiet };
const link = await connectNats({ servers: [natsUrl], name: 'replica' });
const bus = await NatsBus.open(link, { ackWaitMs: 3_000 });
await Ingest.start({ bus, engine: mortal, metrics, runs, clock, log });
process.stdout.write('0\n');
