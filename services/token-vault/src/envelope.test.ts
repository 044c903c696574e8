import { randomBytes } from 'node:crypto';
import { open, seal, type Envelope } from './envelope.js';
import { KeyEncryptionKey } from './key-encryption-key.js';
import { additionalData, type RecordBinding } from './record-binding.js';
import { decodeRecord, encodeRecord } from './sealed-record.js';

const kek = new KeyEncryptionKey(randomBytes(32));
const binding: RecordBinding = {
  tenant: 'default',
  principalIssuer: 'https://idp.example.com',
  principalSubject: 'ana',
  name: 'billing',
  kind: 'credential',
  keyId: kek.id,
  revision: 7,
  version: 'v1',
};
const content = Buffer.from('planted-secret');

const flipped = (bytes: Buffer, index = 0) => {
  const copy = Buffer.from(bytes);
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
};

describe('an envelope', () => {
  it('opens under the binding that it was sealed under', () => {
    expect(open(kek, binding, seal(kek, binding, content))).toEqual(content);
  });

  it('has fresh nonces and a fresh data key every time', () => {
    const [a, b] = [seal(kek, binding, content), seal(kek, binding, content)];
    for (const part of ['key', 'data'] as const) {
      expect(a[part].nonce).not.toEqual(b[part].nonce);
      expect(a[part].bytes).not.toEqual(b[part].bytes);
    }
  });

  it('shows nothing of its content', () => {
    const { key, data } = seal(kek, binding, content);
    expect(Buffer.concat([key.bytes, data.bytes]).includes(content)).toBe(false);
  });

  const otherBindings: [id: string, change: Partial<RecordBinding>][] = [
    ['V1-tenant', { tenant: 'other' }],
    ['V1-issuer', { principalIssuer: 'https://other.example.com' }],
    ['V1-subject', { principalSubject: 'ben' }],
    ['V1-upstream', { name: 'tracker' }],
    ['V1-kind', { kind: 'secret' }],
    ['V1-shifted-text', { principalSubject: 'anab', name: 'illing' }],
    ['V2-key-id', { keyId: '0'.repeat(16) }],
    ['V2-revision', { revision: 6 }],
    ['V2-version', { version: 'v0' }],
  ];
  it.each(otherBindings)('does not open under another binding: %s', (_id, change) => {
    const envelope = seal(kek, binding, content);
    expect(() => open(kek, { ...binding, ...change }, envelope)).toThrow();
  });

  const alterations: [id: string, alter: (envelope: Envelope) => Envelope][] = [
    ['V2-data-bit', (e) => ({ ...e, data: { ...e.data, bytes: flipped(e.data.bytes) } })],
    ['V2-data-tag', (e) => ({ ...e, data: { ...e.data, tag: flipped(e.data.tag, 15) } })],
    ['V2-data-nonce', (e) => ({ ...e, data: { ...e.data, nonce: flipped(e.data.nonce, 11) } })],
    ['V2-data-truncated', (e) => ({ ...e, data: { ...e.data, bytes: e.data.bytes.subarray(1) } })],
    ['V2-data-empty', (e) => ({ ...e, data: { ...e.data, bytes: Buffer.alloc(0) } })],
    ['V2-short-tag', (e) => ({ ...e, data: { ...e.data, tag: e.data.tag.subarray(0, 4) } })],
    ['V2-key-bit', (e) => ({ ...e, key: { ...e.key, bytes: flipped(e.key.bytes, 31) } })],
    ['V2-key-tag', (e) => ({ ...e, key: { ...e.key, tag: flipped(e.key.tag) } })],
    ['V2-key-nonce', (e) => ({ ...e, key: { ...e.key, nonce: flipped(e.key.nonce) } })],
    ['V2-key-as-data', (e) => ({ ...e, data: e.key })],
    ['V2-key-of-another-record', (e) => ({ ...e, key: seal(kek, { ...binding, name: 'tracker' }, content).key })],
    ['V2-data-of-an-older-record', (e) => ({ ...e, data: seal(kek, binding, content).data })],
  ];
  it.each(alterations)('does not open when altered: %s', (_id, alter) => {
    const envelope = seal(kek, binding, content);
    expect(() => open(kek, binding, alter(envelope))).toThrow();
  });

  it('does not open with another key', () => {
    expect(() => open(new KeyEncryptionKey(randomBytes(32)), binding, seal(kek, binding, content))).toThrow();
  });
});

describe('additional data', () => {
  it('differs wherever a text moves from one part to the next', () => {
    const a = additionalData({ ...binding, principalIssuer: 'ab', principalSubject: 'c' }, 'data');
    const b = additionalData({ ...binding, principalIssuer: 'a', principalSubject: 'bc' }, 'data');
    expect(a).not.toEqual(b);
  });

  it('differs between the wrapped key and the data', () => {
    expect(additionalData(binding, 'key')).not.toEqual(additionalData(binding, 'data'));
  });
});

describe('a key-encryption key', () => {
  it('is named by its content, and the name is not the key', () => {
    const bytes = randomBytes(32);
    expect(new KeyEncryptionKey(bytes).id).toBe(new KeyEncryptionKey(bytes).id);
    expect(new KeyEncryptionKey(bytes).id).not.toBe(new KeyEncryptionKey(randomBytes(32)).id);
  });

  it.each([0, 16, 31, 33])('is refused with %i bytes', (length) => {
    expect(() => new KeyEncryptionKey(randomBytes(length))).toThrow(RangeError);
  });

  it('gives equal contents equal versions, and other keys other versions', () => {
    expect(kek.versionOf(['a', 'bc'])).toBe(kek.versionOf(['a', 'bc']));
    expect(kek.versionOf(['a', 'bc'])).not.toBe(kek.versionOf(['ab', 'c']));
    expect(kek.versionOf(['a'])).not.toBe(new KeyEncryptionKey(randomBytes(32)).versionOf(['a']));
  });
});

describe('a stored record', () => {
  const record = { keyId: kek.id, revision: 7, version: 'v1', envelope: seal(kek, binding, content) };
  const stored = () => JSON.parse(Buffer.from(encodeRecord(record)).toString()) as Record<string, unknown>;

  it('is read back as it was written', () => {
    expect(decodeRecord(encodeRecord(record))).toEqual(record);
  });

  const malformed: [id: string, bytes: () => Uint8Array][] = [
    ['V2-not-json', () => Buffer.from('{')],
    ['V2-truncated', () => encodeRecord(record).subarray(0, 200)],
    ['V2-empty', () => Buffer.alloc(0)],
    ['V2-unknown-key', () => Buffer.from(JSON.stringify({ ...stored(), more: 1 }))],
    ['V2-other-format', () => Buffer.from(JSON.stringify({ ...stored(), format: 2 }))],
    ['V2-other-algorithm', () => Buffer.from(JSON.stringify({ ...stored(), algorithm: 'none' }))],
    [
      'V2-short-tag',
      () => Buffer.from(JSON.stringify({ ...stored(), data: { nonce: 'AAAAAAAAAAAAAAAA', tag: 'AAAA', bytes: 'AAAA' } })),
    ],
    ['V2-negative-revision', () => Buffer.from(JSON.stringify({ ...stored(), revision: -1 }))],
  ];
  it.each(malformed)('is refused when malformed: %s', (_id, bytes) => {
    expect(decodeRecord(bytes())).toBeUndefined();
  });
});
