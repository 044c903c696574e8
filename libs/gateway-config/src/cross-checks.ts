import { suggest } from '@switchyard/runtime';
import { needlessCertificates } from './client-certificates.js';
import type { AccessRuleConfig, GatewayConfig, ServerConfig } from './gateway-schema.js';
import { isLoopbackHost } from './loopback.js';
import type { PlacedProblem } from './placed-problem.js';

/** What the sections say about each other. */
export function findCrossProblems(config: GatewayConfig): PlacedProblem[] {
  return [
    ...identityProblems(config),
    ...serviceProblems(config),
    ...sharedClientIds(config),
    ...needlessCertificates(config.identity),
    ...teamProblems(config),
    ...roleProblems(config),
    ...loopProblems(config),
    ...connectProblems(config),
    ...assertionProblems(config),
    ...credentialTeamProblems(config),
    ...Object.keys(config.audit.prices?.upstreams ?? {}).flatMap((name) =>
      unknownName(config.upstreams, name, 'upstream', ['audit', 'prices', 'upstreams', name]),
    ),
    ...sinkProblems(config),
    ...alertProblems(config),
    ...Object.entries(config.servers).flatMap(([slug, server]) => serverProblems(config, server, ['servers', slug])),
    ...captureProblems(config),
  ];
}

function identityProblems({ gateway, identity }: GatewayConfig): PlacedProblem[] {
  if (isLoopbackHost(new URL(gateway.publicUrl).hostname)) return [];
  if (identity.mode === 'dev') {
    const message =
      'is not a loopback address, and identity.mode dev lets anyone sign in as anyone. Use a loopback address such as http://localhost:8080, or identity.mode oidc.';
    return [{ path: ['gateway', 'publicUrl'], message }];
  }
  const insecure = identity.providers.filter(({ issuer }) => issuer.startsWith('http:'));
  return insecure.map(({ name }) => ({
    path: ['identity'],
    message: `has an issuer without TLS (${name}), which is accepted only while gateway.publicUrl is a loopback address. Use https.`,
  }));
}

function serviceProblems({ gateway, identity, servers, teams }: GatewayConfig): PlacedProblem[] {
  const isLocal = isLoopbackHost(new URL(gateway.publicUrl).hostname);
  return identity.services.flatMap((service) => {
    const path = ['identity', 'services', service.name];
    const problems = [
      ...service.servers.flatMap((slug, index) =>
        slug === '*' ? [] : unknownName(servers, slug, 'server', [...path, 'servers', index]),
      ),
      ...service.teams.flatMap((team, index) => unknownName(teams, team, 'team', [...path, 'teams', index])),
    ];
    if (service.jwksUri?.startsWith('http:') === true && !isLocal)
      problems.push({
        path: [...path, 'jwksUri'],
        message: 'is without TLS, which is accepted only while gateway.publicUrl is a loopback address. Use https.',
      });
    return problems;
  });
}

function sharedClientIds({ identity }: GatewayConfig): PlacedProblem[] {
  const taken = new Set(identity.services.map(({ clientId }) => clientId));
  return identity.clients
    .filter(({ clientId }) => taken.has(clientId))
    .map(({ clientId }) => ({
      path: ['identity', 'clients', clientId],
      message: 'is the client id of a service too. Rename one of them.',
    }));
}

function teamProblems({ teams, identity }: GatewayConfig): PlacedProblem[] {
  return Object.entries(teams)
    .filter(([, team]) => team.emails.length + team.claims.length === 0)
    .filter(([name]) => !identity.services.some((service) => service.teams.includes(name)))
    .map(([name]) => ({ path: ['teams', name], message: 'has no members. Add emails or claims.' }));
}

function roleProblems({ roles, teams }: GatewayConfig): PlacedProblem[] {
  return Object.entries(roles).flatMap(([role, holders]) =>
    holders.teams.flatMap((team, index) => unknownName(teams, team, 'team', ['roles', role, 'teams', index])),
  );
}

function loopProblems({ gateway, upstreams }: GatewayConfig): PlacedProblem[] {
  const own = new URL(gateway.publicUrl);
  return Object.entries(upstreams)
    .filter(([, upstream]) => upstream.kind === 'http' && reachesGateway(new URL(upstream.url), own, gateway.port))
    .map(([name]) => ({
      path: ['upstreams', name, 'url'],
      message: 'is the gateway itself, which would call itself without end. Name the upstream server.',
    }));
}

function credentialTeamProblems(config: GatewayConfig): PlacedProblem[] {
  return Object.entries(config.upstreams).flatMap(([name, upstream]) =>
    Object.keys(upstream.kind === 'http' ? (upstream.credential?.teams ?? {}) : {}).flatMap((team) =>
      unknownName(config.teams, team, 'team', ['upstreams', name, 'credential', 'perTeam', team]),
    ),
  );
}

function sinkProblems(config: GatewayConfig): PlacedProblem[] {
  return Object.entries(config.audit.sinks).flatMap(([name, { filter }]) =>
    filterProblems(config, filter, ['audit', 'sinks', name, 'filter']),
  );
}

function alertProblems(config: GatewayConfig): PlacedProblem[] {
  const { rules, channels } = config.audit.alerts;
  return Object.entries(rules).flatMap(([name, rule]) => {
    const path = ['audit', 'alerts', 'rules', name];
    return [
      ...(rule.notify ?? []).flatMap((channel, index) => unknownName(channels, channel, 'channel', [...path, 'notify', index])),
      ...('filter' in rule ? filterProblems(config, rule.filter, [...path, 'filter']) : []),
    ];
  });
}

