import { renderRule } from '@switchyard/audit';
import type { AccessRule, GuardScope, Server, Snapshot, Source, Team, Upstream } from '@switchyard/contracts';
import { compilePatterns } from '@switchyard/mcp';
import { type CompiledCapture, compileCapture } from './capture/capture-plan.js';
import { guardScope, KIND_SCOPES, MCP_SCOPE } from '@switchyard/oauth';

/** What access rules speak about. A completion is judged as the prompt or resource that it completes. */
export type CapabilityKind = 'tool' | 'prompt' | 'resource';

type Matcher = (name: string) => boolean;

/** An access rule, ready to be asked. A kind that it does not grant is absent. */
export interface CompiledRule {
  readonly teams: readonly string[];
  readonly everyone: boolean;
  readonly anonymous: boolean;
  /** Condition over arguments and claims; not evaluated yet, so a rule that has one does not grant. */
  readonly when: string;
  readonly grants: Readonly<Partial<Record<CapabilityKind, Matcher>>>;
  /** What it grants, as configured. */
  readonly text: string;
  /** Where it stands in the configuration, as `renderRule` has it. */
  readonly rendered: string;
}

/** A scope that stands guard over some of a server, ready to be asked for. */
export interface CompiledGuard {
  /** In full. */
  readonly scope: string;
  readonly covers: Readonly<Record<CapabilityKind, Matcher>>;
}

/** One upstream's part in a server. */
export interface CompiledSource {
  readonly upstream: string;
  /** Put before the names of tools and prompts, as access rules see them. */
  readonly prefix: string;
  /** Put before those again on the server `/mcp`, which joins all servers; empty elsewhere. */
  readonly outerPrefix: string;
  readonly offers: Readonly<Record<CapabilityKind, Matcher>>;
  readonly denies: Matcher;
  readonly rules: readonly CompiledRule[];
  readonly guards: readonly CompiledGuard[];
  /** Upstream's own tool names that are known only to read. */
  readonly reads: Matcher;
  /** Whether what happens there has to be on the disk before it goes on. */
  readonly strict: boolean;
  /** What is kept of what is said there; undefined: nothing. */
  readonly capture: CompiledCapture | undefined;
  /** Where it stands in the configuration. */
  readonly path: string;
  /** Itself, as configured. */
  readonly text: string;
}

/** A virtual server, ready to serve. */
export interface CompiledServer {
  /** Empty for `/mcp`. */
  readonly slug: string;
  readonly title: string;
  /** RFC 8707 resource indicator: the URL that clients use. */
  readonly resource: string;
  readonly sources: readonly CompiledSource[];
  /** Scopes that clients may ask for from the start (RFC 9728 §2): those of the kinds that it offers. */
  readonly scopes: readonly string[];
  /** Whether some rule lets callers in who have not signed in. */
  readonly anonymous: boolean;
  /** Whether only tokens that are bound to a key are taken. */
  readonly requireDpop: boolean;
  /** Whether what happens on it has to be on the disk before it goes on. */
  readonly strict: boolean;
}

/** Members of a team. */
export interface CompiledTeam {
  readonly emails: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
  /** Client ids of services. */
  readonly services: ReadonlySet<string>;
}

/** A snapshot, compiled once, shared by every exchange that started under it. */
export interface Catalog {
  readonly revision: string;
  readonly publicUrl: string;
  /** Whether DPoP proofs need a nonce. */
  readonly requireDpopNonce: boolean;
  /** Whether what only reads goes on unrecorded while nothing can be recorded. */
  readonly shedsReads: boolean;
  readonly servers: ReadonlyMap<string, CompiledServer>;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly teams: ReadonlyMap<string, CompiledTeam>;
  readonly egressAllow: readonly string[];
}

/** What there is before the first snapshot. */
export const NO_CATALOG: Catalog = {
  revision: '',
  publicUrl: '',
  servers: new Map(),
  upstreams: new Map(),
  teams: new Map(),
  egressAllow: [],
  requireDpopNonce: false,
  shedsReads: false,
};

