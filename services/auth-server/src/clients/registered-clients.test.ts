import { registrationId } from './registered-clients.js';

const request = { client_name: 'a', redirect_uris: ['https://b/c', 'https://d/e'], token_endpoint_auth_method: 'none' };

describe('ids of registrations', () => {
  it.each<[string, Record<string, unknown>]>([
    ['the same', { ...request }],
    ['in another order', Object.fromEntries(Object.entries(request).reverse())],
  ])('are equal for a request that is %s', (_id, other) => {
    expect(registrationId(other)).toBe(registrationId(request));
    expect(registrationId(other)).toMatch(/^[\w-]{43}$/);
  });

  it.each<[string, Record<string, unknown>]>([
    ['another name', { ...request, client_name: 'b' }],
    ['its redirect URIs in another order', { ...request, redirect_uris: [...request.redirect_uris].reverse() }],
    ['more', { ...request, scope: 'x' }],
    ['objects within that differ', { ...request, jwks: { keys: [] } }],
    ['a secret', { ...request, token_endpoint_auth_method: 'client_secret_basic' }],
    ['nothing said of a secret', { client_name: 'a' }],
  ])('differ for a request with %s', (_id, other) => {
    expect(registrationId(other)).not.toBe(registrationId(request));
  });

  it('differ for the same request of a client with a secret', () => {
    const confidential = { ...request, token_endpoint_auth_method: 'client_secret_post' };
    expect(registrationId(confidential)).not.toBe(registrationId(confidential));
  });
});
