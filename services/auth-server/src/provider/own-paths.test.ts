import { ownTarget } from './own-paths.js';

describe('which requests are for the authorization server', () => {
  it.each([
    ['/oauth/token', '/oauth/token'],
    ['/oauth/authorize?client_id=a?b', '/oauth/authorize?client_id=a?b'],
    ['/authorize?client_id=$1', '/oauth/authorize?client_id=$1'],
    ['/token', '/oauth/token'],
    ['/register', '/oauth/register'],
    ['/.well-known/openid-configuration', '/.well-known/openid-configuration'],
    ['/.well-known/openid-configuration/mcp?a', '/.well-known/openid-configuration?a'],
    ['/.well-known/oauth-authorization-server/mcp/work', '/.well-known/oauth-authorization-server'],
    ['/mcp/work/.well-known/openid-configuration', '/.well-known/openid-configuration'],
    ['/mcp/work/sse/.well-known/oauth-authorization-server', '/.well-known/oauth-authorization-server'],
  ])('%s is answered as %s', (target, answered) => {
    expect(ownTarget(target)).toBe(answered);
  });

  it.each([
    '/',
    '/api/v1/keys',
    '/token/',
    '/token/x',
    '/Token',
    '/authorize/..',
    '/mcp/work',
    '/.well-known/oauth-authorization-server/mcp/work/x',
    '/.well-known/oauth-protected-resource',
    'http://evil.example/oauth/token',
    '',
  ])('%s is not', (target) => {
    expect(ownTarget(target)).toBeUndefined();
  });
});
