import { decodeApiKeyRecord, encodeApiKeyRecord } from './key-record.js';
import { mintApiKey, parseApiKey, secretMatches } from './key-text.js';

const options = { name: 'nightly agent', servers: ['work'], roles: [], createdAtMs: Date.UTC(2026, 0, 1) };

describe('API key text', () => {
  it('is sy_<id>_<secret>, with 256 bits of secret', () => {
    const { text, record } = mintApiKey(options);
    expect(text).toMatch(/^sy_[a-z0-9]{12}_[A-Za-z0-9_-]{43}$/);
    expect(text.split('_')[1]).toBe(record.id);
  });

  it('never repeats', () => {
    const texts = Array.from({ length: 200 }, () => mintApiKey(options).text);
    expect(new Set(texts).size).toBe(200);
  });

  it('is not in the record, in no part', () => {
    const { text, record } = mintApiKey(options);
    const secret = parseApiKey(text)?.secret ?? '';
    expect(Buffer.from(encodeApiKeyRecord(record)).toString()).not.toContain(secret);
    expect(secretMatches(secret, record.secretSha256)).toBe(true);
  });

  it.each([
    ['empty', ''],
    ['other prefix', `sk_abcdefghij12_${'A'.repeat(43)}`],
    ['short secret', `sy_abcdefghij12_${'A'.repeat(42)}`],
    ['long secret', `sy_abcdefghij12_${'A'.repeat(44)}`],
    ['capital id', `sy_ABCDEFGHIJ12_${'A'.repeat(43)}`],
    ['line end', `sy_abcdefghij12_${'A'.repeat(43)}\n`],
    ['prototype key', 'sy___proto__ab_x'],
  ])('refuses %s', (_id, text) => {
    expect(parseApiKey(text)).toBeUndefined();
  });

  it.each([
    ['another secret', mintApiKey(options).record.secretSha256],
    ['no hash at all', ''],
    ['half a hash', mintApiKey(options).record.secretSha256.slice(0, 20)],
  ])('does not match %s', (_id, stored) => {
    expect(secretMatches('A'.repeat(43), stored)).toBe(false);
  });

  it('keeps its record through storage, and ignores fields of a newer version', () => {
    const { record } = mintApiKey({ ...options, expiresAtMs: Date.UTC(2027, 0, 1) });
    expect(decodeApiKeyRecord(encodeApiKeyRecord(record))).toEqual(record);
    const newer = JSON.parse(Buffer.from(encodeApiKeyRecord(record)).toString()) as Record<string, unknown>;
    expect(decodeApiKeyRecord(Buffer.from(JSON.stringify({ ...newer, later: 1 }))).id).toBe(record.id);
  });
});
