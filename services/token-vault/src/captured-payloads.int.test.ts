import { fromJsonString } from '@bufbuild/protobuf';
import { sealPayload } from '@switchyard/audit';
import { BUCKETS, DEFAULT_TENANT, PayloadKeyMaterialSchema, principalHash, VaultService } from '@switchyard/contracts';
import { openSealed } from '@switchyard/oauth';
import { eventually, startNats } from '@switchyard/testing';
import { startVault, type VaultRig } from './vault.fixture.js';

const READER = { issuer: 'api-key', subject: 'k1', name: 'ada', kind: 'service', clientId: 'k1', requestId: 'r1', traceId: '' };
const ANN = { principalIssuer: 'https://idp.example', principalSubject: 'ann' };
const BOB = { principalIssuer: 'https://idp.example', principalSubject: 'bob' };
type Who = typeof ANN;

interface Sealed {
  readonly payloadId: string;
  readonly keyId: string;
  readonly ciphertext: Buffer;
}

const lease = ({ platform, edgeKey }: VaultRig, who: Who, tenant = DEFAULT_TENANT) =>
  platform.rpc.call(VaultService.method.leasePayloadKey, { tenant, ...who, edge: 'edge-1', recipientJwk: edgeKey.publicJwk });

async function leased(rig: VaultRig, who: Who) {
  const { result } = await lease(rig, who);
  if (result.case !== 'lease') throw new Error(`no lease: ${result.value?.reason}`);
  const text = Buffer.from(await openSealed(rig.edgeKey.privateKey, result.value.sealed)).toString();
  return { id: result.value.version, ...fromJsonString(PayloadKeyMaterialSchema, text) };
}

/** Seals as edges do. */
async function seal(rig: VaultRig, who: Who, text: string): Promise<Sealed> {
  const { id: keyId, contentKey } = await leased(rig, who);
  const payloadId = Buffer.from(text.padEnd(16)).toString('hex');
  const binding = { tenant: DEFAULT_TENANT, payloadId, keyId };
  return { payloadId, keyId, ciphertext: sealPayload(Buffer.from(contentKey, 'base64url'), binding, Buffer.from(text)) };
}

/** Has it opened, as analytics does. @returns the payload, or the reason why there is none */
async function open({ platform, edgeKey }: VaultRig, sealed: Sealed, over: object = {}): Promise<string> {
  const request = {
    tenant: DEFAULT_TENANT,
    eventId: 'edge-1/1/1',
    ...sealed,
    recipientJwk: edgeKey.publicJwk,
    reader: READER,
    ...over,
  };
  const { result } = await platform.rpc.call(VaultService.method.openPayload, request);
  if (result.case === 'sealed') return Buffer.from(await openSealed(edgeKey.privateKey, result.value)).toString();
  return result.value?.reason ?? 'nothing';
}

const erase = (
  rig: VaultRig,
  { principalIssuer: issuer, principalSubject: subject }: Who,
  confirm = `erase what was captured of ${subject}`,
) => rig.api('POST', '/api/v1/payloads/erase', { issuer, subject, confirm });
const NATS = 'over NATS';

