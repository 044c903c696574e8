import { errors, Provider, type Adapter, type AdapterPayload } from 'oidc-provider';
import { limitGuesses } from '../device/guess-limit.js';
import { notePoll } from '../device/poll-limit.js';
import type { EndedClients, EndedPeople } from '../revocation/ended.js';
import { LIFETIMES } from '../lifetimes.js';
import type { GrantRevocations } from './grant-revocations.js';
import type { RevocationRegister } from '../revocation/revocation-register.js';
import type { OidcStore } from './oidc-store.js';
import type { StoredRecord } from './sealed-record.js';

/** What the adapters of all models share. */
export interface AdapterContext {
  readonly store: OidcStore;
  readonly revocations: GrantRevocations;
  readonly register: RevocationRegister;
  readonly ended: EndedPeople;
  readonly endedClients: EndedClients;
  readonly clock: { now(): number };
}

/**
 * Where oidc-provider keeps one kind of record. The library reads whether a code or token was consumed and then awaits
 * `consume()`, so single use rests on this class: `consume()` is a compare-and-set that fails for everyone but the first.
 */
export class KvAdapter implements Adapter {
  readonly #model: string;
  readonly #context: AdapterContext;

  constructor(model: string, context: AdapterContext) {
    this.#model = model;
    this.#context = context;
  }

  /** @param expiresIn seconds */
  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const { store } = this.#context;
    const ttlMs = expiresIn === undefined ? undefined : expiresIn * 1000 + keptAfterEndMs(this.#model);
    const record = payload as StoredRecord;
    if (this.#model === 'DeviceCode') await this.#decideOnce(id, record, ttlMs);
    else await store.write(this.#model, id, record, ttlMs);
    if (payload.uid !== undefined) await store.write(`${this.#model}Uid`, payload.uid, { id }, ttlMs);
    if (payload.userCode !== undefined) await store.write(`${this.#model}UserCode`, payload.userCode, { id }, ttlMs);
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const record = await this.peek(id);
    // Refused without revoking: several processes of one honest client refresh at once, and all get the first one's answer.
    if (record !== undefined && this.#model === 'RefreshToken' && this.#isWithinGrace(record)) {
      throw new errors.InvalidGrant('refresh token was used a moment ago');
    }
    if (this.#model === 'DeviceCode' && record !== undefined) await this.#limitPolls(id, record);
    return record;
  }

  /** Like `find`, also for a refresh token that was rotated a moment ago. */
  async peek(id: string): Promise<AdapterPayload | undefined> {
    const record = (await this.#context.store.find(this.#model, id))?.record;
    if (record === undefined) return undefined;
    const grantId = this.#model === 'Grant' ? id : record['grantId'];
    const isRevoked = typeof grantId === 'string' && this.#context.revocations.isRevoked(grantId);
    const reasonsToEnd = await Promise.all([isRevoked, this.#hasEnded(record)]);
    return reasonsToEnd.includes(true) ? undefined : record;
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#findThrough(`${this.#model}Uid`, uid);
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    const ctx = Provider.ctx;
    const find = () => this.#findThrough(`${this.#model}UserCode`, userCode);
    return ctx === undefined ? find() : limitGuesses(ctx, this.#context.store, find);
  }

  /** @throws InvalidGrant, for a pushed request InvalidRequestUri, for everyone but the first */
  async consume(id: string): Promise<void> {
    const { store, clock } = this.#context;
    const found = await store.find(this.#model, id);
    if (found === undefined || found.record['consumed'] !== undefined) throw this.#usedAlready();
    const nowMs = clock.now();
    const consumed = { ...found.record, consumed: Math.floor(nowMs / 1000), consumedAtMs: nowMs };
    const won = await store.replace(this.#model, id, consumed, found.revision, this.#remainingMs(found.record, nowMs));
    if (!won) throw this.#usedAlready();
  }

  async destroy(id: string): Promise<void> {
    const { revocations, register, store, clock } = this.#context;
    if (this.#model === 'Grant') await revocations.revoke(id);
    await store.remove(this.#model, id);
    // A client may come back under its id, for which people would have to consent anew.
    if (this.#model === 'Client') await register.revoke({ kind: 'client', id, grantedUntilMs: clock.now() });
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#context.revocations.revoke(grantId);
  }

  /** The library asks here for a device's sake, and for a person's who answers it. */
  async #limitPolls(id: string, record: AdapterPayload): Promise<void> {
    if (Provider.ctx?.oidc.route !== 'token' || isAnswered(record)) return;
    await notePoll(this.#context.store, id, this.#context.clock.now());
  }

  /** A code is answered once, and stays used: who reads it, asks somebody, and writes it later may not be the only one to. */
  async #decideOnce(id: string, record: StoredRecord, ttlMs: number | undefined): Promise<void> {
    const { store } = this.#context;
    const found = await store.find(this.#model, id);
    const isWritten =
      found === undefined
        ? await store.create(this.#model, id, record, ttlMs)
        : !isAnswered(found.record) && (await store.replace(this.#model, id, record, found.revision, ttlMs));
    if (!isWritten) throw new errors.InvalidRequest('this device was answered already');
  }

  async #findThrough(index: string, value: string): Promise<AdapterPayload | undefined> {
    const id = (await this.#context.store.find(index, value))?.record['id'];
    return typeof id === 'string' ? this.find(id) : undefined;
  }

  /** A session begins when somebody signs in, and is written again whenever it is used. */
  async #hasEnded({ accountId, clientId, loginTs, iat }: AdapterPayload): Promise<boolean> {
    const { ended, endedClients } = this.#context;
    const bornAt = loginTs ?? iat;
    if (!ENDED_WITH_OTHERS.has(this.#model) || bornAt === undefined) return false;
    const withPerson = accountId !== undefined && ended.hasEnded(accountId, bornAt);
    const withClient = clientId !== undefined && endedClients.hasEnded(clientId, bornAt);
    return (await Promise.all([withPerson, withClient])).includes(true);
  }

  // Kept until its own end, so that a later replay is recognised for what it is.
  #remainingMs(record: StoredRecord, nowMs: number): number {
    return Math.max(1_000, Number(record['exp']) * 1000 + keptAfterEndMs(this.#model) - nowMs);
  }

  #usedAlready(): Error {
    return this.#model === 'PushedAuthorizationRequest'
      ? new errors.InvalidRequestUri('request_uri was used already')
      : new errors.InvalidGrant('already used');
  }

  #isWithinGrace(record: AdapterPayload): boolean {
    return isWithinGrace(record, this.#context.clock.now());
  }
}

/** With the person that they are of, and with the client that they were given to. */
const ENDED_WITH_OTHERS = new Set(['Session', 'Grant', 'AuthorizationCode', 'RefreshToken']);

const isAnswered = ({ consumed, accountId, error }: StoredRecord) =>
  consumed !== undefined || accountId !== undefined || error !== undefined;

/** Whether a refresh token was rotated so short a time ago that using it again is no sign of theft. */
export function isWithinGrace(record: AdapterPayload, nowMs: number): boolean {
  const consumedAtMs = record['consumedAtMs'];
  return typeof consumedAtMs === 'number' && nowMs - consumedAtMs < LIFETIMES.refreshGraceMs;
}

// A pushed request is used up when it is answered, as long after its end as somebody may take to sign in: were it gone by then, it
// would not be seen that it had been used.
const keptAfterEndMs = (model: string) => (model === 'PushedAuthorizationRequest' ? LIFETIMES.interactionMs : 0);