/** Fields that are to stay readable where nothing is captured, or everything. */
function captureProblems({ audit, servers }: GatewayConfig): PlacedProblem[] {
  return Object.entries(servers).flatMap(([slug, server]) => {
    const mode = server.audit.capture ?? audit.capture;
    if (mode === 'redacted') return [];
    const needless = (['clear', 'clearResult'] as const).filter((key) => server.audit[key].length > 0);
    return needless.map((key) => ({
      path: ['servers', slug, 'audit', key],
      message: `does nothing where capture is ${mode}. Remove it, or write capture: redacted.`,
    }));
  });
}

const FILTERED = [
  ['teams', 'team'],
  ['servers', 'server'],
  ['upstreams', 'upstream'],
] as const;

/** A filter that names what is not there would let nothing pass, and nobody would notice. */
function filterProblems(
  config: GatewayConfig,
  filter: Readonly<Partial<Record<(typeof FILTERED)[number][0], readonly string[] | undefined>>>,
  path: PropertyKey[],
): PlacedProblem[] {
  return FILTERED.flatMap(([key, what]) =>
    (filter[key] ?? []).flatMap((one, index) => unknownName(config[key], one, what, [...path, key, index])),
  );
}

/** Paths below /connect that are not those of upstreams. */
const CONNECT_PATHS = new Set(['callback', 'sign-in', 'signed-in']);

function connectProblems({ upstreams }: GatewayConfig): PlacedProblem[] {
  return Object.entries(upstreams)
    .filter(
      ([name, upstream]) => CONNECT_PATHS.has(name) && upstream.kind === 'http' && upstream.credential?.owner === 'principal',
    )
    .map(([name]) => ({
      path: ['upstreams', name],
      message: `cannot be connected: /connect/${name} is a page of the gateway. Rename it.`,
    }));
}

/** Who signed in for development is at no company that could say so. */
function assertionProblems({ identity, upstreams }: GatewayConfig): PlacedProblem[] {
  if (identity.mode === 'oidc') return [];
  return Object.entries(upstreams)
    .filter(([, upstream]) => upstream.kind === 'http' && upstream.credential?.kind === 'id-jag')
    .map(([name]) => ({
      path: ['upstreams', name, 'credential', 'type'],
      message: 'is for people who signed in at their company, and with identity.mode dev nobody does. Write identity.mode oidc.',
    }));
}

function reachesGateway(url: URL, own: URL, port: number): boolean {
  if (url.origin === own.origin) return true;
  return port !== 0 && url.port === String(port) && isLoopbackHost(url.hostname) && isLoopbackHost(own.hostname);
}

function serverProblems(config: GatewayConfig, server: ServerConfig, path: PropertyKey[]): PlacedProblem[] {
  return [
    ...server.sources.flatMap(({ upstream }, index) =>
      unknownName(config.upstreams, upstream, 'upstream', [...path, 'sources', index, 'upstream']),
    ),
    ...duplicateSources(server, path),
    ...Object.entries(server.scopes)
      .filter(([, { tools, prompts, resources }]) => tools.length + prompts.length + resources.length === 0)
      .map(([name]) => ({ path: [...path, 'scopes', name], message: 'covers nothing. Name tools, prompts or resources.' })),
    ...server.access.flatMap((rule, index) => accessProblems(config, rule, [...path, 'access', index])),
  ];
}

function duplicateSources({ sources }: ServerConfig, path: PropertyKey[]): PlacedProblem[] {
  const key = ({ upstream, prefix }: ServerConfig['sources'][number]) => `${prefix} ${upstream}`;
  return sources.flatMap((source, index) => {
    if (sources.findIndex((earlier) => key(earlier) === key(source)) === index) return [];
    return [
      {
        path: [...path, 'sources', index],
        message: `names upstream "${source.upstream}" a second time with the same prefix. Merge the two, or give this one another prefix.`,
      },
    ];
  });
}

function accessProblems(config: GatewayConfig, rule: AccessRuleConfig, path: PropertyKey[]): PlacedProblem[] {
  const problems = rule.teams.flatMap((team, index) => unknownName(config.teams, team, 'team', [...path, 'teams', index]));
  if (rule.when !== undefined) {
    problems.push({
      path: [...path, 'when'],
      message:
        'conditions are not evaluated by this version, so the rule would grant more than it says. Remove the rule, or its condition.',
    });
  }
  if (rule.teams.length === 0 && !rule.everyone && !rule.anonymous) {
    problems.push({ path, message: 'grants to nobody. Add teams, everyone: true or anonymous: true.' });
  }
  if (rule.tools.length + rule.prompts.length + rule.resources.length === 0) {
    problems.push({
      path,
      message: 'grants nothing. Name tools, prompts or resources, or none of the three to grant everything.',
    });
  }
  return problems;
}

function unknownName(known: Readonly<Record<string, unknown>>, name: string, what: string, path: PropertyKey[]): PlacedProblem[] {
  if (Object.hasOwn(known, name)) return [];
  const meant = suggest(name, Object.keys(known));
  return [{ path, message: `no ${what} is called "${name}". ${meant ? `Did you mean "${meant}"?` : `Add it under ${what}s.`}` }];
}
