import { create, toJsonString, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  BUCKETS,
  DEFAULT_TENANT,
  EVENTS_STREAM,
  eventsSubject,
  LeaseSinkSecretsResponseSchema,
  SnapshotSchema,
  type EventJson,
  type LeaseSinkSecretsRequest,
} from '@switchyard/contracts';
import { sinkReferences, sinkSchema, type SinkConfig } from '@switchyard/gateway-config';
import { connectNats, LocalBus, NatsBus, pause, RpcUnavailable, type Bus, type Rpc } from '@switchyard/messaging';
import { sealTo } from '@switchyard/oauth';
import { NatsState, SqliteState, type State } from '@switchyard/state';
import { createLogger, startTelemetry } from '@switchyard/telemetry';
import { FakeClock, startNats, tempDir } from '@switchyard/testing';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Engine } from '../engine/engine.js';
import { Sinks } from './sinks.js';

/** A dead letter, as far as tests ask. */
export interface DeadLetterRow {
  readonly sink: string;
  readonly event_id: string;
  readonly reason: string;
}

/** Sinks on a bus and a state of their own, a clock that only waiting moves, and a vault that gives what it is told. */
export interface SinksBench extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly bus: Bus;
  readonly sinks: Sinks;
  readonly deadLetters: DeadLetterRow[];
  /** Publishes a configuration. @param secrets of each sink, by path */
  configure(
    sinks: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
    secrets?: Readonly<Record<string, Readonly<Record<string, string>>>>,
    publicUrl?: string,
  ): Promise<void>;
  /** Publishes one batch of an emitter's events. @returns their ids */
  publish(emitter: string, first: number, count: number, fields?: Partial<EventJson>): Promise<string[]>;
  /** Another replica, or the same after a restart. */
  another(): Promise<Sinks>;
  metrics(): Promise<string>;
}

/** Where the bus and the state are. */
export type BenchProfile = 'embedded' | 'NATS';

const EPOCH = 1_000;

async function openBusAndState(
  profile: BenchProfile,
  dir: string,
  undo: AsyncDisposableStack,
): Promise<{ bus: Bus; state: State }> {
  if (profile === 'embedded') {
    const state = undo.adopt(SqliteState.open(path.join(dir, 'state.sqlite')), (it) => it.close());
    const bus = undo.adopt(new LocalBus({ logDir: dir }), (it) => it.close());
    return { bus, state };
  }
  const server = undo.use(await startNats());
  const link = undo.adopt(await connectNats({ servers: [server.url], name: 'sinks-test' }), (it) => it.close());
  const state = undo.adopt(await NatsState.open(link), (it) => it.close());
  return { state, bus: undo.adopt(await NatsBus.open(link), (it) => it.close()) };
}

/** Answers for the vault. @param secrets of each sink, by path */
export function vaultOf(secrets: Map<string, Readonly<Record<string, string>>>, clock: { now(): number }): Rpc {
  const lease = async ({ sink, recipientJwk }: LeaseSinkSecretsRequest) => {
    const env = secrets.get(sink);
    if (env === undefined) throw new RpcUnavailable('the vault is away');
    const sealed = await sealTo(recipientJwk, Buffer.from(JSON.stringify({ env })));
    const value = { sealed, version: '1', expiresAt: timestampFromMs(clock.now() + 5 * 60_000) };
    return create(LeaseSinkSecretsResponseSchema, { result: { case: 'lease', value } });
  };
  return {
    call: async <_Request extends DescMessage, Response extends DescMessage>(_method: unknown, request: unknown) =>
      (await lease(request as LeaseSinkSecretsRequest)) as unknown as MessageShape<Response>,
    server: () => ({}),
    close: async () => undefined,
  };
}

/**
 * Opens a bench.
 * @param options.isFast whether waiting moves the clock instead of taking time
 * @param options.database what replays are read from, and dead letters kept in; without it, they are in `deadLetters`
 */
export async function openSinksBench(
  profile: BenchProfile,
  options: { readonly isFast?: boolean; readonly database?: Engine } = {},
): Promise<SinksBench> {
  const undo = new AsyncDisposableStack();
  const dir = undo.use(await tempDir()).path;
  const { bus, state } = await openBusAndState(profile, dir, undo);
  const telemetry = undo.adopt(await startTelemetry({ service: 'test', instance: 'test' }), (it) => it.close());
  const clock = new FakeClock();
  const secrets = new Map<string, Readonly<Record<string, string>>>();
  const deadLetters: DeadLetterRow[] = [];
  const engine: Engine = options.database ?? {
    command: async () => undefined,
    query: async () => [],
    insertLines: async (_table, lines) => {
      const rows = Buffer.from(lines).toString().trim().split('\n');
      deadLetters.push(...rows.map((row) => JSON.parse(row) as DeadLetterRow));
      return rows.length;
    },
    insertTexts: async () => undefined,
    ready: async () => true,
    close: async () => undefined,
  };
  const wait = async (ms: number, signal: AbortSignal) => {
    clock.advance(ms);
    await (options.isFast === false ? pause(ms, signal) : nextTurn());
  };
  const log = createLogger({ service: 'test', level: 'silent' });
  const deps = { bus, state, engine, telemetry, clock, log, tenant: DEFAULT_TENANT, rpc: vaultOf(secrets, clock), wait };
  const open = async () => undo.adopt(await Sinks.open(deps), (it) => it.close());
  // In process, a message waits for a consumer.
  const consumption = await bus.consume({
    stream: EVENTS_STREAM,
    durable: 'other',
    batchMessages: 1_000,
    batchBytes: 10_000_000,
    batchWaitMs: 1,
    handle: async () => undefined,
    onError: () => undefined,
  });
  undo.defer(() => consumption.close());
  const snapshots = await state.bucket(BUCKETS.snapshots, DEFAULT_TENANT);
  const sinks = await open();
  return {
    clock,
    bus,
    sinks,
    deadLetters,
    another: open,
    metrics: () => telemetry.metricsText(),
    configure: async (configured, given = {}, publicUrl = 'http://localhost:8080') => {
      for (const [name, values] of Object.entries(given)) secrets.set(name, values);
      const auditSinks = Object.entries(configured).map(([name, settings]) => {
        const parsed: SinkConfig = sinkSchema.parse(settings);
        const needsSecrets = Object.keys(sinkReferences(parsed)).length > 0;
        return { name, settings: JSON.stringify(parsed), needsSecrets, secretsVersion: '1' };
      });
      const snapshot = create(SnapshotSchema, { revision: randomUUID(), publicUrl, auditSinks });
      await snapshots.put('current', Buffer.from(toJsonString(SnapshotSchema, snapshot)));
    },
    publish: async (emitter, first, count, fields = {}) => {
      const ids = Array.from({ length: count }, (_, index) => `${emitter}/${EPOCH}/${first + index}`);
      const lines = ids.map((event_id, index) =>
        JSON.stringify({
          event_id,
          tenant: DEFAULT_TENANT,
          occurred_at: new Date(clock.now()).toISOString(),
          emitter,
          epoch: String(EPOCH),
          sequence: String(first + index),
          type: 'tool.called',
          outcome: 'ok',
          ...fields,
        }),
      );
      const messageId = `${emitter}/${EPOCH}/${first}-${first + count - 1}`;
      await bus.publish(EVENTS_STREAM, eventsSubject(DEFAULT_TENANT, emitter), messageId, Buffer.from(`${lines.join('\n')}\n`));
      return ids;
    },
    [Symbol.asyncDispose]: () => undo.disposeAsync(),
  };
}
