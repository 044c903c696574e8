import { judgeRedirectUri } from './redirect-uri.js';

describe('A4: redirect URIs that a client may register', () => {
  it.each([
    ['https://claude.ai/api/mcp/auth_callback', 'web'],
    ['https://app.example:8443/cb?a=1', 'web'],
    ['http://localhost:6274/oauth/callback', 'loopback'],
    ['http://127.0.0.1/', 'loopback'],
    ['http://[::1]:33418/cb', 'loopback'],
    ['cursor://anysphere.cursor-mcp/oauth/callback', 'private-scheme'],
    ['vscode://vscode.github-authentication/did-authenticate', 'private-scheme'],
    ['com.example.app:/oauth2redirect', 'private-scheme'],
  ])('%s → %s', (uri, kind) => {
    expect(judgeRedirectUri(uri)).toEqual({ kind });
  });

  it.each([
    ['http://evil.example/cb', 'https'],
    ['http://127.0.0.2/cb', 'https'],
    ['http://localhost.evil.example/cb', 'https'],
    ['http://2130706433.evil/cb', 'https'],
    ['https://app.example/cb#x', 'fragment'],
    ['https://app.example/cb#', 'fragment'],
    ['https://user:pass@app.example/cb', 'user or password'],
    ['http://localhost@evil.example/cb', 'user or password'],
    ['https://*.example/cb', 'wildcards'],
    ['https://app.example/*', 'wildcards'],
    ['https:\\\\app.example\\cb', 'backslashes'],
    [' https://app.example/cb', 'white space'],
    ['javascript:alert(1)', 'private-use scheme'],
    ['data:text/html,x', 'private-use scheme'],
    ['file:///etc/passwd', 'private-use scheme'],
    ['ms-msdt:/id', 'private-use scheme'],
    ['mailto:a@b.example', 'private-use scheme'],
    ['myapp://cb', 'private-use scheme'],
    ['/relative', 'absolute'],
    ['', 'absolute'],
    [`https://app.example/${'a'.repeat(2048)}`, '2048'],
  ])('refuses %s', (uri, why) => {
    expect(judgeRedirectUri(uri)).toEqual({ problem: expect.stringContaining(why) as string });
  });
});
