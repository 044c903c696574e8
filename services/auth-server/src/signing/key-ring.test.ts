import { isRotationDue, keysAt, keyStateAt, makeSigningKey, withKeyId, withNextKey, type KeyRing } from './key-ring.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('the ring of signing keys', () => {
  const [first, second] = [makeSigningKey(0, 0), makeSigningKey(DAY, DAY + 2 * MINUTE)];
  const ring: KeyRing = [first, second];
  const at = DAY + 2 * MINUTE;

  it.each([
    ['before the second signs', at - 1, 'signing', 'published'],
    ['when it begins to', at, 'verify_only', 'signing'],
    ['as long as tokens of the first may be out', at + 10 * MINUTE - 1, 'verify_only', 'signing'],
    ['after that', at + 10 * MINUTE, 'gone', 'signing'],
  ])('A21: published, signing, verify-only, gone: %s', (_id, nowMs, one, two) => {
    expect([keyStateAt(ring, 0, nowMs), keyStateAt(ring, 1, nowMs)]).toEqual([one, two]);
    const [signer, ...others] = keysAt(ring, nowMs).map(({ kid }) => kid);
    expect(signer).toBe(one === 'signing' ? first.jwk.kid : second.jwk.kid);
    expect(others).toHaveLength(one === 'gone' ? 0 : 1);
  });

  it('lets the first key sign whatever the clock says', () => {
    expect(keyStateAt([second], 0, 0)).toBe('signing');
    expect(keysAt([second], 0)).toEqual([second.jwk]);
  });

  it.each([
    ['long before', 0, false],
    ['an hour before the key has signed for 30 days', 30 * DAY - HOUR, true],
    ['much later', 90 * DAY, true],
  ])('is due to rotate: %s', (_id, nowMs, due) => {
    expect(isRotationDue([first], nowMs)).toBe(due);
  });

  it('takes on one next key at a time, and lets go of those that are gone', () => {
    const next = withNextKey([first], DAY, HOUR);
    expect(next?.map(({ signsFromMs }) => signsFromMs)).toEqual([0, DAY + HOUR]);
    // On command it comes sooner; a second command changes nothing.
    const sooner = withNextKey(next ?? [], DAY, 2 * MINUTE);
    expect(sooner?.map(({ jwk, signsFromMs }) => [jwk.kid, signsFromMs])).toEqual([
      [first.jwk.kid, 0],
      [next?.[1]?.jwk.kid, DAY + 2 * MINUTE],
    ]);
    expect(withNextKey(sooner ?? [], DAY, 2 * MINUTE)).toBeUndefined();
    expect(withNextKey(ring, 2 * DAY, HOUR)?.map(({ signsFromMs }) => signsFromMs)).toEqual([second.signsFromMs, 2 * DAY + HOUR]);
  });

  it('names keys by their thumbprint (RFC 7638 section 3.1)', () => {
    const { kid, ...rest } = first.jwk;
    expect(withKeyId(rest)).toEqual({ ...first.jwk, kid });
    expect(kid).toMatch(/^[\w-]{43}$/);
  });
});
