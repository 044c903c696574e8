import { isDocumentId, looksLikeDocumentId } from './document-id.js';

describe('A5: which client ids are addresses of descriptions', () => {
  it.each([
    'https://claude.ai/oauth/claude-code-client-metadata',
    'https://app.example/client.json',
    'https://app.example:8443/a/b',
    'https://app.example/a/',
    'https://xn--bcher-kva.example/client',
  ])('%s', (id) => {
    expect(isDocumentId(id)).toBe(true);
  });

  it.each([
    ['no path', 'https://app.example'],
    ['only a slash', 'https://app.example/'],
    ['http', 'http://app.example/client.json'],
    ['a fragment', 'https://app.example/client.json#a'],
    ['an empty fragment', 'https://app.example/client.json#'],
    ['a query', 'https://app.example/client.json?a=1'],
    ['an empty query', 'https://app.example/client.json?'],
    ['a user', 'https://user@app.example/client.json'],
    ['a password', 'https://u:p@app.example/client.json'],
    ['dot segments', 'https://app.example/a/../client.json'],
    ['a dot segment', 'https://app.example/./client.json'],
    ['encoded dot segments', 'https://app.example/a/%2e%2E/client.json'],
    ['a host in capitals', 'https://APP.example/client.json'],
    ['a scheme in capitals', 'HTTPS://app.example/client.json'],
    ['the default port', 'https://app.example:443/client.json'],
    ['backslashes', 'https:\\\\app.example\\client.json'],
    ['white space', ' https://app.example/client.json'],
    ['an address in other digits', 'https://2130706433/client.json'],
    ['letters that are no ASCII', 'https://bücher.example/client'],
    ['too long', `https://app.example/${'a'.repeat(2048)}`],
    ['no URL', 'https://'],
    ['a registered one', 'XyAbc_12'],
    ['empty', ''],
  ])('not with %s', (_id, id) => {
    expect(isDocumentId(id)).toBe(false);
  });

  it('tells a wrong address from another kind of id', () => {
    expect(['https://a/', 'http://a/b', 'HTTPS://a/b', 'XyAbc_12', 'httpsclient'].map(looksLikeDocumentId)).toEqual([
      ...[true, true, true, false, false],
    ]);
  });
});
