import { encodeApiKeyRecord, mintApiKey } from '@switchyard/api-keys';
import { BUCKETS, DEFAULT_TENANT, type EventFields, type EventsPage } from '@switchyard/contracts';
import { openLocalPlatform, openNatsPlatform, platformSchema, type Platform } from '@switchyard/platform';
import type { Readiness, RunningService } from '@switchyard/runtime';
import { tempDir, unusedName } from '@switchyard/testing';
import path from 'node:path';
import { analyticsConfigSchema } from './config.js';
import { startAnalytics } from './start.js';

/** Where analytics runs: in one process with its database, or on a NATS and a ClickHouse. */
export type Profile = { readonly natsUrl: string; readonly clickhouseUrl: string } | 'embedded';

/** Analytics on a platform of its own; disposing closes everything in the order of a shutdown. */
export interface AnalyticsRig extends AsyncDisposable {
  readonly platform: Platform;
  /** What start-up said that it waits for. */
  readonly waitedFor: readonly Readiness[];
  /** Where its tables are; empty in one process. */
  readonly database: string;
  running(): RunningService;
  /** Stops analytics; events wait. */
  stop(): Promise<void>;
  start(): Promise<void>;
  record(requests: readonly string[], fields?: Partial<EventFields>): Promise<void>;
  /** Asks for `/api/v1/events` and what follows. */
  get(query: string, key?: string): Promise<Response>;
  /** Request ids of all events of a type, newest first, page after page. */
  requests(type: string): Promise<string[]>;
  readonly keys: { readonly admin: string; readonly auditor: string; readonly none: string };
}

function openPlatform(dir: string, profile: Profile): Promise<Platform> {
  const emitter = unusedName('test');
  const auditLimitBytes = 64 * 1024 ** 2;
  if (profile === 'embedded') {
    return openLocalPlatform({ dataDir: dir, service: 'analytics', emitter, logLevel: 'silent', auditLimitBytes });
  }
  const config = platformSchema.parse({
    nats: { servers: [profile.natsUrl] },
    audit: { dir: path.join(dir, 'spool'), limitBytes: auditLimitBytes },
    emitter,
    logLevel: 'silent',
  });
  return openNatsPlatform(config, 'analytics');
}

async function storeKey(platform: Platform, roles: string[]): Promise<string> {
  const { text, record } = mintApiKey({ name: `key of ${roles.join()}`, servers: [], roles, createdAtMs: 0 });
  const kv = await platform.state.bucket(BUCKETS.apiKeys, DEFAULT_TENANT);
  await kv.put(record.id, encodeApiKeyRecord(record));
  return text;
}

/** Opens a platform and starts analytics on it. @param options.start whether analytics is started at once; it is unless told */
export async function openAnalytics(
  profile: Profile,
  options: { readonly start?: boolean; readonly authServer?: string } = {},
): Promise<AnalyticsRig> {
  await using undo = new AsyncDisposableStack();
  const dir = undo.use(await tempDir()).path;
  const platform = undo.adopt(await openPlatform(dir, profile), (it) => it.close());
  const [admin, auditor, none] = await Promise.all([
    storeKey(platform, ['admin']),
    storeKey(platform, ['auditor']),
    storeKey(platform, []),
  ]);
  const database = profile === 'embedded' ? '' : unusedName('analytics');
  const engine =
    profile === 'embedded'
      ? { kind: 'embedded', path: path.join(dir, 'events') }
      : { kind: 'http', url: profile.clickhouseUrl, database };
  const config = analyticsConfigSchema.parse({
    listen: { port: 0 },
    engine,
    authServer: options.authServer,
    checkpoints: { keyFile: path.join(dir, 'checkpoint-key.json'), createIfMissing: true },
  });
  const waitedFor: Readiness[] = [];
  let running: RunningService | undefined;
  undo.defer(async () => running?.close());
  const start = async () => {
    running = await startAnalytics(config, { ...platform, onWaiting: (readiness) => waitedFor.push(readiness) });
  };
  if (options.start ?? true) await start();
  const get = (query: string, key = auditor) =>
    fetch(`${running?.urls['http']}/api/v1/events${query}`, key === '' ? {} : { headers: { authorization: `Bearer ${key}` } });
  const opened = undo.move();
  return {
    platform,
    database,
    waitedFor,
    keys: { admin, auditor, none },
    running: () => {
      if (!running) throw new Error('analytics has not started');
      return running;
    },
    start,
    stop: async () => running?.close(),
    record: async (requests, fields = {}) => {
      await Promise.all(
        requests.map((request_id) => platform.audit.record({ type: 'tool.called', outcome: 'ok', request_id, ...fields })),
      );
    },
    get,
    requests: async (type) => {
      const found: string[] = [];
      let cursor = '';
      do {
        const response = await get(`?type=${type}&limit=1000${cursor}`);
        if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
        const { events, next_cursor } = (await response.json()) as EventsPage;
        found.push(...events.map(({ request_id }) => request_id ?? ''));
        cursor = next_cursor === undefined ? '' : `&cursor=${next_cursor}`;
      } while (cursor !== '');
      return found;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
