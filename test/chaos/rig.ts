import { startClickHouse, startNats, tempDir, freePorts } from '@switchyard/testing';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AdminApi } from '../e2e/admin-api.js';
import { REPOSITORY } from '../e2e/targets/gateway-file.js';
import { type Around, type Place, serviceConfig } from '../e2e/targets/service-config.js';
import type { ServiceName } from '../e2e/targets/target.js';
import {
  type EdgeName,
  EDGES,
  type MemberName,
  SERVICES_UNDER_TEST,
  type ServiceUnderTest,
  type UpstreamName,
} from './fault-kinds.js';
import { chaosGatewayFile, UPSTREAM_KEY } from './gateway-file.js';
import type { Member } from './member.js';
import { type ServiceMember, serviceMember } from './service-member.js';
import { openSpoolDisk, type SpoolDisk } from './spool-disk.js';

/** What a rig is told. */
export interface RigOptions {
  readonly strict: boolean;
  readonly ownMounts: boolean;
}

/** A whole gateway: two edges and the other services as processes of their own, a nats-server, a ClickHouse, and upstreams. */
export interface Rig extends AsyncDisposable {
  readonly dir: string;
  /** Host of the public URL. Clients reach each edge at its own port, under this name. */
  readonly host: string;
  readonly ports: Readonly<Record<EdgeName, number>>;
  readonly admin: AdminApi;
  readonly adminKey: string;
  readonly natsUrl: string;
  readonly clickhouseUrl: string;
  readonly analyticsUrl: string;
  readonly members: ReadonlyMap<MemberName, Member>;
  readonly services: ReadonlyMap<ServiceUnderTest, ServiceMember>;
  readonly disks: ReadonlyMap<EdgeName, SpoolDisk>;
  /** Where each upstream writes what it does. */
  readonly upstreamLedgers: readonly string[];
  /** Folders of audit spools. */
  readonly spools: readonly string[];
  /** Where checkpoints are copied to. */
  readonly checkpointCopies: string;
  clockFile(service: ServiceUnderTest): string;
  /** Edits the gateway's file, which the registry watches. */
  edit(title: string): Promise<void>;
}

/** So small that spools meet it in a long outage, and so large that short ones fit. */
const SPOOL_LIMIT_BYTES = 16 * 1024 ** 2;
const CHECKPOINTS_MS = 5_000;

const isEdge = (service: ServiceUnderTest): service is EdgeName => service === 'edge-1' || service === 'edge-2';
const programOf = (service: ServiceUnderTest): ServiceName => (isEdge(service) ? 'edge-proxy' : service);

