import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AuditApi } from './audit-api.js';
import { closeConnections } from './exchange.js';
import { gather } from './gather.js';
import { SLUGS } from './gateway-file.js';
import { heldAtRest, heldNow } from './held.js';
import { holdsAboutAsMany } from './invariants/i13-nothing-held.js';
import { type LoadFigures, startLoad } from './load.js';
import { type Havoc, Nemesis } from './nemesis.js';
import type { ChaosOptions } from './options.js';
import { startOtherWork } from './other-work.js';
import { describeLoad, judge } from './report.js';
import { type Rig, startRig } from './rig.js';
import { RunClock } from './run-clock.js';
import { scheduleOf } from './schedule.js';
import { settle } from './settle.js';

const KEYS = 4;
const CHORE_MS = 1_000;
/** So long after the last call pools let go of what they hold. */
const QUIET_MS = 6_000;
/** So long the database may go on merging. */
const REST_LIMIT_MS = 60_000;

/** Runs one seed from an empty disk to its verdict. @returns whether all invariants hold */
export async function runSeed(seed: number, options: ChaosOptions): Promise<boolean> {
  console.log(`\nseed ${seed}, ${options.strict ? 'strict' : 'standard'}, ${options.seconds} s at ${options.rate} calls/s`);
  await using rig = await startRig(options);
  console.log(`disks of the edges' spools: ${rig.disks.get('edge-1')!.how}; clocks: Date of Node.js processes`);
  let holds = false;
  try {
    holds = await breakAndJudge(seed, rig, options);
    return holds;
  } finally {
    if (!holds || options.keep) keep(seed, rig);
  }
}

async function breakAndJudge(seed: number, rig: Rig, { strict, seconds, rate }: ChaosOptions): Promise<boolean> {
  const before = heldNow(rig.members.values());
  const keys = await Promise.all(
    Array.from({ length: KEYS }, (_, index) => rig.admin.createKey({ name: `client-${index}`, servers: ['*'] })),
  );
  using clock = new RunClock();
  const nowMs = () => clock.nowMs();
  const clientLedger = path.join(rig.dir, 'clients.ledger');
  const { host, ports, admin } = rig;
  const load = startLoad({
    ...{ seed, rate, host, ports, nowMs },
    keys: keys.map(({ key }) => key),
    slugs: SLUGS,
    ledgerFile: clientLedger,
  });
  const otherWork = startOtherWork({
    everyMs: CHORE_MS,
    chores: [
      () => admin.createKey({ name: 'made meanwhile', servers: [] }),
      () => admin.get('/api/v1/events?limit=100'),
      () => rig.edit(`Bank, edited at ${Math.round(nowMs())} ms`),
      () => admin.get('/api/v1/usage?interval=minute'),
    ],
  });
  let havoc: Havoc;
  let loaded: LoadFigures;
  try {
    havoc = await new Nemesis(rig, nowMs, (text) => console.log(text)).run(scheduleOf(seed, seconds * 1000));
    await delay(Math.max(0, seconds * 1000 - nowMs()));
  } finally {
    await otherWork.stop();
    loaded = await load.stop();
  }
  console.log(`${havoc.faults} faults; everything is healed. ${describeLoad(loaded, rate)}`);
  if (clock.stoodStillMs > 0) console.log(`this machine stood still for ${(clock.stoodStillMs / 1000).toFixed(0)} s meanwhile`);
  closeConnections();
  await delay(QUIET_MS);
  const held = await heldAtRest([...rig.members.values()], before, { tolerated: holdsAboutAsMany, limitMs: REST_LIMIT_MS });
  const audit = new AuditApi(rig.analyticsUrl, rig.adminKey);
  const settled = await settle(rig, audit);
  console.log(`everything has come to rest ${(nowMs() / 1000 - seconds).toFixed(0)} s after the end`);
  const evidence = await gather(rig, audit, { ...havoc, ...settled, strict, clientLedger, held });
  const code = await rig.services.get('analytics')!.stop();
  return judge(code === 0 ? evidence : { ...evidence, disorderly: [...evidence.disorderly, 'analytics'] });
}

/** Ledgers, logs and spools, to look at. */
function keep(seed: number, rig: Rig): void {
  const dir = path.join(os.tmpdir(), `switchyard-chaos-seed-${seed}-${process.pid}-${Date.now()}`);
  cpSync(rig.dir, dir, { recursive: true });
  for (const [edge, { spool }] of rig.disks) cpSync(spool, path.join(dir, 'spools', edge), { recursive: true });
  mkdirSync(path.join(dir, 'logs'));
  for (const [name, service] of rig.services) writeFileSync(path.join(dir, 'logs', `${name}.txt`), service.logs());
  console.log(`kept: ${dir}`);
}
