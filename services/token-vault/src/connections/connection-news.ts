import type { Audit } from '@switchyard/audit';
import { BUCKETS, connectionChangeKey, type ConnectionChange, type EventFields } from '@switchyard/contracts';
import type { KvStore, State } from '@switchyard/state';
import type { ConnectionId } from './connection.js';

/** What became of a connection. */
export interface ConnectionNews extends ConnectionChange {
  readonly id: ConnectionId;
  readonly change: 'connected' | 'disconnected' | 'reauth_required' | 'refreshed' | 'default_changed';
  /** Why, where it was not wanted. */
  readonly reason?: string;
  readonly actor?: Partial<EventFields>;
  /** Whose doing it was, where that was somebody else than its owner. */
  readonly by?: Partial<EventFields>;
}

/** Who changes a connection, and why, over the API. */
export interface ChangedBy {
  readonly fields: Partial<EventFields>;
  readonly reason: string;
  /** Set where that is not its owner. */
  readonly isOther?: boolean;
}

/** Edges keep a lease for a minute at most; whoever was away for longer has none. */
const KEPT_MS = 5 * 60_000;

/** Tells edges and the audit trail what became of connections. */
export class ConnectionNewsdesk {
  readonly #kv: KvStore;
  readonly #audit: Pick<Audit, 'record'>;

  private constructor(kv: KvStore, audit: Pick<Audit, 'record'>) {
    this.#kv = kv;
    this.#audit = audit;
  }

  /** @throws StateUnavailable */
  static async open(state: State, tenant: string, audit: Pick<Audit, 'record'>): Promise<ConnectionNewsdesk> {
    return new ConnectionNewsdesk(await state.bucket(BUCKETS.connectionChanges, tenant), audit);
  }

  /** Edges first: what they hold may be what must not be used any more. @throws StateUnavailable; SpoolFull */
  async tell({ id, change, state, version, reason = '', actor = {}, by }: ConnectionNews): Promise<void> {
    const said: ConnectionChange = { state, version };
    await this.#kv.put(connectionChangeKey(id.upstream, id), Buffer.from(JSON.stringify(said)), { ttlMs: KEPT_MS });
    await this.#audit.record({
      ...actor,
      type: 'connection.changed',
      outcome: change === 'reauth_required' ? 'error' : 'ok',
      reason,
      upstream: id.upstream,
      principal_issuer: id.issuer,
      principal_subject: id.subject,
      ...by,
      detail: { change, label: id.label, version, ...(by !== undefined && { person: id.subject }) },
    });
  }
}
