import { type AuditSink, EVENTS_STREAM } from '@switchyard/contracts';
import { Egress } from '@switchyard/egress';
import { fillSinkReferences, sinkSchema, type SinkConfig } from '@switchyard/gateway-config';
import { pause, type Bus, type StreamMessage, type StreamReader } from '@switchyard/messaging';
import type { Clock } from '@switchyard/runtime';
import type { KvStore } from '@switchyard/state';
import type { Logger } from '@switchyard/telemetry';
import { EngineError, type Engine } from '../engine/engine.js';
import { backOffMs } from './back-off.js';
import { CaughtUp } from './caught-up.js';
import { deliverAll, Ended, type Delivery } from './deliver-all.js';
import { gather, type Gathering } from './gather.js';
import { InOrder } from './in-order.js';
import { openSink } from './kinds.js';
import { replaysOf, saveReplay, type Replay } from './replay.js';
import { readReplayPage } from './replay-pages.js';
import type { Sink } from './sink.js';
import type { SinkDeadLetters } from './sink-dead-letters.js';
import { compileItems } from './sink-items.js';
import { SinkLease } from './sink-lease.js';
import type { SinkMetrics } from './sink-metrics.js';
import { SinkPlace, type Place } from './sink-place.js';
import { leaseSecrets, type SecretsOptions } from './sink-secrets.js';
import type { SinkStatus } from './sink-status.js';

/** What serving sinks stands on. */
export interface RunnerDeps {
  readonly bus: Bus;
  readonly kv: KvStore;
  readonly secrets: SecretsOptions;
  readonly deadLetters: SinkDeadLetters;
  /** For replays. */
  readonly engine: Pick<Engine, 'query'>;
  readonly tenant: string;
  readonly metrics: Pick<SinkMetrics, 'begin' | 'delivered' | 'refused' | 'failures' | 'dropped'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Waits between tries; tests let time pass instead. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

const STANDBY_MS = 5_000;
/** How long what an emitter sent out of turn waits for what is missing: a forwarder tries again within seconds. */
const PATIENCE_MS = 30_000;
const HELD_MS = 1_000;
/** How long new events are waited for between two pages of a replay: they come first. */
const REPLAY_MS = 250;
const REPLAY_AGAIN_MS = 5_000;
const CONNECT_TIMEOUT_MS = 10_000;
const READ = { messages: 256, bytes: 4 * 1024 ** 2, fillMs: 250 };

/** Serves one sink for as long as its configuration stays the same: reads the stream from the sink's own place, and moves that on. */
export class SinkRunner {
  readonly #deps: RunnerDeps;
  readonly #configured: AuditSink;
  readonly #settings: SinkConfig;
  readonly #allowed: readonly string[];
  readonly #items: ReturnType<typeof compileItems>;
  readonly #gathering: Gathering | undefined;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #open: { readonly sink: Sink; readonly egress: Egress; readonly untilMs: number } | undefined;
  #status: Omit<SinkStatus, 'name' | 'type' | 'oldestMs'>;
  #oldestAtMs: number | undefined;
  #position = 0;
  #caughtUp = new CaughtUp(undefined);
  /** Set where there may be something to replay. */
  #mayReplay = true;
  #replayAtMs = 0;
  #wake = new AbortController();

  /** @param allowed special-purpose ranges that it may reach beside those that it is configured with */
  constructor(configured: AuditSink, allowed: readonly string[], deps: RunnerDeps) {
    this.#deps = deps;
    this.#configured = configured;
    this.#settings = sinkSchema.parse(JSON.parse(configured.settings));
    this.#allowed = allowed;
    this.#items = compileItems(this.#settings);
    this.#gathering = gatheringOf(this.#settings);
    this.#status = { state: 'standby', reason: '', backlog: 0, delivered: 0, refused: 0, dropped: 0 };
    deps.metrics.begin(configured.name);
    this.#ended = this.#run();
  }

