import { fromJsonString } from '@bufbuild/protobuf';
import { BUCKETS, SnapshotSchema, type AccessRule } from '@switchyard/contracts';
import { guardScope } from '@switchyard/oauth';
import { WatchedMap, type State } from '@switchyard/state';

const SNAPSHOT_KEY = 'current';

interface Member {
  readonly email?: string;
  readonly claims: readonly string[];
}

/** What is known of the configuration. */
interface Known {
  /** Titles of the servers, by slug. */
  readonly titles: ReadonlyMap<string, string>;
  /** What scopes that stand guard over some server allow, in words for people, by name. */
  readonly guards: ReadonlyMap<string, string>;
  /** Every value that some team is matched by. */
  readonly teamClaims: ReadonlySet<string>;
  /** Whether some rule speaks to somebody, by slug. */
  readonly admits: ReadonlyMap<string, (person: Member) => boolean>;
}

const NOTHING: Known = { titles: new Map(), guards: new Map(), teamClaims: new Set(), admits: new Map() };

/** The servers of the configuration that edges serve from, kept current by a watch. */
export class KnownServers {
  readonly #snapshots: WatchedMap<Known>;

  private constructor(snapshots: WatchedMap<Known>) {
    this.#snapshots = snapshots;
  }

  /**
   * @param onUnreadable told of a snapshot that is none; the one before it stays
   * @throws StateUnavailable when the store cannot be reached
   */
  static async open(state: State, tenant: string, onUnreadable: (error: unknown) => void): Promise<KnownServers> {
    const bucket = await state.bucket(BUCKETS.snapshots, tenant);
    const onError = (_key: string, error: unknown) => onUnreadable(error);
    return new KnownServers(await WatchedMap.open(bucket, { decode: ({ value }) => readKnown(value), onError }));
  }

  has(slug: string): boolean {
    return this.#known().titles.has(slug);
  }

  /** What people call a server: its title, else its slug. */
  title(slug: string): string {
    return this.#known().titles.get(slug) || slug;
  }

  /** Scopes that stand guard over some of a server. @param slug absent: of every server */
  guards(slug?: string): ReadonlySet<string> {
    const own = guardScope(slug ?? '', '');
    return new Set([...this.#known().guards.keys()].filter((scope) => slug === undefined || scope.startsWith(own)));
  }

  /** What a scope that stands guard allows, in words for people; undefined where there is none. */
  guardTitle(scope: string): string | undefined {
    return this.#known().guards.get(scope);
  }

  /** Whether some access rule of a server speaks to somebody: the edge decides the same for each capability. */
  mayUse(slug: string, person: { readonly email?: string; readonly claims: readonly string[] }): boolean {
    return this.#known().admits.get(slug)?.(person) ?? false;
  }

  /** Those of somebody's claims that some team is matched by: tokens carry no others, which can be hundreds. */
  teamClaimsAmong(claims: readonly string[]): string[] {
    const { teamClaims } = this.#known();
    return [...new Set(claims)].filter((claim) => teamClaims.has(claim));
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#snapshots.close();
  }

  #known(): Known {
    return this.#snapshots.get(SNAPSHOT_KEY) ?? NOTHING;
  }
}

function readKnown(value: Uint8Array): Known {
  const snapshot = fromJsonString(SnapshotSchema, Buffer.from(value).toString('utf8'), { ignoreUnknownFields: true });
  const teams = new Map(snapshot.teams.map((team) => [team.name, team]));
  const isMember = (name: string, { email, claims }: Member) => {
    const team = teams.get(name);
    if (team === undefined) return false;
    return (email !== undefined && team.emails.includes(email)) || claims.some((claim) => team.claims.includes(claim));
  };
  const speaksTo = (rule: AccessRule, person: Member) =>
    rule.when === '' && (rule.anonymous || rule.everyone || rule.teams.some((name) => isMember(name, person)));
  return {
    titles: new Map(snapshot.servers.map(({ slug, title }) => [slug, title])),
    guards: new Map(
      snapshot.servers.flatMap(({ slug, scopes }) => scopes.map(({ name, title }) => [guardScope(slug, name), title])),
    ),
    teamClaims: new Set(snapshot.teams.flatMap(({ claims }) => claims)),
    admits: new Map(
      snapshot.servers.map(({ slug, access }) => [slug, (person) => access.some((rule) => speaksTo(rule, person))]),
    ),
  };
}
