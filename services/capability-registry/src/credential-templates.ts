import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ApplyCredentialsRequestSchema } from '@switchyard/contracts';
import { channelSink, IDENTITY_CREDENTIAL, sinkCredential } from '@switchyard/contracts';
import { identityReferences, sinkReferences, type GatewayConfig, type UpstreamConfig } from '@switchyard/gateway-config';
import { needsCredential } from './compile-snapshot.js';

/** How the vault makes the credential of one upstream. Values hold references; the vault resolves them. */
export type Template = NonNullable<MessageInitShape<typeof ApplyCredentialsRequestSchema>['credentials']>[number];

/** What the vault must keep for each upstream that needs a credential, for each sink and alert channel that has secrets, and for who signs people in. */
export function credentialTemplates(config: GatewayConfig): Template[] {
  const upstreams = Object.entries(config.upstreams)
    .filter(([, upstream]) => needsCredential(upstream))
    .map(([name, upstream]) => templateOf(name, upstream, config));
  const channels = Object.entries(config.audit.alerts.channels).map(([name, settings]) => [channelSink(name), settings] as const);
  const sinks = [...Object.entries(config.audit.sinks), ...channels]
    .map(([name, settings]) => ({ upstream: sinkCredential(name), headers: {}, env: sinkReferences(settings) }))
    .filter(({ env }) => Object.keys(env).length > 0);
  const identity = identityReferences(config);
  // Each stands for itself: the authorization server knows the texts, not where they stood.
  const env = Object.fromEntries(identity.map((text) => [text, text]));
  return [...upstreams, ...sinks, ...(identity.length === 0 ? [] : [{ upstream: IDENTITY_CREDENTIAL, headers: {}, env }])];
}

function templateOf(name: string, upstream: UpstreamConfig, config: GatewayConfig): Template {
  if (upstream.kind === 'stdio') return { upstream: name, headers: {}, env: { ...upstream.env } };
  const { headers, credential } = upstream;
  const fields = { upstream: name, headers: { ...headers }, env: {} };
  if (credential === undefined) return fields;
  // What an upstream is told of its callers says in which of all teams they are.
  const own =
    credential.kind === 'user-claims' || credential.kind === 'token-exchange'
      ? Object.fromEntries(Object.keys(config.teams).map((team) => [team, {}]))
      : credential.teams;
  const teams = Object.entries(own).map(([team, settings]) => ({
    team: { name: team, ...config.teams[team] },
    settings: { ...settings },
  }));
  return { ...fields, kind: credential.kind, settings: { ...credential.settings }, teams };
}
