import { parsePayload, renderOpenPayload, type SealedPayload } from './payload-line.js';
import { openPayload, sealPayload } from './seal-payload.js';

const key = Buffer.alloc(32, 3);
const binding = { tenant: 'default', payloadId: 'a'.repeat(32), keyId: 'k.1.2' };
const plaintext = Buffer.from('{"mode":"full"}');

describe('sealed payloads', () => {
  it('open under exactly what they were sealed under', () => {
    const sealed = sealPayload(key, binding, plaintext);
    expect(openPayload(key, binding, sealed)).toEqual(plaintext);
    expect(sealed.includes(plaintext)).toBe(false);
    expect(sealPayload(key, binding, plaintext)).not.toEqual(sealed);
  });

  it.each([
    ['another tenant', { ...binding, tenant: 'other' }],
    ['another payload', { ...binding, payloadId: 'b'.repeat(32) }],
    ['another key id', { ...binding, keyId: 'k.1.3' }],
    ['parts that run into each other', { ...binding, tenant: `${binding.tenant}a`, payloadId: 'a'.repeat(31) }],
  ])('do not open for %s', (_id, other) => {
    expect(openPayload(key, other, sealPayload(key, binding, plaintext))).toBeUndefined();
  });

  it('do not open where a bit was changed, cut off, or under another key', () => {
    const sealed = sealPayload(key, binding, plaintext);
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed);
      changed[index]! ^= 1;
      expect(openPayload(key, binding, changed)).toBeUndefined();
    }
    for (const length of [0, 27, 28, sealed.length - 1])
      expect(openPayload(key, binding, sealed.subarray(0, length))).toBeUndefined();
    expect(openPayload(Buffer.alloc(32, 4), binding, sealed)).toBeUndefined();
  });
});

const rendered = (payload: SealedPayload, atMs: number) => `${renderOpenPayload(payload, atMs)}}`;

describe('lines of payloads', () => {
  const payload = { ...binding, sealed: Buffer.from([1, 2, 3]) };

  it('are read as they were rendered, whatever a spool adds', () => {
    const line = rendered(payload, Date.UTC(2026, 0));
    const parsed = {
      tenant: 'default',
      payload_id: binding.payloadId,
      key_id: 'k.1.2',
      captured_at: '2026-01-01T00:00:00.000Z',
      ciphertext: 'AQID',
    };
    expect(parsePayload(line)).toEqual(parsed);
    expect(parsePayload(`${line.slice(0, -1)},"chain":"x"}`)).toEqual(parsed);
  });

  it.each([
    ['no JSON', 'x'],
    ['no object', '1'],
    ['an event', '{"event_id":"a/1/1","type":"tool.called"}'],
    ['another id', rendered({ ...payload, payloadId: "x' OR 1" }, 0)],
    ['no base64', rendered(payload, 0).replace('AQID', 'A*')],
  ])('are none: %s', (_id, text) => {
    expect(parsePayload(text)).toBeUndefined();
  });
});
