import { fromJsonString } from '@bufbuild/protobuf';
import { BUCKETS, EVENTS_STREAM, SnapshotSchema, type AuditSink, type Snapshot } from '@switchyard/contracts';
import { LOOPBACK } from '@switchyard/egress';
import { isLoopbackHost } from '@switchyard/gateway-config';
import { pause, type Bus, type Rpc } from '@switchyard/messaging';
import { generateSealingKey } from '@switchyard/oauth';
import type { Clock } from '@switchyard/runtime';
import { WatchedMap, type KvStore, type KvWatch, type State } from '@switchyard/state';
import type { Logger, Telemetry } from '@switchyard/telemetry';
import { randomUUID } from 'node:crypto';
import type { Engine } from '../engine/engine.js';
import { deliveredThrough, type DeliveredThrough } from './delivered-through.js';
import { replayedSink, replaysOf, startReplay, type Replay } from './replay.js';
import { SinkDeadLetters } from './sink-dead-letters.js';
import { SinkMetrics } from './sink-metrics.js';
import { forgetPlaces } from './sink-place.js';
import { SinkRunner, type RunnerDeps } from './sink-runner.js';
import { statusElsewhere, type SinkStatus } from './sink-status.js';

/** What sinks stand on. */
export interface SinksDeps {
  readonly bus: Bus;
  readonly rpc: Rpc;
  readonly state: State;
  readonly engine: Engine;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tenant: string;
  /** As of `RunnerDeps`. */
  readonly wait?: RunnerDeps['wait'];
}

const RETRY_MS = 2_000;

interface Serving {
  /** What it was started with; it is another where any of that is. */
  readonly identity: string;
  readonly runner: SinkRunner;
}

/** Every sink of the configuration, each served by a runner of its own; follows changes of the configuration. */
export class Sinks {
  readonly #deps: SinksDeps;
  readonly #kv: KvStore;
  readonly #runners: RunnerDeps;
  readonly #serving = new Map<string, Serving>();
  readonly #closing = new AbortController();
  #snapshots: WatchedMap<Snapshot> | undefined;
  #replays: KvWatch | undefined;
  #work = Promise.resolve();

  /** @throws StateUnavailable */
  static async open(deps: SinksDeps): Promise<Sinks> {
    const kv = await deps.state.bucket(BUCKETS.sinks, deps.tenant);
    const secrets = {
      rpc: deps.rpc,
      tenant: deps.tenant,
      emitter: `analytics-${randomUUID()}`,
      sealingKey: await generateSealingKey(),
    };
    const sinks = new Sinks(deps, kv, secrets);
    await sinks.#follow();
    return sinks;
  }

  private constructor(deps: SinksDeps, kv: KvStore, secrets: RunnerDeps['secrets']) {
    this.#deps = deps;
    this.#kv = kv;
    const { bus, engine, tenant, clock, log, telemetry, wait } = deps;
    const metrics = new SinkMetrics(telemetry.meter, () => this.statuses());
    const deadLetters = new SinkDeadLetters(engine, tenant);
    this.#runners = { bus, kv, secrets, deadLetters, engine, tenant, metrics, clock, log, ...(wait && { wait }) };
  }

  /** How each sink is, as far as this process knows. */
  statuses(): SinkStatus[] {
    return [...this.#serving.values()].map(({ runner }) => runner.status);
  }

  /** How each sink is, whichever replica serves it. @throws StateUnavailable */
  list(): Promise<SinkStatus[]> {
    return Promise.all(
      this.statuses().map(async (own) => (own.state === 'standby' ? ((await statusElsewhere(this.#kv, own.name)) ?? own) : own)),
    );
  }

  /** Sends a sink events of the past again. @returns undefined where there is no such sink @throws StateUnavailable */
  async startReplay(wanted: Parameters<typeof startReplay>[1]): Promise<Replay | undefined> {
    return this.#serving.has(wanted.sink) ? startReplay(this.#kv, wanted) : undefined;
  }

  /** @returns undefined where there is no such sink @throws StateUnavailable */
  async replays(sink: string): Promise<Replay[] | undefined> {
    return this.#serving.has(sink) ? replaysOf(this.#kv, sink) : undefined;
  }

  /** Until when each sink has been sent everything, whichever replica serves it. @throws StateUnavailable */
  deliveredThrough(): Promise<DeliveredThrough[]> {
    return deliveredThrough(this.#kv);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#snapshots?.close();
    await this.#replays?.close();
    await this.#work;
    await Promise.all([...this.#serving.values()].map(({ runner }) => runner.close()));
  }

  async #follow(): Promise<void> {
    const { state, tenant, log } = this.#deps;
    const bucket = await state.bucket(BUCKETS.snapshots, tenant);
    this.#snapshots = await WatchedMap.open(bucket, {
      decode: ({ value }) => fromJsonString(SnapshotSchema, Buffer.from(value).toString('utf8'), { ignoreUnknownFields: true }),
      onError: (_key, error) => log.error('a configuration cannot be read; sinks stay as they are', { error }),
    });
    this.#replays = await this.#kv.watch((change) => {
      const sink = change.kind === 'put' ? replayedSink(change.entry.key) : undefined;
      if (sink !== undefined) this.#serving.get(sink)?.runner.replay();
    });
    const take = (snapshot: Snapshot | undefined) => {
      if (snapshot !== undefined) this.#work = this.#work.then(() => this.#untilApplied(snapshot));
    };
    take(this.#snapshots.get('current'));
    this.#snapshots.onChange((key, snapshot) => key === 'current' && take(snapshot));
  }

  async #untilApplied(snapshot: Snapshot): Promise<void> {
    const isCurrent = () => this.#snapshots?.get('current')?.revision === snapshot.revision;
    while (!this.#closing.signal.aborted && isCurrent()) {
      try {
        return await this.#apply(snapshot);
      } catch (error) {
        this.#deps.log.warn('sinks could not be made as the configuration says; that is tried again', { error });
      }
      await pause(RETRY_MS, this.#closing.signal);
    }
  }

  async #apply({ auditSinks, publicUrl }: Snapshot): Promise<void> {
    const { bus } = this.#deps;
    const allowed = isLoopbackHost(URL.parse(publicUrl)?.hostname ?? '') ? LOOPBACK : [];
    const wanted = new Map(auditSinks.map((sink) => [sink.name, { sink, identity: identityOf(sink, allowed) }]));
    const gone = [...this.#serving].filter(([name, { identity }]) => wanted.get(name)?.identity !== identity);
    for (const [name] of gone) this.#serving.delete(name);
    await Promise.all(gone.map(([, { runner }]) => runner.close()));
    await forgetPlaces(this.#kv, (name) => wanted.has(name));
    if (wanted.size === 0) return bus.release(EVENTS_STREAM);
    await bus.retain(EVENTS_STREAM);
    for (const [name, { sink, identity }] of wanted) {
      if (!this.#serving.has(name)) this.#serving.set(name, { identity, runner: new SinkRunner(sink, allowed, this.#runners) });
    }
  }
}

const identityOf = ({ settings, needsSecrets, secretsVersion }: AuditSink, allowed: readonly string[]) =>
  JSON.stringify([settings, needsSecrets, secretsVersion, allowed]);
