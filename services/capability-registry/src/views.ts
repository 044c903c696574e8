import type { ServerList, Snapshot, UpstreamList } from '@switchyard/contracts';

type Upstream = Snapshot['upstreams'][number];

/** Servers as the admin API shows them. */
export function serversView(snapshot: Snapshot): ServerList {
  const servers = snapshot.servers.map(({ slug, title, sources, access }) => ({
    slug,
    title,
    url: `${snapshot.publicUrl}/mcp/${slug}`,
    sources: sources.map(({ upstream, prefix, tools, deny, prompts, resources }) => ({
      upstream,
      prefix,
      tools,
      deny,
      prompts,
      resources,
    })),
    access: access.map(({ teams, everyone, anonymous, tools, prompts, resources }) => ({
      teams,
      everyone,
      anonymous,
      tools,
      prompts,
      resources,
    })),
  }));
  return { revision: snapshot.revision, servers };
}

/** Upstreams as the admin API shows them: a snapshot holds no secrets, so neither does this. */
export function upstreamsView(snapshot: Snapshot): UpstreamList {
  const upstreams = snapshot.upstreams.map((upstream) => ({
    name: upstream.name,
    ...transportView(upstream),
    needs_credential: upstream.needsCredential,
    timeout_ms: upstream.timeoutMs,
    servers: snapshot.servers
      .filter(({ sources }) => sources.some((source) => source.upstream === upstream.name))
      .map(({ slug }) => slug),
  }));
  return { revision: snapshot.revision, upstreams };
}

function transportView({ transport }: Upstream) {
  if (transport.case === 'http') return { type: 'http' as const, url: transport.value.url };
  const { command = '', args = [] } = transport.value ?? {};
  return { type: 'stdio' as const, command, args };
}
