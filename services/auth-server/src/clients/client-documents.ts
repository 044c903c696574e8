import { errors, type ClientMetadata } from 'oidc-provider';
import { LIFETIMES } from '../lifetimes.js';
import { applyClientPolicy } from '../provider/client-policy.js';
import type { OidcStore } from '../store/oidc-store.js';
import type { StoredRecord } from '../store/sealed-record.js';
import { ClientDocumentRefused, TooMany, type DocumentRefusal } from './client-refusals.js';
import { isDocumentId } from './document-id.js';
import { fetchSmall, type NoAnswer } from './fetch-small.js';
import { freshForMs } from './freshness.js';
import { readDocument } from './read-document.js';
import { TokenBucket } from './token-bucket.js';

const KIND = 'ClientDocument';
const REFUSED_KIND = 'RefusedClientDocument';

const LIMIT_BYTES = 5 * 1024;
const TIMEOUT_MS = 5_000;
const BURST = 60;
const PER_SECOND = 1;
const RETRY_AFTER_SECONDS = 10;

/** Whose descriptions are accepted, and where they may be. */
export interface DocumentTrust {
  /** Hosts, `*.` in front for all below one; absent: any. */
  readonly hosts?: readonly string[] | undefined;
  /** CIDR ranges that they may be at although they are private. */
  readonly allowed: readonly string[];
}

/** The publisher cannot be asked at the moment; it has not said anything else than before. */
const PASSING = new Set<DocumentRefusal>(['unreachable', 'too_slow'] satisfies NoAnswer[]);

/** Why a description cannot be used. */
interface Refusal {
  readonly why: DocumentRefusal;
  /** Which rule it was. */
  readonly detail?: string;
}

/** Metadata that a client publishes at the address that is its id, and until when it need not be asked for again. */
interface Kept {
  readonly metadata: StoredRecord;
  readonly freshUntilMs: number;
}

/**
 * Clients that are described where their id says (OAuth Client ID Metadata Document, draft-00; MCP 2025-11-25). What was fetched is shared
 * by all replicas, and so is, for a minute, that it cannot be used. A publisher that is away for a day takes nobody's client away.
 */
export class ClientDocuments {
  readonly #store: OidcStore;
  readonly #clock: { now(): number };
  readonly trust: DocumentTrust;
  readonly #fetches: TokenBucket;
  readonly #underWay = new Map<string, Promise<StoredRecord>>();

  constructor(o: { readonly store: OidcStore; readonly clock: { now(): number }; readonly trust: DocumentTrust }) {
    this.#store = o.store;
    this.#clock = o.clock;
    this.trust = o.trust;
    this.#fetches = new TokenBucket({ burst: BURST, perSecond: PER_SECOND, clock: o.clock });
  }

  /**
   * Finds a client by the address of its description.
   * @throws ClientDocumentRefused where that cannot be used; TooMany where too many have been asked for
   */
  async find(clientId: string): Promise<StoredRecord> {
    if (!isDocumentId(clientId)) throw new ClientDocumentRefused('bad_address');
    if (!this.#trusts(new URL(clientId).hostname)) throw new ClientDocumentRefused('host_not_trusted');
    const kept = (await this.#store.find(KIND, clientId))?.record as unknown as Kept | undefined;
    if (kept !== undefined && this.#clock.now() < kept.freshUntilMs) return kept.metadata;
    const known = (await this.#store.find(REFUSED_KIND, clientId))?.record as unknown as Refusal | undefined;
    if (known !== undefined) return settle(kept, known);
    const underWay = this.#underWay.get(clientId) ?? this.#ask(clientId, kept);
    this.#underWay.set(clientId, underWay);
    return underWay.finally(() => this.#underWay.delete(clientId));
  }

  #trusts(host: string): boolean {
    const { hosts } = this.trust;
    if (hosts === undefined) return true;
    return hosts.some((pattern) => (pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern));
  }

  async #ask(clientId: string, kept: Kept | undefined): Promise<StoredRecord> {
    if (!this.#fetches.take()) {
      if (kept !== undefined) return kept.metadata;
      throw new TooMany('too many new clients at the moment', RETRY_AFTER_SECONDS);
    }
    const answer = await this.#fetch(clientId);
    if ('why' in answer) return this.#refuse(clientId, kept, answer);
    const { metadata, freshMs } = answer;
    const fresh: Kept = { metadata, freshUntilMs: this.#clock.now() + freshMs };
    await this.#store.write(KIND, clientId, { ...fresh }, freshMs + LIFETIMES.clientDocumentOutageMs);
    return metadata;
  }

  async #fetch(clientId: string): Promise<{ metadata: StoredRecord; freshMs: number } | Refusal> {
    const limits = { allowed: this.trust.allowed, limitBytes: LIMIT_BYTES, timeoutMs: TIMEOUT_MS };
    const answer = await fetchSmall(new URL(clientId), limits);
    if ('failed' in answer) return { why: answer.failed };
    const read = readDocument(clientId, answer);
    if ('fault' in read) return { why: answer.status >= 500 ? 'unreachable' : read.fault };
    const problem = policyProblem(read.metadata);
    if (problem !== undefined) return { why: 'not_permitted', detail: problem };
    return { metadata: read.metadata, freshMs: freshForMs(answer.fields, this.#clock.now()) };
  }

  async #refuse(clientId: string, kept: Kept | undefined, refusal: Refusal): Promise<StoredRecord> {
    await this.#store.write(REFUSED_KIND, clientId, { ...refusal }, LIFETIMES.refusedClientDocumentMs);
    if (!PASSING.has(refusal.why)) await this.#store.remove(KIND, clientId);
    return settle(kept, refusal);
  }
}

/** What was published before holds while its publisher cannot be asked. */
function settle(kept: Kept | undefined, { why, detail }: Refusal): StoredRecord {
  if (kept !== undefined && PASSING.has(why)) return kept.metadata;
  throw new ClientDocumentRefused(why, detail);
}

/** What our rules for clients have against a description. */
function policyProblem(metadata: StoredRecord): string | undefined {
  try {
    applyClientPolicy({ ...metadata } as unknown as ClientMetadata);
    return undefined;
  } catch (error) {
    if (!(error instanceof errors.InvalidClientMetadata)) throw error;
    return error.error_description;
  }
}
