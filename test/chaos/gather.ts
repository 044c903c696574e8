import { BUCKETS, DEFAULT_TENANT, emitterProgress, parseEmitterProgressKey } from '@switchyard/contracts';
import { connectNats } from '@switchyard/messaging';
import { NatsState } from '@switchyard/state';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { AuditApi } from './audit-api.js';
import { Database } from './database.js';
import type { Evidence, Held } from './evidence.js';
import { readClientLedger, readExecutions } from './ledgers.js';
import type { Havoc } from './nemesis.js';
import type { Rig } from './rig.js';
import type { Settled } from './settle.js';
import { eventIdsIn } from './stream-lines.js';

/** What is known beside what the gateway, its servers and the ledgers say. */
export interface Course extends Havoc, Settled {
  readonly strict: boolean;
  readonly clientLedger: string;
  readonly held: readonly Held[];
}

/** Reads everything that invariants compare. */
export async function gather(rig: Rig, audit: AuditApi, course: Course): Promise<Evidence> {
  const { strict, clientLedger, stream, kills, unplanned, disorderly, held } = course;
  const database = new Database(rig.clickhouseUrl);
  const said = await readProgress(rig.natsUrl);
  return {
    ...{ strict, stream, kills, unplanned, disorderly, held, said },
    ...readClientLedger(clientLedger),
    executions: readExecutions(rig.upstreamLedgers),
    ...leftIn(rig.spools),
    openGaps: await database.openGaps(),
    events: await audit.events(),
    rows: await database.rows(),
    trail: await audit.verifyTrail(rig.checkpointCopies),
  };
}

function leftIn(spools: readonly string[]): Pick<Evidence, 'spooled' | 'damaged'> {
  const files = spools.flatMap((dir) => readdirSync(dir).map((name) => path.join(dir, name)));
  const segments = files.filter((file) => file.endsWith('.spool'));
  return {
    spooled: new Set(segments.flatMap((file) => wholeRecords(readFileSync(file, 'latin1')).flatMap(eventIdsIn))),
    damaged: files.filter((file) => file.endsWith('.bad')),
  };
}

/** Whoever is killed in the middle of a write leaves a piece, which nobody was told of. */
const wholeRecords = (segment: string) => segment.split('\n').slice(0, -1);

async function readProgress(natsUrl: string): Promise<Evidence['said']> {
  const link = await connectNats({ servers: [natsUrl], name: 'chaos' });
  const state = await NatsState.open(link);
  try {
    const emitters = await state.bucket(BUCKETS.emitters, DEFAULT_TENANT);
    const found = (await emitters.keys('progress/')).map(async (key) => {
      const entry = await emitters.get(key);
      const boot = parseEmitterProgressKey(key);
      if (entry === undefined || boot === undefined) return [];
      const { written } = emitterProgress.parse(JSON.parse(Buffer.from(entry.value).toString()));
      return [{ ...boot, written }];
    });
    return (await Promise.all(found)).flat();
  } finally {
    await state.close();
    await link.close();
  }
}
