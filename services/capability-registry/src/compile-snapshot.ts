import { create, toJson, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  channelSink,
  CredentialOwner,
  IDENTITY_CREDENTIAL,
  sinkCredential,
  SnapshotSchema,
  type Snapshot,
} from '@switchyard/contracts';
import {
  retentionDays,
  sinkReferences,
  type AppClientConfig,
  type CertificateSubject,
  type GatewayConfig,
  type UpstreamConfig,
} from '@switchyard/gateway-config';
import type { Clock } from '@switchyard/runtime';
import { createHash } from 'node:crypto';
import { compileCapture } from './compile-capture.js';
import { compilePrice } from './compile-price.js';

type SnapshotInit = MessageInitShape<typeof SnapshotSchema>;
type ClientInit = NonNullable<SnapshotInit['clients']>[number];
type UpstreamInit = NonNullable<SnapshotInit['upstreams']>[number];

/**
 * Compiles a configuration into what edges serve from. Holds no secrets: of a credential only its version.
 * Equal content gives an equal revision, whenever it is compiled.
 * @param credentialVersions version of each upstream's stored credential, by upstream name
 */
export function compileSnapshot(
  config: GatewayConfig,
  credentialVersions: Readonly<Record<string, string>>,
  tenant: string,
  clock: Clock,
): Snapshot {
  const content = create(SnapshotSchema, {
    tenant,
    publicUrl: config.gateway.publicUrl,
    upstreams: Object.entries(config.upstreams).map(([name, upstream]) => ({
      ...compileUpstream(name, upstream, credentialVersions),
      ...compilePrice(config, name),
    })),
    servers: Object.entries(config.servers).map(([slug, server]) => ({
      slug,
      title: server.title ?? slug,
      sources: server.sources,
      access: server.access.map(({ when, ...rule }) => ({ ...rule, when: when ?? '' })),
      requireDpop: config.identity.dpop.required || server.requireDpop,
      ...compileCapture(server, config),
      auditStrict: (server.audit.durability ?? config.audit.durability) === 'strict',
      scopes: Object.entries(server.scopes).map(([name, scope]) => ({ name, ...scope })),
    })),
    teams: Object.entries(config.teams).map(([name, team]) => ({ name, ...team, services: servicesIn(name, config) })),
    auditors: config.roles.auditor,
    egressAllow: config.egress.allow,
    clients: config.identity.clients.map(compileClient),
    requireDpopNonce: config.identity.dpop.nonce,
    currency: config.audit.prices?.currency ?? '',
    auditShedsReads: config.audit.whenFull === 'shed',
    identitySecretsVersion: credentialVersions[IDENTITY_CREDENTIAL] ?? '',
    auditSinks: Object.entries(config.audit.sinks).map(([name, settings]) =>
      compileSink(name, settings, credentialVersions[sinkCredential(name)]),
    ),
    auditRetentionDays: retentionDays(config.audit.retention),
    alertRules: Object.entries(config.audit.alerts.rules).map(([name, rule]) => ({ name, settings: JSON.stringify(rule) })),
    alertChannels: Object.entries(config.audit.alerts.channels).map(([name, settings]) =>
      compileSink(name, settings, credentialVersions[sinkCredential(channelSink(name))]),
    ),
  });
  return { ...content, revision: revisionOf(content), compiledAt: timestampFromMs(clock.now()) };
}

/** A sink, or an alert channel, which has the same. */
const compileSink = (name: string, settings: object, secretsVersion = '') => ({
  name,
  settings: JSON.stringify(settings),
  needsSecrets: Object.keys(sinkReferences(settings)).length > 0,
  secretsVersion,
});

function compileClient(app: AppClientConfig): ClientInit {
  const { clientId, title, redirectUris, clientSecret, jwks, certificate, certificateSubject } = app;
  return {
    clientId,
    title: title ?? clientId,
    redirectUris,
    secretReference: clientSecret ?? '',
    jwks: jwks === undefined ? '' : JSON.stringify(jwks),
    certificate: certificate ?? '',
    ...(certificateSubject === undefined ? {} : { certificateSubject: subjectOf(certificateSubject) }),
    certificateBoundTokens: app.certificateBoundTokens ?? (certificate !== undefined || certificateSubject !== undefined),
  };
}

function subjectOf(subject: CertificateSubject): NonNullable<ClientInit['certificateSubject']> {
  const [kind, value] = Object.entries(subject).find(([, text]) => text !== undefined) ?? [];
  return { subject: { case: kind, value } } as NonNullable<ClientInit['certificateSubject']>;
}

function servicesIn(team: string, { identity }: GatewayConfig): string[] {
  return identity.services.filter(({ teams }) => teams.includes(team)).map(({ clientId }) => clientId);
}

/** Whether calls to an upstream need something from the vault. */
export function needsCredential(upstream: UpstreamConfig): boolean {
  if (upstream.kind === 'stdio') return Object.keys(upstream.env).length > 0;
  return upstream.credential !== undefined || Object.keys(upstream.headers).length > 0;
}

const OWNERS = {
  organisation: CredentialOwner.UNSPECIFIED,
  team: CredentialOwner.TEAM,
  principal: CredentialOwner.PRINCIPAL,
} as const;

function compileUpstream(name: string, upstream: UpstreamConfig, versions: Readonly<Record<string, string>>): UpstreamInit {
  const { owner = 'organisation', teams = {} } = (upstream.kind === 'http' ? upstream.credential : undefined) ?? {};
  return {
    name,
    transport: transportOf(upstream),
    credentialOwner: OWNERS[owner],
    credentialTeams: Object.keys(teams),
    needsCredential: needsCredential(upstream),
    credentialVersion: versions[name] ?? '',
    timeoutMs: upstream.timeoutMs,
  };
}

function transportOf(upstream: UpstreamConfig): NonNullable<UpstreamInit['transport']> {
  if (upstream.kind === 'http') return { case: 'http', value: { url: upstream.url } };
  const { command, args, cwd } = upstream;
  return { case: 'stdio', value: { command, args: [...args], cwd } };
}

// ProtoJSON writes fields in the order of their numbers, and its one map, prices of tools, as it was configured: equal content is equal text.
function revisionOf(content: Snapshot): string {
  return createHash('sha256')
    .update(JSON.stringify(toJson(SnapshotSchema, content)))
    .digest('hex')
    .slice(0, 16);
}
