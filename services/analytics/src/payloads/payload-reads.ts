import type { MessageInitShape } from '@bufbuild/protobuf';
import { Problem } from '@switchyard/admin-api';
import { payloadDigest, type Audit } from '@switchyard/audit';
import {
  VaultService,
  type CapturedPayload,
  type EventFields,
  type OpenPayloadRequestSchema,
  type PayloadReader,
} from '@switchyard/contracts';
import { RpcFault, RpcUnavailable, type Rpc } from '@switchyard/messaging';
import { openSealed, type SealingKey } from '@switchyard/oauth';
import type { LimitedReads } from '../api/limited-reads.js';
import type { EventName } from './event-name.js';
import { findPayload, findReference, type PayloadReference, type StoredPayload } from './find-payload.js';
import { ReadsPerMinute } from './reads-per-minute.js';

/** Who reads, as the event says it. */
export type Reader = Pick<
  EventFields,
  'principal_issuer' | 'principal_subject' | 'principal_name' | 'principal_kind' | 'client_id' | 'request_id' | 'trace_id'
>;

/** What reading payloads stands on. */
export interface PayloadReadsDeps {
  readonly reads: LimitedReads;
  readonly rpc: Rpc;
  readonly audit: Pick<Audit, 'record'>;
  readonly sealingKey: SealingKey;
  readonly tenant: string;
  readonly clock: { now(): number };
}

/** Most payloads that one reader may read in a minute, at one replica. */
export const PAYLOADS_PER_MINUTE = 60;

interface Kept {
  readonly status: number;
  readonly reason: string;
  readonly detail: string;
  readonly severity?: 'critical';
  readonly headers?: Record<string, string>;
}

const FORBIDDEN: Kept = {
  status: 403,
  reason: 'forbidden',
  detail:
    'What was captured of calls is for those with the role auditor alone; being an administrator is not enough. The attempt is on record.',
};
const UNKNOWN: Kept = {
  status: 404,
  reason: 'event_unknown',
  detail: 'There is no event of this id, or it has not arrived here yet.',
};
const NOTHING: Kept = {
  status: 404,
  reason: 'payload_none',
  detail: 'Nothing was captured with this event. Its detail says whether something should have been.',
};
const ABSENT: Kept = {
  status: 404,
  reason: 'payload_absent',
  detail: 'What was captured with this event has not arrived here yet, or the time is over for which it is kept.',
};
const ALTERED: Kept = {
  status: 409,
  reason: 'payload_damaged',
  detail:
    'What is stored is not what was captured: the event vouches for other bytes. The database was tampered with, or is damaged.',
  severity: 'critical',
};
const UNAVAILABLE: Kept = {
  status: 503,
  reason: 'vault_unavailable',
  detail: 'The token vault, which alone can decrypt this, cannot do so at the moment. Try again.',
  headers: { 'retry-after': '5' },
};

/** Refusals of the vault, which has recorded them itself. */
const OF_VAULT: Readonly<Record<string, Kept>> = {
  erased: {
    status: 410,
    reason: 'payload_erased',
    detail: 'What was captured with this event was erased: the key that it was encrypted with has been destroyed.',
  },
  damaged: { ...ALTERED, detail: 'What is stored cannot be decrypted: it was altered, or its key was.' },
};

/** Reads what was captured of calls, for auditors. Every read is an event: what the vault decrypts the vault records, what is refused before that, this. */
export class PayloadReads {
  readonly #o: PayloadReadsDeps;
  readonly #perMinute: ReadsPerMinute;

  constructor(deps: PayloadReadsDeps) {
    this.#o = deps;
    this.#perMinute = new ReadsPerMinute(PAYLOADS_PER_MINUTE, deps.clock);
  }

  /**
   * Reads one.
   * @param isAuditor whether whoever asks has that role
   * @throws Problem where it is not given; SpoolFull where the attempt cannot be recorded
   */
  async read(name: EventName, reader: Reader, isAuditor: boolean): Promise<CapturedPayload> {
    const event = `${name.emitter}/${name.epoch}/${name.sequence}`;
    const keep = (kept: Kept, payload = '') => this.#keep(kept, reader, { event, ...(payload !== '' && { payload }) });
    if (!isAuditor) throw await keep(FORBIDDEN);
    const waitSeconds = this.#perMinute.take(`${reader.principal_issuer}\n${reader.principal_subject}`);
    if (waitSeconds !== undefined) throw await keep(tooMany(waitSeconds));
    const { reads, tenant } = this.#o;
    const reference = await findReference(reads, tenant, name);
    if (reference === undefined) throw await keep(UNKNOWN);
    if (reference.payloadId === '') throw await keep(NOTHING);
    const stored = await findPayload(reads, tenant, reference.payloadId);
    if (stored === undefined) throw await keep(ABSENT, reference.payloadId);
    if (payloadDigest(stored.sealed) !== reference.sha256) throw await keep(ALTERED, reference.payloadId);
    const opened = await this.#open(event, reference, stored, reader);
    if (!('status' in opened)) return { event_id: event, ...opened };
    // What the vault has answered it has recorded.
    throw opened === UNAVAILABLE ? await keep(opened, reference.payloadId) : problemOf(opened);
  }

  async #open(
    eventId: string,
    { payloadId }: PayloadReference,
    { keyId, sealed: ciphertext }: StoredPayload,
    reader: Reader,
  ): Promise<Kept | Omit<CapturedPayload, 'event_id'>> {
    const { tenant, sealingKey } = this.#o;
    const recipientJwk = sealingKey.publicJwk;
    const request = { tenant, eventId, payloadId, keyId, ciphertext, recipientJwk, reader: toldOf(reader) };
    const result = await this.#ask(request);
    if (result?.case === 'refusal') return OF_VAULT[result.value.reason] ?? UNAVAILABLE;
    if (result?.case !== 'sealed') return UNAVAILABLE;
    const plaintext = await openSealed(sealingKey.privateKey, result.value);
    return JSON.parse(Buffer.from(plaintext).toString('utf8')) as Omit<CapturedPayload, 'event_id'>;
  }

  async #ask(request: MessageInitShape<typeof OpenPayloadRequestSchema>) {
    try {
      return (await this.#o.rpc.call(VaultService.method.openPayload, request, { timeoutMs: 5_000 })).result;
    } catch (error) {
      if (error instanceof RpcUnavailable || error instanceof RpcFault) return undefined;
      throw error;
    }
  }

  /** Records that somebody was not given it. */
  async #keep(kept: Kept, reader: Reader, detail: Record<string, string>): Promise<Problem> {
    const { status, reason, severity = '' } = kept;
    const outcome = status === 403 || status === 429 ? 'denied' : 'error';
    await this.#o.audit.record({ ...reader, type: 'payload.read', outcome, reason, http_status: status, severity, detail });
    return problemOf(kept);
  }
}

const problemOf = ({ status, reason, detail, headers }: Kept) =>
  new Problem(status, { reason, detail, ...(headers && { headers }) });

const tooMany = (waitSeconds: number): Kept => ({
  status: 429,
  reason: 'rate_limited',
  detail: `Nobody may read more than ${PAYLOADS_PER_MINUTE} captured payloads in a minute.`,
  headers: { 'retry-after': String(waitSeconds) },
});

const toldOf = (reader: Reader): Omit<PayloadReader, '$typeName'> => ({
  issuer: reader.principal_issuer ?? '',
  subject: reader.principal_subject ?? '',
  name: reader.principal_name ?? '',
  kind: reader.principal_kind ?? '',
  clientId: reader.client_id ?? '',
  requestId: reader.request_id ?? '',
  traceId: reader.trace_id ?? '',
});
