import { create } from '@bufbuild/protobuf';
import { renderEvent } from '@switchyard/audit';
import { BUCKETS, channelSink, SnapshotSchema, type EventFields, type Snapshot } from '@switchyard/contracts';
import { alertChannelSchema, alertRuleSchema, sinkReferences } from '@switchyard/gateway-config';
import { generateSealingKey } from '@switchyard/oauth';
import { SqliteState, type KvStore } from '@switchyard/state';
import { createLogger } from '@switchyard/telemetry';
import { FakeClock, tempDir } from '@switchyard/testing';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { LimitedReads } from '../api/limited-reads.js';
import type { Engine } from '../engine/engine.js';
import { vaultOf } from '../sinks/sinks.fixture.js';
import type { SinkStatus } from '../sinks/sink-status.js';
import { ROLLUPS } from '../usage/rollup.js';
import { UsageCounter } from '../usage/usage-counter.js';
import { alertConfigOf } from './alert-config.js';
import { Alerting, type AlertingDeps } from './alerting.js';
import { PipelineHealth } from './pipeline-health.js';

/** An event of a test: so many of them, one after the other. */
export interface GivenEvents extends Partial<EventFields> {
  /** Milliseconds before now, of the first. */
  readonly agoMs: number;
  /** How many, a millisecond apart; 1 unless told. */
  readonly count?: number;
}

type Settings = Readonly<Record<string, unknown>>;

let sequence = 0;

/** Lines of events, as emitters render them, by tenant. */
export function linesOf(nowMs: number, given: readonly (readonly [tenant: string, events: readonly GivenEvents[]])[]): Buffer {
  const lines = given.flatMap(([tenant, events]) =>
    events.flatMap(({ agoMs, count = 1, ...fields }) =>
      Array.from({ length: count }, (_, index) => {
        const identity = { tenant, emitter: 'edge-1', epoch: 1, sequence: (sequence += 1), recordedAtMs: nowMs - agoMs + index };
        return `${renderEvent({ type: 'tool.called', outcome: 'ok', ...fields }, identity)}\n`;
      }),
    ),
  );
  return Buffer.from(lines.join(''));
}

/** Inserts events of one tenant. */
export async function insertEvents(engine: Engine, tenant: string, nowMs: number, events: readonly GivenEvents[]): Promise<void> {
  await engine.insertLines('events', linesOf(nowMs, [[tenant, events]]), randomUUID());
}

/** Counts usage, as analytics does all the time. */
export async function countUsage(engine: Engine): Promise<void> {
  for (const rollup of ROLLUPS) await new UsageCounter(engine, rollup).run();
}

/** A configuration with alerts. */
export function snapshotOf(
  rules: Readonly<Record<string, Settings>>,
  channels: Readonly<Record<string, Settings>>,
  publicUrl: string,
): Snapshot {
  return create(SnapshotSchema, {
    revision: randomUUID(),
    publicUrl,
    alertRules: Object.entries(rules).map(([name, rule]) => ({ name, settings: JSON.stringify(alertRuleSchema.parse(rule)) })),
    alertChannels: Object.entries(channels).map(([name, channel]) => {
      const settings = alertChannelSchema.parse(channel);
      const needsSecrets = Object.keys(sinkReferences(settings)).length > 0;
      return { name, settings: JSON.stringify(settings), needsSecrets, secretsVersion: '1' };
    }),
  });
}

/** Alerting on a state of its own, with a clock that only the test moves and a vault that gives what it is told. */
export interface AlertingBench extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly kv: KvStore;
  readonly emitters: KvStore;
  readonly events: EventFields[];
  /** How sinks say that they are. */
  readonly sinks: SinkStatus[];
  readonly deps: AlertingDeps;
  /** Alerting of a configuration, from what is stored: of the same process, or after a restart. */
  open(
    rules: Readonly<Record<string, Settings>>,
    channels?: Readonly<Record<string, Settings>>,
    publicUrl?: string,
  ): Promise<Alerting>;
}

/** Opens a bench. @param rows answers instead of the database @param secrets of each channel, by path */
export async function openAlertingBench(
  engine: Engine,
  options: {
    readonly rows?: AlertingDeps['rows'];
    readonly secrets?: Readonly<Record<string, Readonly<Record<string, string>>>>;
    readonly tenant?: string;
    readonly nowMs?: number;
  } = {},
): Promise<AlertingBench> {
  const undo = new AsyncDisposableStack();
  const dir = undo.use(await tempDir()).path;
  const state = undo.adopt(SqliteState.open(path.join(dir, 'state.sqlite')), (it) => it.close());
  const [kv, emitters] = [await state.bucket(BUCKETS.alerts, 'default'), await state.bucket(BUCKETS.emitters, 'default')];
  const clock = new FakeClock(options.nowMs);
  const events: EventFields[] = [];
  const sinks: SinkStatus[] = [];
  const reads = new LimitedReads(engine);
  const secrets = new Map(Object.entries(options.secrets ?? {}).map(([name, values]) => [channelSink(name), values]));
  const { tenant = 'default' } = options;
  const deps: AlertingDeps = {
    kv,
    tenant,
    clock,
    log: createLogger({ service: 'test', level: 'silent' }),
    audit: { record: async (event) => void events.push(event) },
    rows: options.rows ?? ((sql) => reads.rows(sql)),
    pipeline: new PipelineHealth({ engine, emitters, clock, sinks: { list: async () => sinks } }),
    secrets: { rpc: vaultOf(secrets, clock), tenant, emitter: 'analytics-test', sealingKey: await generateSealingKey() },
  };
  return {
    ...{ clock, kv, emitters, events, sinks, deps },
    open: async (rules, channels = {}, publicUrl = 'http://localhost:8080') =>
      undo.adopt(await Alerting.open(alertConfigOf(snapshotOf(rules, channels, publicUrl)), deps), (it) => it.close()),
    [Symbol.asyncDispose]: () => undo.disposeAsync(),
  };
}

/** Never aborts. */
export const lasting = new AbortController().signal;
