import { encodeApiKeyRecord, mintApiKey } from '@switchyard/api-keys';
import { fromJsonString } from '@bufbuild/protobuf';
import { BUCKETS, DEFAULT_TENANT, SnapshotSchema, type EventFields, type Snapshot } from '@switchyard/contracts';
import { connectNats, LocalRpc, NatsRpc, type Rpc } from '@switchyard/messaging';
import { systemClock, type Readiness, type RunningService } from '@switchyard/runtime';
import { NatsState, SqliteState, type KvStore, type State } from '@switchyard/state';
import { createLogger, startTelemetry } from '@switchyard/telemetry';
import { startNats, tempDir } from '@switchyard/testing';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { startCapabilityRegistry } from './start.js';

/** What a registry stands on in one profile, with what it said. */
export interface Bench {
  readonly rpc: Rpc;
  readonly state: State;
  readonly snapshots: KvStore;
  /** The configuration file. */
  readonly file: string;
  readonly events: EventFields[];
  readonly log: string[];
  readonly waits: Readiness[];
  write(text: string): void;
  current(): Promise<Snapshot | undefined>;
  /** Starts the registry; the bench closes it. */
  start(): Promise<RunningService>;
  /** Stores a key and gives its text. */
  key(role: string): Promise<string>;
  close(): Promise<void>;
}

/** Ways in which services stand together. */
export const PROFILES = [
  { profile: 'embedded', open: openLocal },
  { profile: 'NATS', open: openNats },
] as const;

async function openLocal(dir: string, undo: AsyncDisposableStack): Promise<{ rpc: Rpc; state: State }> {
  const state = undo.adopt(SqliteState.open(path.join(dir, 'state.sqlite')), (it) => it.close());
  return { rpc: undo.adopt(new LocalRpc(), (it) => it.close()), state };
}

async function openNats(_dir: string, undo: AsyncDisposableStack): Promise<{ rpc: Rpc; state: State }> {
  const server = undo.use(await startNats());
  const link = undo.adopt(await connectNats({ servers: [server.url], name: 'registry-test' }), (it) => it.close());
  const state = undo.adopt(await NatsState.open(link), (it) => it.close());
  return { rpc: undo.adopt(new NatsRpc(link, 'test'), (it) => it.close()), state };
}

/** Opens a bench with an empty store and no configuration file. */
export async function openBench(open: (typeof PROFILES)[number]['open']): Promise<Bench> {
  const undo = new AsyncDisposableStack();
  const dir = undo.use(await tempDir()).path;
  const telemetry = undo.adopt(await startTelemetry({ service: 'test', instance: 'test' }), (it) => it.close());
  const { rpc, state } = await open(dir, undo);
  const snapshots = await state.bucket(BUCKETS.snapshots, DEFAULT_TENANT);
  const keys = await state.bucket(BUCKETS.apiKeys, DEFAULT_TENANT);
  const file = path.join(dir, 'switchyard.yaml');
  const events: EventFields[] = [];
  const lines: string[] = [];
  const waits: Readiness[] = [];
  const log = createLogger({ service: 'test', level: 'info', destination: linesInto(lines) });
  const audit = { record: async (event: EventFields) => void events.push(event), accepting: () => true };
  return {
    rpc,
    state,
    snapshots,
    file,
    events,
    log: lines,
    waits,
    write: (text) => writeFileSync(file, text),
    current: async () => decode((await snapshots.get('current'))?.value),
    start: async () => {
      const config = { gatewayFile: file, listen: { host: '127.0.0.1', port: 0 } };
      const onWaiting = (readiness: Readiness) => void waits.push(readiness);
      const deps = { rpc, state, audit, log, telemetry, clock: systemClock, onWaiting };
      return undo.adopt(await startCapabilityRegistry(config, deps), (it) => it.close());
    },
    key: async (role) => {
      const { text, record } = mintApiKey({ name: role, servers: [], roles: [role], createdAtMs: Date.now() });
      await keys.put(record.id, encodeApiKeyRecord(record));
      return text;
    },
    close: () => undo.disposeAsync(),
  };
}

const decode = (value: Uint8Array | undefined) => value && fromJsonString(SnapshotSchema, Buffer.from(value).toString());

function linesInto(lines: string[]): NodeJS.WritableStream {
  return { write: (line: string) => lines.push(line) } as unknown as NodeJS.WritableStream;
}
