import { AdminApi } from '../admin-api.js';
import type { GetContext } from './context.js';

const HOSTILE_FIELDS: readonly Record<string, string>[] = [
  {},
  { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'gopher', 'x-forwarded-port': '1', 'x-forwarded-prefix': '/evil' },
  { forwarded: 'host=evil.example;proto=https', 'x-original-url': 'https://evil.example/', 'x-real-ip': '10.0.0.1' },
];

/** What can be read without a key. */
export function documentsSuite(context: GetContext): void {
  describe('documents and probes', () => {
    const get = (path: string) => new AdminApi(context().target.publicUrl).get(path);

    it('H-1 is healthy and ready', async () => {
      expect((await get('/health')).json).toEqual({ status: 'ok' });
      const { status, json } = await get('/ready');
      expect(status).toBe(200);
      expect(json).toMatchObject({ ready: true });
      expect(new Set(Object.values(json['dependencies'] as object))).toEqual(new Set(['ok']));
    });

    it('H-2 every process says on its management port that it is healthy and ready, and gives metrics', async () => {
      for (const url of context().target.managementUrls) {
        expect((await fetch(`${url}/health`)).status).toBe(200);
        const ready = await fetch(`${url}/ready`);
        expect([ready.status, await ready.text()]).toEqual([200, expect.stringContaining('"ready":true')]);
        expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^# TYPE \w+/m);
      }
    });

    it.each([
      ['demo', '/demo'],
      ['team', '/team'],
      ['vault', '/vault'],
      ['open', '/open'],
      ['all servers', ''],
    ])('D-1 %s: is a protected resource of its own (RFC 9728)', async (_id, path) => {
      const { publicUrl } = context().target;
      const { status, json } = await get(`/.well-known/oauth-protected-resource/mcp${path}`);
      expect(status).toBe(200);
      expect(json).toMatchObject({
        resource: `${publicUrl}/mcp${path}`,
        authorization_servers: [publicUrl],
        bearer_methods_supported: ['header'],
      });
    });

    it.each([
      ['RFC 8414', '/.well-known/oauth-authorization-server'],
      ['OpenID Connect Discovery', '/.well-known/openid-configuration'],
    ])('D-2 %s: describes the authorization server', async (_id, path) => {
      const { publicUrl } = context().target;
      const { status, json } = await get(path);
      expect(status).toBe(200);
      expect(json).toMatchObject({
        issuer: publicUrl,
        authorization_endpoint: `${publicUrl}/oauth/authorize`,
        token_endpoint: `${publicUrl}/oauth/token`,
        registration_endpoint: `${publicUrl}/oauth/register`,
        code_challenge_methods_supported: ['S256'],
        response_types_supported: ['code'],
        authorization_response_iss_parameter_supported: true,
      });
      const keys = (await fetch(String(json['jwks_uri']))).json();
      expect(await keys).toMatchObject({ keys: [expect.objectContaining({ kty: 'EC', crv: 'P-256' })] });
    });

    it.each([
      ['root, RFC 8414', '/.well-known/oauth-authorization-server'],
      ['root, OpenID', '/.well-known/openid-configuration'],
      ['of a server, RFC 8414', '/.well-known/oauth-authorization-server/mcp/demo'],
      ['of all servers, RFC 8414', '/.well-known/oauth-authorization-server/mcp'],
      ['of a server, OpenID', '/.well-known/openid-configuration/mcp/demo'],
      ['behind a server, OpenID', '/mcp/demo/.well-known/openid-configuration'],
    ])('A10 %s: the same bytes whatever a request says of its host', async (_id, path) => {
      const { publicUrl } = context().target;
      const expected = await (await fetch(`${publicUrl}/.well-known/oauth-authorization-server`)).text();
      for (const headers of HOSTILE_FIELDS) {
        const response = await fetch(`${publicUrl}${path}`, { headers });
        expect([response.status, await response.text()]).toEqual([200, expected]);
      }
    });

    it('A10 the document of a resource is the same bytes too, and the root has none: it would be of another resource', async () => {
      const { publicUrl } = context().target;
      const url = `${publicUrl}/.well-known/oauth-protected-resource`;
      const expected = await (await fetch(`${url}/mcp/demo`)).text();
      expect(JSON.parse(expected)).toMatchObject({ resource: `${publicUrl}/mcp/demo` });
      for (const headers of HOSTILE_FIELDS) {
        expect(await (await fetch(`${url}/mcp/demo`, { headers })).text()).toBe(expected);
        expect((await fetch(url, { headers })).status).toBe(404);
      }
    });

    it('D-4 MCP 2025-03-26: the endpoints answer at the origin, without a redirect', async () => {
      const { publicUrl } = context().target;
      const body = JSON.stringify({
        client_name: 'Origin client',
        redirect_uris: ['http://127.0.0.1/cb'],
        token_endpoint_auth_method: 'none',
      });
      const headers = { 'content-type': 'application/json' };
      const registered = await fetch(`${publicUrl}/register`, { method: 'POST', headers, body, redirect: 'manual' });
      const { client_id: clientId } = (await registered.json()) as { client_id: string };
      expect([registered.status, typeof clientId]).toEqual([201, 'string']);
      const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: clientId });
      const refused = await fetch(`${publicUrl}/token`, { method: 'POST', body: form, redirect: 'manual' });
      expect([refused.status, await refused.json()]).toMatchObject([400, { error: 'invalid_grant' }]);
      const page = await fetch(`${publicUrl}/authorize?client_id=nobody&response_type=code`, { redirect: 'manual' });
      expect(page.status).toBe(400);
    });

    it('D-3 a caller without a token is told where to get one', async () => {
      const { publicUrl } = context().target;
      const response = await fetch(`${publicUrl}/mcp/demo`, { method: 'POST', body: '{}' });
      expect(response.status).toBe(401);
      const challenge = response.headers.get('www-authenticate') ?? '';
      expect(challenge).toContain(`resource_metadata="${publicUrl}/.well-known/oauth-protected-resource/mcp/demo"`);
      expect(challenge).toMatch(/^Bearer .*scope="[^"]+"/);
    });

    it('P-1 serves an OpenAPI document, and something at every path in it', async () => {
      const { json } = await get('/api/openapi.json');
      expect(json).toMatchObject({ openapi: '3.0.3', servers: [{ url: context().target.publicUrl }] });
      const operations = Object.entries(json['paths'] as Record<string, object>).flatMap(([path, item]) =>
        Object.keys(item).map((method) => [method.toUpperCase(), path] as const),
      );
      expect(operations.map(([, path]) => path)).toEqual(
        expect.arrayContaining(['/api/v1/servers', '/api/v1/keys', '/api/v1/secrets', '/api/v1/events', '/api/v1/config']),
      );
      const stranger = new AdminApi(context().target.publicUrl);
      for (const [method, path] of operations) {
        const { status } = await stranger.request(method, path.replace(/\{\w+\}/g, 'x'));
        expect([method, path, status]).toEqual([method, path, 401]);
      }
    });
  });
}
