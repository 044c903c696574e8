import { compileFieldPaths } from './field-paths.js';
import { keyedDigest, redact } from './redact.js';

const key = Buffer.alloc(32, 7);
const digest = (type: string, text: string) => `${type}:${keyedDigest(type, text, key)}`;
const redacted = (value: unknown, clear: readonly string[] = [], limit = 10_000) => {
  const text = redact(value, compileFieldPaths(clear), key, limit);
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
};

describe('D7: redaction', () => {
  it.each<readonly [id: string, value: unknown, clear: readonly string[], expected: unknown]>([
    ['text', 'x', [], digest('string', 'x')],
    ['number', 1.5, [], digest('number', '1.5')],
    ['boolean', true, [], 'boolean'],
    ['null', null, [], null],
    ['empty', { a: {}, b: [] }, [], { a: {}, b: [] }],
    ['list', ['x', 'x'], [], [digest('string', 'x'), digest('string', 'x')]],
    ['clear', { a: 'x', b: 'y' }, ['a'], { a: 'x', b: digest('string', 'y') }],
    ['clear-deep', { a: { b: 'x', c: 'y' } }, ['a.b'], { a: { b: 'x', c: digest('string', 'y') } }],
    ['clear-subtree', { a: { b: ['x', { c: 1 }] } }, ['a'], { a: { b: ['x', { c: 1 }] } }],
    [
      'clear-any-place',
      { a: [{ b: 'x' }, { b: 'y', c: 'z' }] },
      ['a.*.b'],
      { a: [{ b: 'x' }, { b: 'y', c: digest('string', 'z') }] },
    ],
    ['clear-one-place', { a: ['x', 'y'] }, ['a.1'], { a: [digest('string', 'x'), 'y'] }],
    ['clear-both', { a: [{ b: 'x', c: 'y' }] }, ['a.*.b', 'a.0.c'], { a: [{ b: 'x', c: 'y' }] }],
    ['clear-not-there', { a: 'x' }, ['b.c'], { a: digest('string', 'x') }],
    ['clear-above', { a: { b: 'x' } }, ['a.b.c'], { a: { b: digest('string', 'x') } }],
    [
      'name-of-a-secret',
      { Password: 'x', api_key: { a: 1 }, nothing: null, secret: null },
      [],
      { Password: 'secret', api_key: 'secret', nothing: null, secret: null },
    ],
    ['name-of-a-secret-in-the-clear', { a: { token: 'x' } }, ['a'], { a: { token: 'secret' } }],
    ['name-that-only-sounds-so', { max_tokens: 5 }, ['max_tokens'], { max_tokens: 5 }],
    ['jwt', { a: 'x eyJhbGciOiJIUzI1NiJ9.e30.c2ln' }, ['a'], { a: 'secret' }],
    ['bearer', ['bearer abcdefgh12345'], ['*'], ['secret']],
    ['private-key', { a: '-----BEGIN RSA PRIVATE KEY-----\nx' }, ['a'], { a: 'secret' }],
    ['aws', { a: 'AKIAIOSFODNN7EXAMPLE' }, ['a'], { a: 'secret' }],
    ['own-key', { a: `sy_${'a'.repeat(12)}_${'b'.repeat(43)}` }, ['a'], { a: 'secret' }],
    ['url', { a: 'postgres://ann:hunter2@db/x' }, ['a'], { a: 'secret' }],
    ['data-in-a-name', { 'ann@example.com': 1 }, [], { [digest('name', 'ann@example.com')]: digest('number', '1') }],
    ['data-in-a-clear-name', { a: { 'ann@example.com': 1 } }, ['a'], { a: { 'ann@example.com': 1 } }],
    [
      'secret-in-a-name',
      { a: { ghp_aaaaaaaaaaaaaaaaaaaaaaaa: 1 } },
      ['a'],
      { a: { [digest('name', 'ghp_aaaaaaaaaaaaaaaaaaaaaaaa')]: 1 } },
    ],
  ])('%s', (_id, value, clear, expected) => {
    expect(redacted(value, clear)).toEqual(expected);
  });

  it('keeps names that programs know as nothing but names', () => {
    const value = JSON.parse('{"__proto__":{"a":"x"},"constructor":"y"}') as unknown;
    expect(redact(value, compileFieldPaths([]), key, 1_000)).toBe(
      `{"__proto__":{"a":"${digest('string', 'x')}"},"constructor":"${digest('string', 'y')}"}`,
    );
  });

  it('tells equal values of different types apart, and nothing without the key', () => {
    expect(keyedDigest('string', '1', key)).not.toBe(keyedDigest('number', '1', key));
    expect(keyedDigest('string', '1', key)).not.toBe(keyedDigest('string', '1', Buffer.alloc(32, 8)));
  });

  it('gives up where the shape alone is too long', () => {
    expect(
      redacted(
        Array.from({ length: 100 }, () => 1),
        [],
        1_000,
      ),
    ).toBeUndefined();
    expect(
      redacted(
        Array.from({ length: 10 }, () => 1),
        [],
        1_000,
      ),
    ).toHaveLength(10);
  });

  it('looks for secrets in time that grows with the text alone', () => {
    for (const text of [
      'eyJ'.repeat(30_000),
      '://a:'.repeat(20_000),
      `-----BEGIN ${'A '.repeat(40_000)}`,
      'sy_aaaaaaaa_'.repeat(8_000),
    ])
      expect(typeof redacted(text, [''], 1_000_000)).toBe('string');
  });
});
