import { create, fromJson, type JsonValue, toJsonString } from '@bufbuild/protobuf';
import { mintApiKey, encodeApiKeyRecord } from '@switchyard/api-keys';
import { Audit } from '@switchyard/audit';
import { BUCKETS, DEFAULT_TENANT, type EventJson, EVENTS_STREAM, type Snapshot, SnapshotSchema } from '@switchyard/contracts';
import { CATALOGUE } from '@switchyard/contracts/catalogue';
import { connectNats, LocalBus, LocalRpc, type NatsLink, NatsRpc, type Rpc } from '@switchyard/messaging';
import { type Clock, systemClock } from '@switchyard/runtime';
import { SqliteState, type State } from '@switchyard/state';
import { createLogger, startTelemetry } from '@switchyard/telemetry';
import { eventually, tempDir, freePort } from '@switchyard/testing';
import { PassThrough } from 'node:stream';
import { type EdgeProxyConfig, edgeProxyConfigSchema } from './config.js';
import { PublicEdge } from './public-edge.js';

/** A snapshot as tests write it. */
export type SnapshotInit = Parameters<typeof create<typeof SnapshotSchema>>[1];

/** A running edge on its own state, audit trail and bus, all real and in process. */
export interface TestEdge {
  readonly url: string;
  /** The public one, and that of the listener that asks for certificates. */
  readonly ports: readonly number[];
  /** An API key for every server. */
  readonly key: string;
  /** Makes another key. */
  mint(options: { name: string; servers: string[]; expiresAtMs?: number }): Promise<string>;
  /** Publishes a snapshot and waits until the edge serves from it. */
  publish(snapshot: SnapshotInit): Promise<void>;
  /** Puts bytes in the place of a snapshot. */
  publishRaw(text: string): Promise<void>;
  /** Every event that has left the spool. */
  readonly events: EventJson[];
  /** Waits for an event. */
  event(matches: (event: EventJson) => boolean): Promise<EventJson>;
  /** Every line that was logged. */
  readonly logged: () => string;
  /** What is counted so far, as Prometheus reads it. */
  readonly metrics: () => Promise<string>;
  readonly edge: PublicEdge;
  readonly state: State;
  readonly rpc: Rpc;
  /** Its connection to NATS, where it has one: closing that is to the other edges as if its process had been killed. */
  readonly nats: NatsLink | undefined;
  /** Closing it leaves events in the spool. */
  readonly bus: LocalBus;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a test says of its edge. */
export interface TestEdgeOptions {
  readonly limits?: Partial<EdgeProxyConfig['limits']>;
  readonly spoolLimitBytes?: number;
  /** How it speaks TLS: then its URL is https, and localhost. */
  readonly tls?: EdgeProxyConfig['tls'];
  /** File that the configuration of TLS stands in. */
  readonly file?: string;
  readonly certificateProxies?: EdgeProxyConfig['certificateProxies'];
  /** Folder of the spool; one of its own unless told. */
  readonly spoolDir?: string;
  /** The machine's unless told. */
  readonly clock?: Clock;
  /** Base URL of an authorization server; none unless told. */
  readonly authServer?: string;
  /** An edge of the same cluster: this one serves its sessions, snapshot and keys, under a URL of its own. */
  readonly beside?: TestEdge;
  /** URL of a nats-server that edges reach each other over; in process unless told. */
  readonly natsUrl?: string;
  /** Where it keeps what it keeps; a file of its own unless told. */
  readonly state?: State;
}

/** Starts an edge on a random port. Its public URL names that port, so that Host checks are the real ones. */
export async function startTestEdge(options: TestEdgeOptions = {}): Promise<TestEdge> {
  const dir = await tempDir();
  const output = new PassThrough();
  const lines: string[] = [];
  output.on('data', (chunk: Buffer) => lines.push(chunk.toString('utf8')));
  const log = createLogger({ service: 'edge-proxy', level: 'debug', destination: output });
  const bus = new LocalBus();
  const events: EventJson[] = [];
  const strangers: string[] = [];
  const consumption = await bus.consume({
    stream: EVENTS_STREAM,
    durable: 'test',
    batchMessages: 100,
    batchBytes: 1024 * 1024,
    batchWaitMs: 5,
    handle: (messages) => {
      for (const { data } of messages) {
        for (const line of Buffer.from(data).toString('utf8').split('\n'))
          if (line !== '') events.push(inCatalogue(line, strangers));
      }
      return Promise.resolve();
    },
    onError: (error) => lines.push(String(error)),
  });
  const audit = await Audit.open({
    dir: options.spoolDir ?? `${dir.path}/spool`,
    emitter: 'edge-1',
    tenant: DEFAULT_TENANT,
    limitBytes: options.spoolLimitBytes ?? 64 * 1024 * 1024,
    bus,
    clock: systemClock,
    log,
  });
  const { beside } = options;
  const state = options.state ?? beside?.state ?? SqliteState.open(`${dir.path}/state.db`);
  const telemetry = await startTelemetry({ service: 'edge-proxy', instance: 'edge-1' });
  const nats = options.natsUrl === undefined ? undefined : await connectNats({ servers: [options.natsUrl], name: 'test-edge' });
  const rpc = nats === undefined ? (beside?.rpc ?? new LocalRpc()) : new NatsRpc(nats, 'edge-proxy');
  const keys = await state.bucket(BUCKETS.apiKeys, DEFAULT_TENANT);
  const mint = async ({ name, servers, expiresAtMs }: { name: string; servers: string[]; expiresAtMs?: number }) => {
    const { text, record } = mintApiKey({
      name,
      servers,
      roles: [],
      createdAtMs: systemClock.now(),
      ...(expiresAtMs !== undefined && { expiresAtMs }),
    });
    await keys.put(record.id, encodeApiKeyRecord(record));
    return text;
  };
  const port = await freePort();
  const { tls, certificateProxies, file = '' } = options;
  const publicUrl = tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
  const none = 'http://127.0.0.1:9';
  const config = edgeProxyConfigSchema.parse({
    listen: { host: '127.0.0.1', port },
    publicUrl,
    emitter: options.beside === undefined ? 'edge-1' : 'edge-2',
    services: { authServer: options.authServer ?? none, tokenVault: none, capabilityRegistry: none, analytics: none },
    limits: options.limits ?? {},
    ...{ tls, certificateProxies, tlsSource: { file, path: ['tls'] } },
  });
  const edge = await PublicEdge.open(config, { state, rpc, audit, log, telemetry, clock: options.clock ?? systemClock });
  const ports = await edge.listen();
  const snapshots = await state.bucket(BUCKETS.snapshots, DEFAULT_TENANT);
  const key = await mint({ name: 'test', servers: ['*'] });
  let revision = 0;
  return {
    url: publicUrl,
    ports,
    key,
    mint,
    events,
    edge,
    state,
    rpc,
    nats,
    bus,
    logged: () => lines.join(''),
    metrics: () => telemetry.metricsText(),
    publish: async (init) => {
      revision += 1;
      const snapshot: Snapshot = create(SnapshotSchema, { ...init, publicUrl, tenant: DEFAULT_TENANT, revision: `r${revision}` });
      await snapshots.put('current', Buffer.from(toJsonString(SnapshotSchema, snapshot)));
      await eventually(() => lines.join('').includes(`"revision":"r${revision}"`));
    },
    publishRaw: async (text) => {
      await snapshots.put('current', Buffer.from(text));
    },
    event: (matches) => eventually(() => events.find(matches) ?? false),
    [Symbol.asyncDispose]: async () => {
      await edge.close();
      await audit.close();
      await consumption.close();
      const shared = beside === undefined && options.state === undefined ? [state.close()] : [];
      const own = beside === undefined || nats !== undefined ? [rpc.close().then(() => nats?.close())] : [];
      await Promise.all([bus.close(), ...shared, ...own, telemetry.close()]);
      await dir[Symbol.asyncDispose]();
      if (strangers.length > 0) throw new Error(`events that the catalogue does not know: ${strangers.join('\n')}`);
    },
  };
}

/** Reads an event; one that has what the message of its type has not is noted. */
function inCatalogue(line: string, strangers: string[]): EventJson {
  const event = JSON.parse(line) as EventJson;
  const message = CATALOGUE.get(event.type ?? '');
  try {
    if (message === undefined) throw new Error(`there is no type ${event.type}`);
    fromJson(message, event as JsonValue, { ignoreUnknownFields: false });
  } catch (error) {
    strangers.push(`${String(error)}: ${line}`);
  }
  return event;
}
