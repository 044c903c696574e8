import type { Call } from './exchange.js';
import { isPooled } from './legacy-pool.js';
import type { LegacySession, UpstreamProfile } from './upstream/link.js';

type Json = Readonly<Record<string, unknown>>;

/** What a client says of extensions and experiments is kept with its session, if it is no longer than this. */
const MOST_TEXT = 16 * 1024;
/** Extensions whose methods have no way through the gateway: the client would be promised what it cannot have. */
const WITHHELD: ReadonlySet<string> = new Set(['io.modelcontextprotocol/skills']);
const FIRST_WITH_TASKS = '2025-11-25';

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What upstreams of the client's own era can do beyond the protocol itself: extensions and experiments, whose settings belong to the
 * peers, and tasks of revision 2025-11-25. In the other era none of it would mean what it says.
 */
export function ownEraOffers({ inbound }: Pick<Call, 'inbound'>, profiles: readonly UpstreamProfile[], revision: string): Json {
  const own = profiles.filter((profile) => isOfEra(profile, inbound.era));
  const tasks = inbound.era === 'legacy' ? tasksOf(own, revision) : undefined;
  return {
    ...joined('experimental', own),
    ...joined('extensions', own),
    ...(tasks !== undefined && { tasks }),
  };
}

function isOfEra(profile: LegacySession | UpstreamProfile, era: string): boolean {
  const isModern = 'era' in profile && profile.era === 'modern';
  return era === 'modern' ? !isPooled(profile) : !isModern;
}

/** Of two upstreams that say something of one extension, the first is heard. */
function joined(member: 'experimental' | 'extensions', profiles: readonly UpstreamProfile[]): Json {
  const all: Record<string, unknown> = {};
  for (const { capabilities } of profiles) {
    const said = capabilities[member];
    for (const [id, settings] of Object.entries(isObject(said) ? said : {}))
      if (!WITHHELD.has(id) && !Object.hasOwn(all, id)) all[id] = settings;
  }
  return Object.keys(all).length > 0 ? { [member]: all } : {};
}

/** Lists of tasks are not announced: upstreams whose credential is shared would list everybody's. */
function tasksOf(profiles: readonly UpstreamProfile[], revision: string): Json | undefined {
  if (revision < FIRST_WITH_TASKS) return undefined;
  const offers = profiles.map(({ capabilities }) => capabilities.tasks).filter(isObject);
  const forCalls = offers.filter(
    ({ requests }) => isObject(requests) && isObject(requests.tools) && isObject(requests.tools.call),
  );
  if (forCalls.length === 0) return undefined;
  return {
    ...(forCalls.some(({ cancel }) => isObject(cancel)) && { cancel: {} }),
    requests: { tools: { call: {} } },
  };
}

/** What a client declares of extensions and experiments, as far as it is short enough to be kept. */
export function ownEraDeclared(declared: unknown): Json {
  const { experimental, extensions } = isObject(declared) ? declared : {};
  const said = { ...(isObject(experimental) && { experimental }), ...(isObject(extensions) && { extensions }) };
  return JSON.stringify(said).length > MOST_TEXT ? {} : said;
}