  get status(): SinkStatus {
    const oldestMs = this.#oldestAtMs === undefined ? 0 : Math.max(0, this.#deps.clock.now() - this.#oldestAtMs);
    return { name: this.#configured.name, type: this.#settings.type, ...this.#status, oldestMs };
  }

  /** Looks for replays. */
  replay(): void {
    this.#mayReplay = true;
    this.#wake.abort();
  }

  /** Stops; what was not taken is sent by whoever serves the sink next. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { kv, log } = this.#deps;
    const { name } = this.#configured;
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted;) {
      let lease: SinkLease | undefined;
      try {
        lease = await SinkLease.acquire(kv, name, () => Buffer.from(JSON.stringify(this.status)));
        if (lease === undefined) {
          this.#status = { ...this.#status, state: 'standby', reason: '' };
          await this.#wait(STANDBY_MS, signal);
        } else {
          await this.#serve(AbortSignal.any([signal, lease.lost]));
        }
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        if (!(error instanceof Ended)) {
          log.warn('a sink was interrupted; it goes on from its place', { name, error, attempt: failures });
          await this.#wait(backOffMs(failures), signal);
        }
      } finally {
        await this.#closeSink();
        await lease?.release();
      }
    }
  }

  async #serve(signal: AbortSignal): Promise<void> {
    const { bus, kv, clock } = this.#deps;
    const place = new SinkPlace(kv, this.#configured.name);
    // What a new sink finds in the stream it is not sent.
    const begin = async (): Promise<Place> => {
      const throughMs = clock.now();
      return { sequence: await bus.lastSequence(EVENTS_STREAM), expected: {}, throughMs };
    };
    let at: Place = (await place.load()) ?? (await begin());
    await place.save(at);
    this.#caughtUp = new CaughtUp(at.throughMs);
    const inOrder = new InOrder(PATIENCE_MS, at.expected);
    this.#position = at.sequence;
    this.#status = { ...this.#status, state: 'ok', reason: '' };
    const reader = await bus.read(EVENTS_STREAM, at.sequence);
    try {
      while (!signal.aborted) {
        if (this.#mayReplay && clock.now() >= this.#replayAtMs) await this.#replayPage(signal);
        const messages = await this.#gather(reader, inOrder, signal, at.until);
        if (signal.aborted) break;
        const ready = inOrder.take(messages, clock.now());
        if (ready.length === 0 && messages.length === 0) continue;
        const items = ready.flatMap((message) => this.#items.ofMessage(message));
        this.#oldestAtMs = items[0] && Date.parse(items[0].event.occurred_at ?? '');
        await this.#look();
        if (this.#gathering !== undefined) await place.save({ ...at, until: this.#position });
        await deliverAll(items, this.#delivery(signal));
        const sequence = Math.min(this.#position, inOrder.safeSequence);
        at = { sequence, expected: inOrder.expected(), throughMs: this.#caughtUp.reached(sequence) };
        await place.save(at);
        this.#oldestAtMs = undefined;
        await this.#look();
      }
    } finally {
      await reader.close();
    }
  }

  /** What is delivered together: what is there, unless the sink gathers. @param until as of `Place` */
  #gather(reader: StreamReader, inOrder: InOrder, signal: AbortSignal, until = 0): Promise<readonly StreamMessage[]> {
    if (this.#gathering === undefined) return this.#next(reader, inOrder, signal);
    return gather(this.#gathering, {
      next: (end, most) => this.#next(reader, inOrder, end, most),
      left: () => until - this.#position,
      onMessages: async ([message]) => {
        const first = message && this.#items.ofMessage(message)[0];
        this.#oldestAtMs ??= first && Date.parse(first.event.occurred_at ?? '');
        await this.#look();
      },
      signal,
    });
  }

