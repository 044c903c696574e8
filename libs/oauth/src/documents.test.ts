import { bearerChallenge } from './challenge.js';
import { protectedResourceMetadata, protectedResourceMetadataUrl, resourceUrl } from './resource.js';

const publicUrl = 'https://mcp.example.com';

describe('protected resource metadata (RFC 9728)', () => {
  it.each([
    [
      'server',
      { publicUrl, slug: 'work' },
      `${publicUrl}/mcp/work`,
      `${publicUrl}/.well-known/oauth-protected-resource/mcp/work`,
    ],
    ['gateway', { publicUrl }, `${publicUrl}/mcp`, `${publicUrl}/.well-known/oauth-protected-resource/mcp`],
  ])('names a %s by the URL that clients use', (_id, options, resource, metadataUrl) => {
    expect(resourceUrl(options)).toBe(resource);
    expect(protectedResourceMetadataUrl(options)).toBe(metadataUrl);
    expect(protectedResourceMetadata({ ...options, scopes: ['mcp'] })).toEqual({
      resource,
      authorization_servers: [publicUrl],
      scopes_supported: ['mcp'],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: ['ES256', 'Ed25519', 'EdDSA', 'PS256'],
    });
  });
});

describe('bearerChallenge', () => {
  const resourceMetadataUrl = `${publicUrl}/.well-known/oauth-protected-resource/mcp/work`;
  it.each([
    ['no credential', { resourceMetadataUrl, scope: 'mcp' }, `Bearer scope="mcp", resource_metadata="${resourceMetadataUrl}"`],
    [
      'bad token',
      { resourceMetadataUrl, error: 'invalid_token', description: 'The access token has expired.' },
      `Bearer error="invalid_token", error_description="The access token has expired.", resource_metadata="${resourceMetadataUrl}"`,
    ],
    [
      'text that would leave the quotes or the line',
      { resourceMetadataUrl, description: 'a"b\\c\r\nSet-Cookie: d' },
      `Bearer error_description="abcSet-Cookie: d", resource_metadata="${resourceMetadataUrl}"`,
    ],
  ])('%s', (_id, options, header) => {
    expect(bearerChallenge(options)).toBe(header);
  });
});
