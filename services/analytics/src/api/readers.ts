import { fromJsonString } from '@bufbuild/protobuf';
import { Problem, type ReaderRequest, type SignedInPerson } from '@switchyard/admin-api';
import { BUCKETS, SnapshotSchema, type Snapshot, type Team } from '@switchyard/contracts';
import { WatchedMap, type State } from '@switchyard/state';
import type { ReadScope } from './read-scope.js';

const CURRENT = 'current';

/** Says what whoever asks may read, by the roles and teams of the configuration that is served now. */
export class Readers {
  readonly #snapshots: WatchedMap<Snapshot>;

  private constructor(snapshots: WatchedMap<Snapshot>) {
    this.#snapshots = snapshots;
  }

  /**
   * @param onUnreadable told of a configuration that cannot be read
   * @throws StateUnavailable
   */
  static async open(state: State, tenant: string, onUnreadable: (key: string, error: unknown) => void): Promise<Readers> {
    const bucket = await state.bucket(BUCKETS.snapshots, tenant);
    const decode = ({ value }: { readonly value: Uint8Array }) =>
      fromJsonString(SnapshotSchema, Buffer.from(value).toString('utf8'), { ignoreUnknownFields: true });
    return new Readers(await WatchedMap.open(bucket, { decode, onError: onUnreadable }));
  }

  /** Where clients reach the gateway; undefined where nobody has said so yet. */
  publicUrl(): string | undefined {
    return this.#snapshots.get(CURRENT)?.publicUrl;
  }

  /** Currency of prices; undefined where there are none, or nobody has said so yet. */
  currency(): string | undefined {
    return this.#snapshots.get(CURRENT)?.currency || undefined;
  }

  /**
   * What the maker of a request may read. AdminGuard has let in keys with a role that may read everything, and people.
   * @throws Problem 503 where it is not known who has which role
   */
  scopeOf({ person }: ReaderRequest): ReadScope {
    if (person === undefined) return { kind: 'all' };
    const snapshot = this.#known();
    if (isAuditor(person, snapshot)) return { kind: 'all' };
    const { issuer, subject, email } = person;
    const leads = snapshot.teams.filter((team) => email !== undefined && team.leads.includes(email)).map(({ name }) => name);
    return { kind: 'some', issuer, subject, teams: leads };
  }

  /**
   * Whether the maker of a request is an auditor: what was captured of calls is for nobody else, not for administrators either.
   * @throws Problem 503 as `scopeOf` does
   */
  isAuditor({ apiKey, person }: ReaderRequest): boolean {
    if (person !== undefined) return isAuditor(person, this.#known());
    return apiKey?.roles.includes('auditor') === true;
  }

  #known(): Snapshot {
    const snapshot = this.#snapshots.get(CURRENT);
    if (snapshot !== undefined) return snapshot;
    const detail = 'The configuration, which says who may read what, is not known here yet. Try again.';
    throw new Problem(503, { reason: 'unavailable', detail, headers: { 'retry-after': '1' } });
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#snapshots.close();
  }
}

function isAuditor(person: SignedInPerson, { auditors, teams }: Snapshot): boolean {
  if (auditors === undefined) return false;
  const isNamed = isAmong(person, auditors);
  return isNamed || teams.some((team) => auditors.teams.includes(team.name) && isAmong(person, team));
}

const isAmong = ({ email, claims }: SignedInPerson, { emails, claims: values }: Pick<Team, 'emails' | 'claims'>) =>
  (email !== undefined && emails.includes(email)) || claims.some((claim) => values.includes(claim));
