import { readChallenge, scopesOf } from './challenge.js';

describe('challenges of upstreams', () => {
  const fields: readonly [id: string, field: string | null, expected: object][] = [
    ['CH-1 none', null, {}],
    ['CH-2 another scheme', 'Basic realm="x", scope="a"', {}],
    ['CH-3 bare', 'Bearer', {}],
    ['CH-4 metadata', 'Bearer resource_metadata="https://a.example/x"', { resourceMetadata: 'https://a.example/x' }],
    ['CH-5 scopes', 'Bearer error="insufficient_scope", scope="a b a"', { scopes: ['a', 'b'] }],
    [
      'CH-6 unquoted',
      'bearer scope=a, resource_metadata=https://a.example/x',
      { scopes: ['a'], resourceMetadata: 'https://a.example/x' },
    ],
    ['CH-7 after another scheme', 'Basic realm="x", Bearer scope="a"', { scopes: ['a'] }],
    ['CH-8 escapes', 'Bearer realm="a \\" scope=\\"evil", scope="a"', { scopes: ['a'] }],
    ['CH-9 what is said first counts', 'Bearer scope="a", scope="b"', { scopes: ['a'] }],
    ['CH-10 no scope in it', 'Bearer scope=""', {}],
    [
      'CH-12 tokens bound to a key alone',
      'DPoP algs="ES256 PS256", resource_metadata="https://a.example/x"',
      { resourceMetadata: 'https://a.example/x', bound: 'only' },
    ],
    ['CH-13 both', 'Bearer scope="a", DPoP algs="ES256"', { scopes: ['a'], bound: 'taken' }],
    ['CH-14 both, the other way round', 'DPoP algs="ES256", Bearer scope="a"', { scopes: ['a'], bound: 'taken' }],
    ['CH-15 algorithms that are not ours', 'Bearer scope="a", DPoP algs="EdDSA"', { scopes: ['a'] }],
    ['CH-16 bare', 'DPoP', { bound: 'only' }],
  ];
  it.each(fields)('%s', (_id, field, expected) => expect(readChallenge(field)).toEqual(expected));

  it('CH-11 takes only what can be a scope (RFC 6749 §3.3)', () => {
    expect(scopesOf('a "b" c\\d é https://x/y')).toEqual(['a', 'https://x/y']);
    expect(scopesOf(7)).toEqual([]);
  });
});