describe.each([['in process'], [NATS]])('keys of captured payloads, %s', (where) => {
  const undo = new AsyncDisposableStack();
  let rig: VaultRig;

  beforeEach(async () => {
    const natsUrl = where === NATS ? undo.use(await startNats()).url : undefined;
    rig = undo.use(await startVault(natsUrl === undefined ? {} : { natsUrl }));
    await eventually(async () => (await lease(rig, ANN)).result.case === 'lease');
  });
  afterAll(() => undo.disposeAsync());

  it('are other ones for each lease; what each encrypted is opened for an auditor, and every read is an event', async () => {
    const [one, other] = [await leased(rig, ANN), await leased(rig, ANN)];
    expect(one.contentKey).not.toBe(other.contentKey);
    expect(one.redactionKey).toBe(other.redactionKey);
    expect((await leased(rig, BOB)).redactionKey).toBe(one.redactionKey);
    const sealed = [await seal(rig, ANN, 'first'), await seal(rig, ANN, 'second'), await seal(rig, BOB, 'third')];
    const opened = [];
    for (const each of sealed) opened.push(await open(rig, each));
    expect(opened).toEqual(['first', 'second', 'third']);
    const [event] = await rig.events('payload.read', 3);
    expect(event).toMatchObject({
      ...{ outcome: 'ok', principal_issuer: 'api-key', principal_subject: 'k1', principal_name: 'ada', request_id: 'r1' },
      detail: { event: 'edge-1/1/1', payload: sealed[0]?.payloadId },
    });
  });

  it('D10: are destroyed for one principal; what comes afterwards can be read again', async () => {
    const [anns, bobs] = [await seal(rig, ANN, 'ann'), await seal(rig, BOB, 'bob')];
    expect((await erase(rig, ANN, 'yes')).status).toBe(409);
    expect(await open(rig, anns)).toBe('ann');
    const told = await rig.platform.state.bucket(BUCKETS.payloadErasures, DEFAULT_TENANT);
    expect(await told.keys()).toEqual([]);
    expect(await (await erase(rig, ANN)).json()).toEqual({ issuer: ANN.principalIssuer, subject: 'ann', erased: 1 });
    expect(await told.keys()).toEqual([principalHash({ issuer: ANN.principalIssuer, subject: 'ann' })]);
    expect(await (await erase(rig, ANN)).json()).toMatchObject({ erased: 0 });
    const later = await seal(rig, ANN, 'later');
    expect([await open(rig, anns), await open(rig, later), await open(rig, bobs)]).toEqual(['erased', 'later', 'bob']);
    const events = await rig.events('payload.erased', 2);
    expect(events.map(({ detail }) => detail)).toEqual([
      { erased_issuer: ANN.principalIssuer, erased_subject: 'ann', count: '1' },
      { erased_issuer: ANN.principalIssuer, erased_subject: 'ann', count: '0' },
    ]);
    const [refused] = (await rig.events('payload.read', 4)).filter(({ reason }) => reason === 'payload_erased');
    expect(refused).toMatchObject({ outcome: 'error', http_status: 410, detail: { cause: 'principal_erased' } });
  });

  it('D10: stay where a legal hold covers the principal, and the answer says which and what to do', async () => {
    const sealed = await seal(rig, ANN, 'ann');
    rig.holds.refusal = { reason: 'held', holds: ['case-7', 'case-9'] };
    const refused = await erase(rig, ANN);
    expect([refused.status, await refused.json()]).toMatchObject([
      409,
      {
        reason: 'held',
        detail:
          'Nothing was erased: the legal holds case-7, case-9 keep what was captured of this principal. Release them ("switchyard audit hold release case-7 --reason …"), then erase again.',
      },
    ]);
    rig.holds.refusal = { reason: 'unavailable', holds: [] };
    const unknown = await erase(rig, ANN);
    expect([unknown.status, await unknown.json()]).toMatchObject([503, { reason: 'holds_unknown' }]);
    expect(await open(rig, sealed)).toBe('ann');
    rig.holds.refusal = undefined;
    expect((await erase(rig, ANN)).status).toBe(200);
    expect(await open(rig, sealed)).toBe('erased');
    const asked = `begin ${DEFAULT_TENANT} ${ANN.principalIssuer} ann`;
    expect(rig.holds.asked).toEqual([asked, asked, asked, 'end erasure-3']);
    const whose = { erased_issuer: ANN.principalIssuer, erased_subject: 'ann' };
    expect(await rig.events('payload.erased', 3)).toMatchObject([
      { outcome: 'denied', reason: 'held', http_status: 409, detail: { ...whose, holds: 'case-7 case-9' } },
      { outcome: 'error', reason: 'holds_unknown', http_status: 503, detail: whose },
      { outcome: 'ok', detail: { ...whose, count: '1' } },
    ]);
  });

  it('D10: go with the tenant’s keys: what was captured is erased, and nothing is captured any more', async () => {
    const sealed = await seal(rig, ANN, 'ann');
    expect(
      (await rig.api('POST', '/api/v1/data-keys/destroy', { confirm: `destroy all keys of ${DEFAULT_TENANT}` })).status,
    ).toBe(200);
    expect(await open(rig, sealed)).toBe('erased');
    for (const who of [ANN, BOB])
      expect((await lease(rig, who)).result).toMatchObject({ case: 'refusal', value: { reason: 'key_destroyed' } });
    expect((await erase(rig, ANN)).status).toBe(409);
  });

  it('V9: outlive a rotation of the data key, and are encrypted with the new one', async () => {
    const sealed = await seal(rig, ANN, 'ann');
    expect((await rig.api('POST', '/api/v1/data-keys/rotate')).status).toBe(200);
    await eventually(async () => {
      const { resealed } = (await (await rig.api('GET', '/api/v1/data-keys')).json()) as { resealed: boolean };
      expect(resealed).toBe(true);
    });
    expect(await open(rig, sealed)).toBe('ann');
  });

  it('D6: open nothing that was altered, or is another payload’s, and say so as something critical', async () => {
    const [one, other] = [await seal(rig, ANN, 'one'), await seal(rig, BOB, 'other')];
    const changed = Buffer.from(one.ciphertext);
    changed[20]! ^= 1;
    const cases: readonly Partial<Sealed>[] = [
      { ciphertext: changed },
      { ciphertext: other.ciphertext },
      { payloadId: other.payloadId },
      { keyId: other.keyId },
      { keyId: 'nonsense' },
      { keyId: one.keyId.replace(/\.[0-9a-f]{16}\./, `.${'0'.repeat(16)}.`) },
    ];
    for (const over of cases) expect([over, await open(rig, { ...one, ...over })]).toEqual([over, 'damaged']);
    expect((await rig.events('payload.read', cases.length)).map(({ severity }) => severity)).toEqual(cases.map(() => 'critical'));
    const kv = await rig.platform.state.bucket(BUCKETS.payloadKeys, DEFAULT_TENANT);
    const [name = ''] = one.keyId.split('.');
    const [bobs = ''] = other.keyId.split('.');
    await kv.put(name, (await kv.get(bobs))!.value);
    expect(await open(rig, one)).toBe('damaged');
    expect((await lease(rig, ANN)).result).toMatchObject({ case: 'refusal', value: { reason: 'credential_unavailable' } });
  });

  it('are not given for another tenant, and its payloads are not opened', async () => {
    const sealed = await seal(rig, ANN, 'ann');
    expect((await lease(rig, ANN, 'other')).result.case).toBe('refusal');
    expect(await open(rig, sealed, { tenant: 'other' })).toBe('unavailable');
    expect(await open(rig, sealed, { reader: undefined })).toBe('unavailable');
  });

  it('are erased by administrators alone', async () => {
    const body = { issuer: ANN.principalIssuer, subject: 'ann', confirm: 'erase what was captured of ann' };
    expect((await rig.api('POST', '/api/v1/payloads/erase', body, rig.keys.auditor)).status).toBe(403);
  });
});
