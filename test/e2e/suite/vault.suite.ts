import { SDKS } from '../clients/sdk-clients.js';
import { CREDENTIAL_HEADER } from '../targets/gateway-file.js';
import { serverUrl, type GetContext } from './context.js';

/** Credentials that the gateway holds for an upstream. */
export function vaultSuite(context: GetContext): void {
  describe('upstream credentials', () => {
    it('V-1 reach the upstream as the header field that it wants, and appear nowhere else', async () => {
      const { target, admin, ledger } = context();
      const { key } = await admin.createKey({ name: 'vault user', servers: ['vault'] });
      const event = { server: 'vault', upstream: 'locked', outcome: 'ok', principal_name: 'vault user' };
      await using client = await SDKS.v1.connect({ url: serverUrl(context(), 'vault'), apiKey: key, fetch: ledger.fetch(event) });
      expect(await client.callTool('echo', { text: 'hi' })).toBe('locked: hi');
      const credentials = target.upstreams.locked.received.map(({ headers }) => headers[CREDENTIAL_HEADER]);
      expect(new Set(credentials)).toEqual(new Set([`Key ${target.upstreamKey}`]));
      expect(target.upstreams.locked.received.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);

      const paths = ['servers', 'upstreams', 'config', 'secrets', 'keys', 'events?limit=1000'];
      const answers = await Promise.all(paths.map((path) => admin.get(`/api/v1/${path}`)));
      expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 200));
      expect(answers.filter(({ text }) => text.includes(target.upstreamKey))).toEqual([]);
      expect(await target.logs()).not.toContain(target.upstreamKey);
    });
  });
}