function compileRule(rule: AccessRule, path: string): CompiledRule {
  const kinds = { tool: rule.tools, prompt: rule.prompts, resource: rule.resources };
  const named = Object.entries(kinds).filter(([, patterns]) => patterns.length > 0);
  // A rule that names no kind grants every kind; a rule that names some grants just those.
  const granted = named.length > 0 ? named : Object.keys(kinds).map((kind) => [kind, ['*']] as const);
  return {
    teams: rule.teams,
    everyone: rule.everyone,
    anonymous: rule.anonymous,
    when: rule.when,
    grants: Object.fromEntries(granted.map(([kind, patterns]) => [kind, compilePatterns(patterns)])),
    text: JSON.stringify(kinds),
    rendered: renderRule(path),
  };
}

const compileGuard = (slug: string, { name, tools, prompts, resources }: GuardScope): CompiledGuard => ({
  scope: guardScope(slug, name),
  covers: { tool: compilePatterns(tools), prompt: compilePatterns(prompts), resource: compilePatterns(resources) },
});

/** What stands guard is asked for when it is needed, so it is not among them. */
function scopesOf(sources: readonly Source[]): string[] {
  const offers: Readonly<Record<CapabilityKind, boolean>> = {
    tool: sources.some(({ tools }) => tools.length > 0),
    prompt: sources.some(({ prompts }) => prompts.length > 0),
    resource: sources.some(({ resources }) => resources.length > 0),
  };
  const kinds = (Object.keys(offers) as CapabilityKind[]).filter((kind) => offers[kind]);
  return [MCP_SCOPE, ...kinds.map((kind) => KIND_SCOPES[kind])];
}

type SourceParts = Pick<CompiledSource, 'rules' | 'guards' | 'strict' | 'capture' | 'path'>;

function compileSource(source: Source, parts: SourceParts): CompiledSource {
  return {
    upstream: source.upstream,
    prefix: source.prefix,
    outerPrefix: '',
    offers: {
      tool: compilePatterns(source.tools),
      prompt: compilePatterns(source.prompts),
      resource: compilePatterns(source.resources),
    },
    denies: compilePatterns(source.deny),
    reads: compilePatterns(source.readOnly),
    ...parts,
    text: JSON.stringify(source),
  };
}

function compileServer(server: Server, publicUrl: string): CompiledServer {
  const path = `servers.${server.slug}`;
  const rules = server.access.map((rule, index) => compileRule(rule, `${path}.access[${index}]`));
  const capture = compileCapture(server);
  const guards = server.scopes.map((scope) => compileGuard(server.slug, scope));
  return {
    slug: server.slug,
    title: server.title,
    resource: `${publicUrl}/mcp/${server.slug}`,
    sources: server.sources.map((source, index) =>
      compileSource(source, { rules, guards, strict: server.auditStrict, capture, path: `${path}.sources[${index}]` }),
    ),
    scopes: scopesOf(server.sources),
    anonymous: rules.some((rule) => rule.anonymous),
    requireDpop: server.requireDpop,
    strict: server.auditStrict,
  };
}

/** `/mcp`: everything that the caller may use, each server's names behind its slug. */
function joinServers(servers: readonly CompiledServer[], publicUrl: string): CompiledServer {
  return {
    slug: '',
    title: '',
    resource: `${publicUrl}/mcp`,
    sources: servers.flatMap((server) => server.sources.map((source) => ({ ...source, outerPrefix: `${server.slug}__` }))),
    scopes: [...new Set(servers.flatMap(({ scopes }) => scopes))],
    anonymous: false,
    // It leads to every server, so the strictest decides.
    requireDpop: servers.some(({ requireDpop }) => requireDpop),
    strict: servers.some(({ strict }) => strict),
  };
}

const compileTeam = ({ emails, claims, services }: Team): CompiledTeam => ({
  emails: new Set(emails),
  claims: new Set(claims),
  services: new Set(services),
});

/** Compiles a snapshot. Pure. */
export function compileCatalog(snapshot: Snapshot): Catalog {
  const servers = snapshot.servers.map((server) => compileServer(server, snapshot.publicUrl));
  const joined = joinServers(servers, snapshot.publicUrl);
  return {
    revision: snapshot.revision,
    publicUrl: snapshot.publicUrl,
    requireDpopNonce: snapshot.requireDpopNonce,
    shedsReads: snapshot.auditShedsReads,
    servers: new Map([...servers, joined].map((server) => [server.slug, server])),
    upstreams: new Map(snapshot.upstreams.map((upstream) => [upstream.name, upstream])),
    teams: new Map(snapshot.teams.map((team) => [team.name, compileTeam(team)])),
    egressAllow: snapshot.egressAllow,
  };
}
