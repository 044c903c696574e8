import { create } from '@bufbuild/protobuf';
import { Problem } from '@switchyard/admin-api';
import { payloadDigest } from '@switchyard/audit';
import { OpenPayloadResponseSchema, type EventFields } from '@switchyard/contracts';
import { RpcUnavailable, type Rpc } from '@switchyard/messaging';
import { generateSealingKey, sealTo } from '@switchyard/oauth';
import { FakeClock } from '@switchyard/testing';
import { insert } from '../api/events.fixture.js';
import { LimitedReads } from '../api/limited-reads.js';
import { rowFilter } from '../api/row-filter.js';
import type { Engine } from '../engine/engine.js';
import { ENGINES, withTables } from '../engine/engines.fixture.js';
import { PayloadReads, PAYLOADS_PER_MINUTE, type Reader } from './payload-reads.js';

const ADA: Reader = { principal_issuer: 'api-key', principal_subject: 'k1', principal_name: 'ada', request_id: 'r1' };
const EVE: Reader = { ...ADA, principal_subject: 'k2', principal_name: 'eve' };
const sealed = Buffer.from('ciphertext');
const idOf = (number: number) => String(number).padStart(32, '0');
const sha256 = payloadDigest(sealed);

type Answer = 'away' | 'erased' | 'damaged' | 'unavailable' | 'open';

/** A vault that answers as it is told. */
function vaultOf(answer: () => Answer): Rpc {
  const call = async (_method: unknown, { recipientJwk }: { readonly recipientJwk: string }) => {
    const how = answer();
    if (how === 'away') throw new RpcUnavailable('nobody answers');
    if (how !== 'open')
      return create(OpenPayloadResponseSchema, { result: { case: 'refusal', value: { reason: how, message: '' } } });
    const value = await sealTo(recipientJwk, Buffer.from('{"mode":"full","arguments":{"a":1}}'));
    return create(OpenPayloadResponseSchema, { result: { case: 'sealed', value } });
  };
  return { call } as unknown as Rpc;
}

async function fill(engine: Engine): Promise<void> {
  const referring = (payload: string, digest = sha256): { fields: Partial<EventFields> } => ({
    fields: { detail: { capture: 'full', payload, payload_sha256: digest } },
  });
  await insert(engine, [
    { sequence: 1, at: 0, ...referring(idOf(1)) },
    { sequence: 2, at: 0 },
    { sequence: 3, at: 0, ...referring(idOf(3)) },
    { sequence: 4, at: 0, ...referring(idOf(1), payloadDigest(Buffer.from('other'))) },
    { sequence: 5, at: 0, tenant: 'other', ...referring(idOf(1)) },
    { sequence: 6, at: 0, ...referring(idOf(6)) },
  ]);
  const row = (number: number, tenant = 'default') =>
    `${JSON.stringify({ tenant, payload_id: idOf(number), key_id: 'k', captured_at: '2026-01-01T00:00:00Z', ciphertext: sealed.toString('base64') })}\n`;
  await engine.insertLines('event_payloads', Buffer.from(row(1) + row(6, 'other')), 'payloads');
}

describe.each(ENGINES)('reading captured payloads in %s', (_name, open) => {
  const undo = new AsyncDisposableStack();
  const recorded: EventFields[] = [];
  const clock = new FakeClock();
  let answer: Answer = 'open';
  let reads: PayloadReads;

  beforeAll(async () => {
    const { engine } = undo.use(await withTables(open));
    await fill(engine);
    reads = new PayloadReads({
      reads: new LimitedReads(engine, await rowFilter(engine, 'default')),
      rpc: vaultOf(() => answer),
      audit: { record: async (fields) => void recorded.push(fields) },
      sealingKey: await generateSealingKey(),
      tenant: 'default',
      clock,
    });
  });
  beforeEach(() => {
    recorded.length = 0;
    answer = 'open';
    clock.advance(60_000);
  });
  afterAll(() => undo.disposeAsync());

  const read = (sequence: number, reader = ADA, isAuditor = true) =>
    reads.read({ emitter: 'edge-1', epoch: '1', sequence: String(sequence) }, reader, isAuditor).catch((error: unknown) => {
      if (error instanceof Problem) return [error.getStatus(), error.details.reason];
      throw error;
    });

  it('gives what the vault has decrypted, which has recorded it', async () => {
    expect(await read(1)).toEqual({ event_id: 'edge-1/1/1', mode: 'full', arguments: { a: 1 } });
    expect(recorded).toEqual([]);
  });

  it.each<readonly [id: string, sequence: number, status: number, reason: string, severity: string]>([
    ['an event that is not there', 9, 404, 'event_unknown', ''],
    ['an event with which nothing was captured', 2, 404, 'payload_none', ''],
    ['what has not arrived, or is gone', 3, 404, 'payload_absent', ''],
    ['D6: what is not what the event vouches for', 4, 409, 'payload_damaged', 'critical'],
    ['T4: another tenant’s event', 5, 404, 'event_unknown', ''],
    ['T4: another tenant’s payload', 6, 404, 'payload_absent', ''],
  ])('refuses %s, and records that', async (_id, sequence, status, reason, severity) => {
    expect(await read(sequence)).toEqual([status, reason]);
    expect(recorded).toEqual([
      expect.objectContaining({
        ...{ type: 'payload.read', outcome: 'error', reason, http_status: status, severity, principal_name: 'ada' },
        detail: expect.objectContaining({ event: `edge-1/1/${sequence}` }) as object,
      }),
    ]);
  });

  it.each<readonly [Answer, number, string, boolean]>([
    ['erased', 410, 'payload_erased', false],
    ['damaged', 409, 'payload_damaged', false],
    ['unavailable', 503, 'vault_unavailable', true],
    ['away', 503, 'vault_unavailable', true],
  ])('passes on that it is %s; what the vault has not recorded is recorded here', async (how, status, reason, isRecorded) => {
    answer = how;
    expect(await read(1)).toEqual([status, reason]);
    expect(recorded.map((event) => event.reason)).toEqual(isRecorded ? [reason] : []);
  });

  it('is for auditors alone: whoever else asks is told nothing, and that they asked is on record', async () => {
    for (const sequence of [1, 2, 9]) expect(await read(sequence, EVE, false)).toEqual([403, 'forbidden']);
    expect(recorded.map(({ outcome, principal_name: name, detail }) => [outcome, name, detail?.['event']])).toEqual(
      [1, 2, 9].map((sequence) => ['denied', 'eve', `edge-1/1/${sequence}`]),
    );
  });

  it('gives nobody more than so many in a minute', async () => {
    for (let count = 0; count < PAYLOADS_PER_MINUTE; count++) await read(2);
    recorded.length = 0;
    expect(await read(1)).toEqual([429, 'rate_limited']);
    expect(recorded).toMatchObject([{ type: 'payload.read', outcome: 'denied', reason: 'rate_limited' }]);
    expect(await read(1, EVE)).toMatchObject({ mode: 'full' });
    clock.advance(60_000);
    expect(await read(1)).toMatchObject({ mode: 'full' });
  });
});
