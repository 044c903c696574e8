import { SDKS } from '../clients/sdk-clients.js';
import { SERVICES } from '../targets/target.js';
import { serverUrl, type GetContext } from './context.js';

/** Services that are killed and come back. */
export function restartSuite(context: GetContext): void {
  describe('kill -9', () => {
    it.each(SERVICES)(
      'R-1 %s: a client’s session goes on when it is back, with local and remote upstreams',
      async (service) => {
        const { target, admin, ledger } = context();
        const { key } = await admin.createKey({ name: `before ${service}`, servers: ['demo', 'vault'] });
        const connect = (server: string, upstream: string) => {
          const event = { server, upstream, outcome: 'ok', principal_name: `before ${service}` };
          return SDKS.v1.connect({ url: serverUrl(context(), server), apiKey: key, fetch: ledger.fetch(event) });
        };
        await using local = await connect('demo', 'everything');
        await using remote = await connect('vault', 'locked');
        const before = target.pid(service);
        expect(await local.callTool('echo', { message: 'before' })).toBe('Echo: before');
        expect(await remote.callTool('echo', { text: 'before' })).toBe('locked: before');
        await target.restart(service);
        expect(target.pid(service)).not.toBe(before);
        expect(await local.callTool('echo', { message: 'after' })).toBe('Echo: after');
        expect(await remote.callTool('echo', { text: 'after' })).toBe('locked: after');
      },
      120_000,
    );
  });
}
