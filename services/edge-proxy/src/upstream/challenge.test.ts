import { challengeOf } from './challenge.js';

describe('how an upstream refuses a credential', () => {
  it.each([
    ['UC-1 without a field', 401, undefined, []],
    ['UC-2 with scopes', 401, 'Bearer realm="x", scope="a:read b", error="invalid_token"', ['a:read', 'b']],
    ['UC-3 in several fields', 401, ['Basic realm="a, b"', 'Bearer scope="one"'], ['one']],
    ['UC-4 with a scope that is a token', 401, 'Bearer scope=one', ['one']],
    ['UC-5 with what is no scope', 401, 'Bearer scope="a \\"b\\" c\u00e9 d d"', ['a', 'd']],
    ['UC-6 that lacks scopes', 403, 'Bearer error="insufficient_scope", scope="w"', ['w']],
    ['UC-7 that lacks scopes and names none', 403, 'bearer ERROR=insufficient_scope', []],
    ['UC-8 that is forbidden', 403, 'Bearer error="invalid_token"', undefined],
    ['UC-9 that is forbidden without a word', 403, undefined, undefined],
    ['UC-10 that is something else', 404, 'Bearer scope="a"', undefined],
  ] as const)('%s', (_id, status, field, scopes) => {
    expect(challengeOf(status, field)?.scopes).toEqual(scopes);
  });

  it('UC-11 with more than anybody means is cut short', () => {
    const many = Array.from({ length: 500 }, (_one, index) => `s${index}`).join(' ');
    expect(challengeOf(401, `Bearer scope="${many}"`)?.scopes).toHaveLength(64);
    expect(challengeOf(401, `Bearer scope="${'x'.repeat(100_000)}"`)?.scopes).toEqual([]);
  });
});
