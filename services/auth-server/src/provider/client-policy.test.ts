import type { ClientMetadata } from 'oidc-provider';
import { applyClientPolicy, dropKeys } from './client-policy.js';

const applied = (fields: Record<string, unknown>) => {
  const metadata = { redirect_uris: ['https://app.example/cb'], ...fields } as unknown as ClientMetadata;
  dropKeys(metadata);
  applyClientPolicy(metadata);
  return metadata as unknown as Record<string, unknown>;
};

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

describe('what a client may register (RFC 7591)', () => {
  it.each([
    ['only https', ['https://app.example/cb'], 'web'],
    ['only loopback', ['http://127.0.0.1:1/cb', 'http://localhost/cb'], 'native'],
    ['an app scheme', ['cursor://a/b'], 'native'],
    ['https and loopback', ['https://vscode.dev/redirect', 'http://127.0.0.1/'], 'native'],
  ])('F6: %s makes it %s', (_id, redirectUris, type) => {
    expect(applied({ redirect_uris: redirectUris, application_type: 'web' })['application_type']).toBe(type);
  });

  it('A8: ignores what would make the server fetch something, be shown unproxied (a logo), or ask for OpenID Connect features that are off', () => {
    const ignored = {
      jwks_uri: 'http://169.254.169.254/',
      sector_identifier_uri: 'https://evil.example/',
      logo_uri: 'javascript:alert(1)',
      scope: 'openid profile',
      contacts: ['not an address'],
      id_token_signed_response_alg: 'RS256',
      default_max_age: 10,
    };
    const metadata = applied(ignored);
    for (const name of Object.keys(ignored)) expect(metadata).not.toHaveProperty(name);
  });

  it.each([
    ['nothing said', undefined, ['authorization_code', 'refresh_token']],
    ['code only', ['authorization_code'], ['authorization_code']],
    ['both', ['refresh_token', 'authorization_code'], ['authorization_code', 'refresh_token']],
    ['with one that is not offered', ['authorization_code', 'client_credentials'], ['authorization_code']],
    ['and a code that it shows', ['authorization_code', DEVICE_GRANT], ['authorization_code', DEVICE_GRANT]],
  ])('grant types: %s', (_id, grantTypes, registered) => {
    expect(applied(grantTypes === undefined ? {} : { grant_types: grantTypes })['grant_types']).toEqual(registered);
  });

  it('needs no redirect URI where no browser is ever sent back', () => {
    const metadata = applied({ grant_types: [DEVICE_GRANT], redirect_uris: undefined });
    expect(metadata).toMatchObject({ redirect_uris: [], response_types: [], application_type: 'native' });
    const given = applied({ grant_types: [DEVICE_GRANT], redirect_uris: ['https://evil.example/'], response_types: ['code'] });
    expect(given).toMatchObject({ redirect_uris: [], response_types: [] });
  });

  it('keeps a name on one line and without control characters', () => {
    expect(applied({ client_name: '  Good\n\u202e\u0000 App ' })['client_name']).toBe('Good App');
  });

  it('drops empty fields, which clients send for what they do not have', () => {
    expect(applied({ client_uri: '', tos_uri: null, client_name: '' })).not.toHaveProperty('client_uri');
  });

  it.each([
    ['no redirect URIs', { redirect_uris: [] }, 'at least one'],
    ['redirect URIs that are no list', { redirect_uris: 'https://app.example/cb' }, 'at least one'],
    ['too many', { redirect_uris: Array.from({ length: 21 }, (_, i) => `https://app.example/${i}`) }, 'at most 20'],
    ['one bad among good', { redirect_uris: ['https://app.example/cb', 'http://evil.example/'] }, 'must use https'],
    ['no way to sign in', { grant_types: ['client_credentials'] }, 'authorization_code'],
    ['a name that is no text', { client_name: { a: 1 } }, 'must be text'],
    ['a name without end', { client_name: 'x'.repeat(201) }, 'at most 200'],
  ])('refuses %s', (_id, fields, why) => {
    expect(() => applied(fields)).toThrow(expect.objectContaining({ error_description: expect.stringContaining(why) as string }));
  });

  it('leaves its own result as it is, because stored clients pass it again', () => {
    const once = applied({ client_name: 'App', redirect_uris: ['http://localhost/cb'] });
    const again = applied({ ...once });
    expect(again).toEqual(once);
  });
});
