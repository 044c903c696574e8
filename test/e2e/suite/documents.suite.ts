import { AdminApi } from '../admin-api.js';
import type { GetContext } from './context.js';

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
