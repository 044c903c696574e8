import type { Snapshot, Upstream } from '@switchyard/contracts';

const SLUG = /^[a-z0-9-]{1,63}$/;

/**
 * Why a snapshot cannot be served from; undefined where it can. The registry makes no such snapshots, but what is served must not hang
 * on that: everything that the path of a call takes for granted is checked here, before the last good one is given up.
 */
export function snapshotProblem(snapshot: Snapshot): string | undefined {
  if (snapshot.revision === '') return 'it has no revision';
  if (!isHttpUrl(snapshot.publicUrl)) return 'its public URL is none';
  const upstreams = new Set(snapshot.upstreams.map(({ name }) => name));
  if (upstreams.size < snapshot.upstreams.length) return 'two upstreams have one name';
  if (new Set(snapshot.servers.map(({ slug }) => slug)).size < snapshot.servers.length) return 'two servers have one slug';
  const unusable = snapshot.upstreams.find((upstream) => !isUsable(upstream));
  if (unusable !== undefined) return `upstream "${unusable.name}" has no usable name, transport or timeout`;
  const unroutable = snapshot.servers.find(({ slug }) => !SLUG.test(slug));
  if (unroutable !== undefined) return `server "${unroutable.slug}" cannot be part of a URL`;
  const dangling = snapshot.servers.flatMap(({ sources }) => sources).find(({ upstream }) => !upstreams.has(upstream));
  return dangling && `a server has the source "${dangling.upstream}", which is no upstream`;
}

function isUsable({ name, transport, timeoutMs }: Upstream): boolean {
  if (name === '' || timeoutMs === 0) return false;
  if (transport.case === 'http') return isHttpUrl(transport.value.url);
  return transport.case === 'stdio' && transport.value.command !== '';
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}