/** Starts everything. */
export async function startRig({ strict, ownMounts }: RigOptions): Promise<Rig> {
  await using undo = new AsyncDisposableStack();
  const { path: dir } = undo.use(await tempDir());
  const nats = undo.use(await startNats({ configFile: await natsConfig(dir) }));
  const clickhouse = undo.use(await startClickHouse());
  const key = randomBytes(24).toString('base64url');
  const upstreams = new Map<UpstreamName, ServiceMember>();
  const ledgerOf = (name: UpstreamName) => path.join(dir, `${name}.ledger`);
  for (const era of ['modern', 'legacy'] as const) {
    const name: UpstreamName = `upstream-${era}`;
    const args = [path.join(import.meta.dirname, 'upstream.mjs'), era, ledgerOf(name)];
    const env = era === 'legacy' ? { [UPSTREAM_KEY]: key } : {};
    const member = serviceMember(name, { args, env }, /^http/m);
    undo.defer(() => member.kill());
    await member.start();
    upstreams.set(name, member);
  }
  const urlOf = async (name: UpstreamName) => (await upstreams.get(name)!.written(/^(http\S+)$/m))[1]!;
  const [modernUrl, legacyUrl] = [await urlOf('upstream-modern'), await urlOf('upstream-legacy')];

  const places = await drawPlaces();
  const ports = { 'edge-1': places['edge-1'].listen, 'edge-2': places['edge-2'].listen };
  const publicUrl = `http://localhost:${ports['edge-1']}`;
  const file = path.join(dir, 'switchyard.yaml');
  const edit = (title: string) =>
    writeFile(file, chaosGatewayFile({ publicUrl, port: ports['edge-1'], strict, modernUrl, legacyUrl, title }));
  await edit('Bank');

  const disks = new Map(EDGES.map((edge) => [edge, undo.use(openSpoolDisk(ownMounts))] as const));
  const spoolOf = (service: ServiceUnderTest) =>
    isEdge(service) ? disks.get(service)!.spool : path.join(dir, 'spools', service);
  const checkpointCopies = path.join(dir, 'copies');
  const around: Around = {
    dir,
    gatewayFile: file,
    natsUrl: nats.url,
    clickhouseUrl: clickhouse.url,
    urls: {
      'edge-proxy': publicUrl,
      'auth-server': urlAt(places['auth-server']),
      'token-vault': urlAt(places['token-vault']),
      'capability-registry': urlAt(places['capability-registry']),
      analytics: urlAt(places.analytics),
    },
  };
  const clockFile = (service: ServiceUnderTest) => path.join(dir, `${service}.clock`);
  const services = new Map<ServiceUnderTest, ServiceMember>();
  await mkdir(path.join(dir, 'spools'));
  for (const service of SERVICES_UNDER_TEST) {
    const place = { service: programOf(service), emitter: service, spool: spoolOf(service), ...places[service] };
    const configFile = path.join(dir, `${service}.json`);
    await writeFile(configFile, JSON.stringify(configOf(around, place, checkpointCopies)));
    const program = path.join(REPOSITORY, 'services', place.service, 'dist/main.js');
    const args = ['--import', path.join(import.meta.dirname, 'clock-step.mjs'), program, '--config', configFile];
    const env = { CHAOS_CLOCK_FILE: clockFile(service), [UPSTREAM_KEY]: key };
    const member = serviceMember(service, { args, env, cwd: dir }, new RegExp(`^${place.service} is ready`, 'm'));
    undo.defer(() => member.kill());
    services.set(service, member);
  }
  await Promise.all([...services.values()].map((member) => member.start()));
  const [, adminKey = ''] = await services.get('auth-server')!.written(/First admin key, shown this once: (\S+)/);

  const server = (name: MemberName, { pid, kill, restart }: typeof nats | typeof clickhouse): Member => ({
    name,
    pid,
    kill,
    start: restart,
  });
  const members = new Map<MemberName, Member>([
    ...services,
    ...upstreams,
    ['nats', server('nats', nats)],
    ['clickhouse', server('clickhouse', clickhouse)],
  ]);
  const started = undo.move();
  return {
    ...{ dir, ports, adminKey, members, services, disks, checkpointCopies, clockFile, edit },
    host: new URL(publicUrl).host,
    admin: new AdminApi(publicUrl, adminKey),
    natsUrl: nats.url,
    clickhouseUrl: clickhouse.url,
    analyticsUrl: around.urls.analytics,
    upstreamLedgers: [...upstreams.keys()].map(ledgerOf),
    spools: SERVICES_UNDER_TEST.map(spoolOf),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** JetStream as it is deployed, for everybody: edges beyond the first would need users of their own. */
async function natsConfig(dir: string): Promise<string> {
  const deployed = await readFile(path.join(REPOSITORY, 'deploy/nats/nats.conf'), 'utf8');
  const [jetstream] = /^jetstream \{[\s\S]*?^\}/m.exec(deployed) ?? [];
  if (jetstream === undefined) throw new Error('deploy/nats/nats.conf has no section jetstream');
  const file = path.join(dir, 'nats.conf');
  await writeFile(file, `${jetstream}\n`);
  return file;
}

type Ports = Pick<Place, 'listen' | 'management'>;

async function drawPlaces(): Promise<Readonly<Record<ServiceUnderTest, Ports>>> {
  const ports = await freePorts(SERVICES_UNDER_TEST.length * 2);
  const drawn = SERVICES_UNDER_TEST.map((service, index) => {
    const [listen, management] = ports.slice(index * 2);
    return [service, { listen, management }];
  });
  return Object.fromEntries(drawn) as Record<ServiceUnderTest, Ports>;
}

const urlAt = ({ listen }: Ports) => `http://127.0.0.1:${listen}`;

function configOf(around: Around, place: Place, copyTo: string): object {
  const config = serviceConfig(around, place, { logLevel: 'info', limitBytes: SPOOL_LIMIT_BYTES });
  if (place.service !== 'analytics') return config;
  const keyFile = path.join(around.dir, 'checkpoint-key.json');
  return { ...config, checkpoints: { keyFile, createIfMissing: true, intervalMs: CHECKPOINTS_MS, copyTo } };
}
