import { openRecord, recordKey, sealRecord } from './sealed-record.js';

describe('sealed records', () => {
  const sealed = sealRecord('RefreshToken', 'the-token', { grantId: 'grant-1' });

  it('opens under the id and kind that it was sealed under', () => {
    expect(openRecord('RefreshToken', 'the-token', sealed)).toEqual({ grantId: 'grant-1' });
  });

  it.each([
    ['another id', 'RefreshToken', 'the-tokem'],
    ['another kind', 'AuthorizationCode', 'the-token'],
  ])('does not open under %s', (_id, kind, id) => {
    expect(() => openRecord(kind, id, sealed)).toThrow();
  });

  it('does not open when altered', () => {
    const altered = Uint8Array.from(sealed);
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
    expect(() => openRecord('RefreshToken', 'the-token', altered)).toThrow();
  });

  it('leaves neither the id nor the content in the store', () => {
    expect(recordKey('RefreshToken', 'the-token')).toMatch(/^RefreshToken\/[\w-]{43}$/);
    expect(Buffer.from(sealed).toString('latin1')).not.toMatch(/grant-1|the-token/);
  });
});
