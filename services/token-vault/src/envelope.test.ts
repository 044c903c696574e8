import { randomBytes } from 'node:crypto';
import { open, seal, type Ciphertext } from './envelope.js';
import { KeyEncryptionKey } from './key-encryption-key.js';
import { additionalData, type RecordBinding } from './record-binding.js';
import { decodeRecord, encodeRecord } from './sealed-record.js';

const key = randomBytes(32);
const keyId = '00112233445566ff';
const binding: RecordBinding = {
  tenant: 'default',
  principalIssuer: 'https://idp.example.com',
  principalSubject: 'ana',
  name: 'billing',
  kind: 'credential',
  keyId,
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
    expect(open(key, binding, seal(key, binding, content))).toEqual(content);
  });

  it('has a fresh nonce every time', () => {
    const [a, b] = [seal(key, binding, content), seal(key, binding, content)];
    expect(a.nonce).not.toEqual(b.nonce);
    expect(a.bytes).not.toEqual(b.bytes);
  });

  it('shows nothing of its content', () => {
    expect(seal(key, binding, content).bytes.includes(content)).toBe(false);
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
    const envelope = seal(key, binding, content);
    expect(() => open(key, { ...binding, ...change }, envelope)).toThrow();
  });

  const alterations: [id: string, alter: (ciphertext: Ciphertext) => Ciphertext][] = [
    ['V2-data-bit', (c) => ({ ...c, bytes: flipped(c.bytes) })],
    ['V2-data-tag', (c) => ({ ...c, tag: flipped(c.tag, 15) })],
    ['V2-data-nonce', (c) => ({ ...c, nonce: flipped(c.nonce, 11) })],
    ['V2-data-truncated', (c) => ({ ...c, bytes: c.bytes.subarray(1) })],
    ['V2-data-empty', (c) => ({ ...c, bytes: Buffer.alloc(0) })],
    ['V2-short-tag', (c) => ({ ...c, tag: c.tag.subarray(0, 4) })],
    ['V2-tag-of-another', (c) => ({ ...c, tag: seal(key, { ...binding, name: 'tracker' }, content).tag })],
    ['V2-data-of-an-older-record', () => seal(key, { ...binding, revision: 6 }, content)],
  ];
  it.each(alterations)('does not open when altered: %s', (_id, alter) => {
    const envelope = seal(key, binding, content);
    expect(() => open(key, binding, alter(envelope))).toThrow();
  });

  it('does not open with another key', () => {
    expect(() => open(randomBytes(32), binding, seal(key, binding, content))).toThrow();
  });
});

describe('additional data', () => {
  it('differs wherever a text moves from one part to the next', () => {
    const a = additionalData({ ...binding, principalIssuer: 'ab', principalSubject: 'c' }, 'data');
    const b = additionalData({ ...binding, principalIssuer: 'a', principalSubject: 'bc' }, 'data');
    expect(a).not.toEqual(b);
  });

  it('differs between the wrapped key and the data', () => {
    expect(additionalData(binding, 'key', 1)).not.toEqual(additionalData(binding, 'data', 1));
  });

  it('differs between formats', () => {
    expect(additionalData(binding, 'data', 1)).not.toEqual(additionalData(binding, 'data', 2));
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
});

describe('a stored record', () => {
  const record = { keyId, revision: 7, version: 'v1', data: seal(key, binding, content) };
  const stored = () => JSON.parse(Buffer.from(encodeRecord(record)).toString()) as Record<string, unknown>;

  it('is read back as it was written', () => {
    expect(decodeRecord(encodeRecord(record))).toEqual(record);
  });

  const malformed: [id: string, bytes: () => Uint8Array][] = [
    ['V2-not-json', () => Buffer.from('{')],
    ['V2-truncated', () => encodeRecord(record).subarray(0, 150)],
    ['V2-empty', () => Buffer.alloc(0)],
    ['V2-unknown-key', () => Buffer.from(JSON.stringify({ ...stored(), more: 1 }))],
    ['V2-other-format', () => Buffer.from(JSON.stringify({ ...stored(), format: 3 }))],
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
