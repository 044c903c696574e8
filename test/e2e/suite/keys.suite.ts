import { eventually, expectWithin } from '@switchyard/testing';
import { AdminApi } from '../admin-api.js';
import type { GetContext } from './context.js';
import { rawCall } from './sign-in.suite.js';

/** API keys and roles. */
export function keysSuite(context: GetContext): void {
  describe('API keys', () => {
    /** @returns how long a revoked key was still let in, from the answer to its revocation, milliseconds */
    async function revocationMs(key: string, id: string): Promise<number> {
      expect((await context().admin.request('DELETE', `/api/v1/keys/${id}`)).status).toBe(204);
      const revokedAt = performance.now();
      await eventually(async () => (await rawCall(context(), 'demo', key)).status === 401, { everyMs: 5 });
      return performance.now() - revokedAt;
    }

    it('AK-1 are made, listed without their secret, and revoked', async () => {
      const { admin } = context();
      const { key, id } = await admin.createKey({ name: 'short-lived', servers: ['demo'] });
      const listed = await admin.get('/api/v1/keys');
      expect(listed.json['keys']).toContainEqual(
        expect.objectContaining({ id, name: 'short-lived', servers: ['demo'], roles: [] }),
      );
      expect(listed.text).not.toContain(key);
      expect(listed.text).not.toContain(key.slice(-43));
      // Let in, and then refused for want of a session.
      await eventually(async () => expect((await rawCall(context(), 'demo', key)).status).toBe(400));
      await revocationMs(key, id);
      expect((await admin.get('/api/v1/keys')).text).not.toContain(id);
      const isRecorded = async (type: string) => (await admin.events({ type })).some(({ detail }) => detail?.['key_id'] === id);
      for (const type of ['auth.key_created', 'auth.key_revoked']) await eventually(() => isRecorded(type));
    });

    it('AK-3 end at the edge within a second of their revocation', async () => {
      await expectWithin(1_000, async () => {
        const { key, id } = await context().admin.createKey({ name: 'short-lived', servers: ['demo'] });
        await eventually(async () => expect((await rawCall(context(), 'demo', key)).status).toBe(400));
        return revocationMs(key, id);
      });
    });

    it.each([
      ['no key', undefined, [401, 401, 401]],
      ['no role', [], [403, 403, 403]],
      ['auditor', ['auditor'], [200, 200, 403]],
      ['admin', ['admin'], [200, 200, 200]],
    ])('AK-2 %s: reads events, servers and keys as its role says', async (_id, roles, statuses) => {
      const { admin, target } = context();
      const made = roles === undefined ? undefined : await admin.createKey({ name: 'reader', servers: ['*'], roles });
      const reader = new AdminApi(target.publicUrl, made?.key);
      const paths = ['/api/v1/events', '/api/v1/servers', '/api/v1/keys'];
      const read = () => Promise.all(paths.map(async (path) => (await reader.get(path)).status));
      await eventually(async () => expect(await read()).toEqual(statuses));
    });
  });
}
