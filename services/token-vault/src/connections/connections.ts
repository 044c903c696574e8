import type { EventFields } from '@switchyard/contracts';
import { fits, type ConnectWay } from '../connect-way.js';
import type { Connection, ConnectionId, ConnectionIndex, ConnectionsOf } from './connection.js';
import type { ChangedBy, ConnectionNewsdesk } from './connection-news.js';
import type { ConnectionStore } from './connection-store.js';
import type { Revocations } from './revocations.js';

/** A connection as its owner sees it. */
export interface ConnectionView {
  readonly label: string;
  readonly isDefault: boolean;
  readonly state: Connection['state'] | 'damaged';
  /** Host of the authorization server that it is with; of the upstream, where it is a key. */
  readonly at: string;
  readonly account?: string;
  readonly scopes: readonly string[];
  readonly wanted: readonly string[];
  readonly connectedAtMs: number;
}

/** What changing connections stands on. */
export interface ConnectionsOptions {
  readonly store: ConnectionStore;
  readonly news: ConnectionNewsdesk;
  readonly revocations: Revocations;
}

const withLabel = (index: ConnectionIndex | undefined, label: string): ConnectionIndex =>
  index === undefined
    ? { format: 1, default: label, labels: [label] }
    : { ...index, labels: [...new Set([...index.labels, label])] };

function withoutLabel(index: ConnectionIndex | undefined, label: string): ConnectionIndex | undefined {
  const labels = (index?.labels ?? []).filter((one) => one !== label);
  const [first] = labels;
  if (index === undefined || first === undefined) return undefined;
  return { ...index, labels, default: index.default === label ? first : index.default };
}

/** People's connections: made, shown, chosen and ended. */
export class Connections {
  readonly #o: ConnectionsOptions;

  constructor(options: ConnectionsOptions) {
    this.#o = options;
  }

  /**
   * What somebody has towards an upstream, the default first.
   * @param way how people connect to it now; where they cannot, undefined
   * @throws KmsUnavailable; StateUnavailable
   */
  async list(of: ConnectionsOf, way: ConnectWay | undefined): Promise<ConnectionView[]> {
    const index = await this.#o.store.index(of);
    if (index.state !== 'intact') return [];
    const { default: standard, labels } = index.value;
    const order = [standard, ...labels.filter((label) => label !== standard).sort()];
    const views = await Promise.all(order.map((label) => this.#view({ ...of, label }, label === standard, way)));
    return views.filter((view) => view !== undefined);
  }

  /**
   * Stores a connection; the first one is the default.
   * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable; SpoolFull
   */
  async connect(id: ConnectionId, connection: Connection, actor: Partial<EventFields>): Promise<void> {
    const { store, news } = this.#o;
    for (;;) {
      const read = await store.get(id);
      const place = read.state === 'absent' ? undefined : read.place;
      const version = await store.replace(id, place, connection);
      if (version === undefined) continue;
      await store.changeIndex(id, (index) => withLabel(index, id.label));
      return news.tell({ id, change: 'connected', state: 'connected', version, actor });
    }
  }

  /**
   * Ends a connection: here at once, and at its authorization server as soon as that answers.
   * @param by who ends it and why, where it is not done on its page
   * @returns whether there was one
   * @throws as `connect`
   */
  async disconnect(id: ConnectionId, actor: Partial<EventFields>, by?: ChangedBy): Promise<boolean> {
    const { store, news, revocations } = this.#o;
    const read = await store.get(id);
    if (read.state === 'absent') return false;
    // Written down before it is deleted: who is killed in between has still told the upstream.
    const revocation = read.state === 'intact' ? await revocations.add(read.value) : undefined;
    await store.changeIndex(id, (index) => withoutLabel(index, id.label));
    await store.delete(id);
    const why = by && { reason: by.reason, ...(by.isOther === true && { by: by.fields }) };
    await news.tell({ id, change: 'disconnected', state: 'disconnected', version: '', actor, ...why });
    revocation?.();
    return true;
  }

  /** Chooses the connection that calls use. @returns whether there is such a one @throws as `connect` */
  async choose(id: ConnectionId, actor: Partial<EventFields>): Promise<boolean> {
    const { store, news } = this.#o;
    const read = await store.get(id);
    if (read.state !== 'intact') return false;
    const index = await store.changeIndex(id, (now) =>
      now?.labels.includes(id.label) === true ? { ...now, default: id.label } : now,
    );
    if (index?.default !== id.label) return false;
    await news.tell({ id, change: 'default_changed', state: 'connected', version: read.version, actor });
    return true;
  }

  async #view(id: ConnectionId, isDefault: boolean, way: ConnectWay | undefined): Promise<ConnectionView | undefined> {
    const read = await this.#o.store.get(id);
    if (read.state === 'absent') return undefined;
    const { label } = id;
    if (read.state === 'damaged') return { label, isDefault, state: 'damaged', at: '', scopes: [], wanted: [], connectedAtMs: 0 };
    const { connectedAtMs } = read.value;
    const state = way === undefined || fits(way, read.value) ? read.value.state : 'reauth_required';
    const same = { label, isDefault, state, connectedAtMs };
    if (read.value.format === 2) return { ...same, at: new URL(read.value.origin).host, scopes: [], wanted: [] };
    const { client, scopes, wanted, account } = read.value;
    return { ...same, at: new URL(client.issuer).host, scopes, wanted, ...(account !== undefined && { account }) };
  }
}