  async #next(
    reader: StreamReader,
    inOrder: InOrder,
    signal: AbortSignal,
    most: number = READ.messages,
  ): Promise<readonly StreamMessage[]> {
    this.#wake = new AbortController();
    const soon = this.#mayReplay ? [AbortSignal.timeout(REPLAY_MS)] : inOrder.heldCount > 0 ? [AbortSignal.timeout(HELD_MS)] : [];
    const until = AbortSignal.any([signal, this.#wake.signal, ...soon]);
    const messages = await reader.next({ ...READ, messages: Math.min(most, READ.messages), signal: until });
    for (const { sequence } of messages) {
      const missing = Number(sequence) - this.#position - 1;
      if (missing > 0 && this.#position > 0) this.#lost(missing);
      this.#position = Number(sequence);
    }
    return messages;
  }

  /** Sends a page of what is to be sent again, between new events. */
  async #replayPage(signal: AbortSignal): Promise<void> {
    const { kv, engine, tenant } = this.#deps;
    this.#mayReplay = false;
    const replay = (await replaysOf(kv, this.#configured.name)).find(({ state }) => state === 'running');
    if (replay === undefined) return;
    const page = await readReplayPage(engine, tenant, replay).catch((error: unknown) => this.#replayLater(error));
    if (page === undefined) return;
    const { events, after } = page;
    const items = events.flatMap((event) => this.#items.ofEvent(event) ?? []);
    await deliverAll(items, this.#delivery(signal));
    const { after: _before, ...rest } = replay;
    const sent: Replay = { ...rest, sent: replay.sent + items.length, state: after === undefined ? 'done' : 'running' };
    await saveReplay(kv, after === undefined ? sent : { ...sent, after });
    this.#mayReplay = true;
  }

  /** Without the database, new events are sent all the same. */
  #replayLater(error: unknown): undefined {
    if (!(error instanceof EngineError)) throw error;
    const { log, clock } = this.#deps;
    log.warn('what a sink is to be sent again could not be read; that is tried again', { name: this.#configured.name, error });
    this.#mayReplay = true;
    this.#replayAtMs = clock.now() + REPLAY_AGAIN_MS;
  }

  /** The stream keeps events for days: the sink was away for longer. The database still has them. */
  #lost(count: number): void {
    const { metrics, log } = this.#deps;
    const { name } = this.#configured;
    this.#status = { ...this.#status, dropped: this.#status.dropped + count };
    metrics.dropped.add(count, { sink: name });
    log.error('a sink was away for longer than the stream keeps events; send them with `switchyard audit replay`', {
      name,
      count,
    });
  }

  /** How far it is behind. */
  async #look(): Promise<void> {
    const { bus, clock } = this.#deps;
    const atMs = clock.now();
    const last = await bus.lastSequence(EVENTS_STREAM).catch(() => undefined);
    if (last === undefined) return;
    this.#caughtUp.see(last, atMs);
    this.#status = { ...this.#status, backlog: Math.max(0, last - this.#position) };
  }

  #delivery(signal: AbortSignal): Delivery {
    const { metrics, deadLetters, log } = this.#deps;
    const { name } = this.#configured;
    const labels = { sink: name };
    return {
      signal,
      sink: () => this.#current(),
      onMisconfigured: () => this.#closeSink(),
      onRefused: async (refused) => {
        await deadLetters.add(name, refused);
        metrics.refused.add(refused.length, labels);
        this.#status = { ...this.#status, refused: this.#status.refused + refused.length };
        log.warn('a sink refused events for good; they are in sink_dead_letters', {
          name,
          count: refused.length,
          reason: refused[0]?.reason,
        });
      },
      onDelivered: (count) => {
        metrics.delivered.add(count, labels);
        this.#status = { ...this.#status, state: 'ok', reason: '', delivered: this.#status.delivered + count };
      },
      onFailure: ({ reason, attempt, error }) => {
        metrics.failures.add(1, labels);
        this.#status = { ...this.#status, state: 'failing', reason };
        log.warn('a sink did not take events; they are sent again', { name, reason, attempt, error });
      },
      wait: async (ms, until) => {
        await this.#look();
        await this.#wait(ms, until);
      },
    };
  }

  /** The open sink, with secrets that may still be used. */
  async #current(): Promise<Sink> {
    if (this.#open !== undefined && this.#open.untilMs > this.#deps.clock.now()) return this.#open.sink;
    await this.#closeSink();
    const { clock, secrets } = this.#deps;
    const { values, untilMs } = await leaseSecrets(this.#configured, secrets);
    const settings = fillSinkReferences(this.#settings, values);
    const egress = new Egress({ ...egressOf(settings, this.#allowed), connectTimeoutMs: CONNECT_TIMEOUT_MS });
    try {
      const wait = (ms: number, signal: AbortSignal) => this.#wait(ms, signal);
      const sink = await openSink(settings, { name: this.#configured.name, clock, egress, wait });
      this.#open = { sink, egress, untilMs };
      return sink;
    } catch (error) {
      await egress.close();
      throw error;
    }
  }

  async #closeSink(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.sink.close();
    await open?.egress.close();
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return (this.#deps.wait ?? pause)(ms, signal);
  }
}

const gatheringOf = (settings: SinkConfig): Gathering | undefined =>
  'gatherMs' in settings ? { ms: settings.gatherMs, bytes: settings.objectBytes } : undefined;

/** Sinks that connect to nothing have none of it. */
function egressOf(settings: SinkConfig, allowed: readonly string[]) {
  if (!('allow' in settings)) return { allowed: [] };
  const { allow, ca } = settings;
  const proxy = 'proxy' in settings ? settings.proxy : undefined;
  return { allowed: [...allowed, ...allow], ca, proxy: proxy === undefined ? undefined : new URL(proxy) };
}
