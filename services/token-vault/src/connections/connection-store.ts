import { BUCKETS } from '@switchyard/contracts';
import type { State } from '@switchyard/state';
import type { Keyring } from '../keyring/keyring.js';
import { SealedStore, type Damage, type RecordPrincipal, type TenantRecords } from '../sealed-store.js';
import {
  decodeConnection,
  decodeIndex,
  encodeConnection,
  encodeIndex,
  type Connection,
  type ConnectionId,
  type ConnectionIndex,
  type ConnectionsOf,
} from './connection.js';

/** A record that could be read, and where it stood. */
export interface Intact<T> {
  readonly state: 'intact';
  readonly value: T;
  readonly version: string;
  readonly place: number;
}

/** A record as it was read. */
export type Read<T> =
  { readonly state: 'absent' } | { readonly state: 'damaged'; readonly damage: Damage; readonly place: number } | Intact<T>;

/** What an upstream is shown. A key that is entered again counts as another: whoever was refused before does not speak of it. */
const shownOf = (connection: Connection): string[] =>
  connection.format === 1 ? [connection.accessToken] : ['key', connection.key, String(connection.connectedAtMs)];

/** No label is empty: under the empty one is which labels there are. */
const INDEX = '';

const nameOf = ({ issuer, subject, upstream, label }: ConnectionId) => JSON.stringify([issuer, subject, upstream, label]);

function principalOf(name: string): RecordPrincipal {
  try {
    const [principalIssuer, principalSubject] = JSON.parse(name) as [string, string];
    return { principalIssuer, principalSubject };
  } catch {
    // Not a name of ours: what stands there belongs to nobody, and so opens for nobody.
    return { principalIssuer: '', principalSubject: '' };
  }
}

/**
 * One tenant's connections. A record's name says whose it is, towards which upstream, and which of them; all of it is authenticated
 * with what is encrypted, so that no record can be put in the place of another.
 */
export class ConnectionStore {
  /** What is under it, for who encrypts it anew. */
  readonly sealed: SealedStore;
  readonly #keyring: Keyring;

  private constructor(sealed: SealedStore, keyring: Keyring) {
    this.sealed = sealed;
    this.#keyring = keyring;
  }

  /** @throws StateUnavailable */
  static async open(state: State, o: TenantRecords): Promise<ConnectionStore> {
    const kv = await state.bucket(BUCKETS.connections, o.tenant);
    return new ConnectionStore(new SealedStore({ ...o, kv, kind: 'connection', principalOf }), o.keyring);
  }

  /** @throws KmsUnavailable; StateUnavailable */
  async get(id: ConnectionId): Promise<Read<Connection>> {
    return this.#read(nameOf(id), decodeConnection);
  }

  /**
   * Stores a connection in the place of what was read.
   * @param place where it stood; undefined: nowhere
   * @returns its version, which changes with what the upstream is shown; undefined where somebody else wrote since then
   * @throws KmsUnavailable; TenantKeyDestroyed; StateUnavailable
   */
  async replace(id: ConnectionId, place: number | undefined, connection: Connection): Promise<string | undefined> {
    const name = nameOf(id);
    const version = await this.#keyring.versionOf(['connection', name, ...shownOf(connection)]);
    return (await this.sealed.replace(name, place, encodeConnection(connection), version)) ? version : undefined;
  }

  /** As `SealedStore.freeze`. @param id with the empty label: which connections somebody has */
  freeze(id: ConnectionId, place: number): Promise<void> {
    return this.sealed.freeze(nameOf(id), place);
  }

  /** @throws StateUnavailable */
  async delete(id: ConnectionId): Promise<void> {
    await this.sealed.delete(nameOf(id));
  }

  /** Every connection of somebody, in the order of upstreams and labels. @throws StateUnavailable */
  async ofPrincipal({ issuer, subject }: Pick<ConnectionId, 'issuer' | 'subject'>): Promise<ConnectionId[]> {
    const prefix = `${JSON.stringify([issuer, subject]).slice(0, -1)},`;
    const names = await this.sealed.names(prefix);
    return names.flatMap((name) => {
      const [, , upstream = '', label = INDEX] = JSON.parse(name) as string[];
      return label === INDEX ? [] : [{ issuer, subject, upstream, label }];
    });
  }

  /** Which connections somebody has. @throws as `get` */
  async index(of: ConnectionsOf): Promise<Read<ConnectionIndex>> {
    return this.#read(nameOf({ ...of, label: INDEX }), decodeIndex);
  }

  /**
   * Changes which connections somebody has; tries again where somebody else does at the same time.
   * @param change given what there are, undefined: none; returns what there are to be, undefined: none
   * @throws as `replace`
   */
  async changeIndex(
    of: ConnectionsOf,
    change: (index: ConnectionIndex | undefined) => ConnectionIndex | undefined,
  ): Promise<ConnectionIndex | undefined> {
    const name = nameOf({ ...of, label: INDEX });
    for (;;) {
      const read = await this.#read(name, decodeIndex);
      const next = change(read.state === 'intact' ? read.value : undefined);
      if (next === undefined) {
        await this.sealed.delete(name);
        return undefined;
      }
      const place = read.state === 'absent' ? undefined : read.place;
      if (await this.sealed.replace(name, place, encodeIndex(next), '')) return next;
    }
  }

  async #read<T>(name: string, decode: (content: Uint8Array) => T): Promise<Read<T>> {
    const read = await this.sealed.read(name);
    if (read.state === 'absent') return read;
    if (read.state === 'damaged') return { state: 'damaged', damage: read.damage, place: read.kvRevision };
    return { state: 'intact', value: decode(read.content), version: read.version, place: read.kvRevision };
  }
}
