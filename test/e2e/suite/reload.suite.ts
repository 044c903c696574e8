import { configStatus } from '@switchyard/contracts';
import { eventually } from '@switchyard/testing';
import { readFile, writeFile } from 'node:fs/promises';
import { SDKS } from '../clients/sdk-clients.js';
import { serverUrl, type GetContext } from './context.js';

const NEW_SERVER = '\n  extra:\n    sources: [{ upstream: everything, tools: [echo] }]\n    access: [{ anonymous: true }]\n';

/** Changes of the file while it is served. */
export function reloadSuite(context: GetContext): void {
  describe('a change of the file', () => {
    const status = async () => configStatus.parse((await context().admin.get('/api/v1/config')).json);
    const upstreamOf = { server: 'demo', upstream: 'everything', outcome: 'ok', principal_name: 'first admin key' };

    it('C-1 that cannot be used is reported with its place, and what was served goes on', async () => {
      const { target, admin, ledger } = context();
      const good = await readFile(target.gatewayFile, 'utf8');
      const before = await status();
      await using client = await SDKS.v1.connect({
        url: serverUrl(context(), 'demo'),
        apiKey: target.adminKey,
        fetch: ledger.fetch(upstreamOf),
      });
      try {
        // In place: a container sees one file, not its folder.
        await writeFile(target.gatewayFile, good.replace('sources: [{ upstream: locked }]', 'sorces: [{ upstream: locked }]'));
        await eventually(async () => expect((await status()).last_rejection).not.toBeNull());
        const { revision, last_rejection: rejection } = await status();
        expect(revision).toBe(before.revision);
        expect(rejection).toMatchObject({
          reason: 'config_invalid',
          message: expect.stringMatching(/switchyard\.yaml:\d+:\d+: servers\.vault\.sorces: .*Did you mean "sources"/),
        });
        expect(await client.callTool('echo', { message: 'still here' })).toBe('Echo: still here');
        await eventually(async () =>
          expect((await admin.events({ type: 'config.rejected' }))[0]).toMatchObject({
            outcome: 'error',
            reason: 'config_invalid',
          }),
        );
      } finally {
        await writeFile(target.gatewayFile, good);
      }
      await eventually(async () => expect(await status()).toMatchObject({ revision: before.revision, last_rejection: null }));
      expect(await client.callTool('echo', { message: 'as before' })).toBe('Echo: as before');
    });

    it('C-2 that can be used is served, without a restart', async () => {
      const { target } = context();
      const good = await readFile(target.gatewayFile, 'utf8');
      const statusOf = async () => (await fetch(`${target.publicUrl}/.well-known/oauth-protected-resource/mcp/extra`)).status;
      expect(await statusOf()).toBe(404);
      try {
        await writeFile(target.gatewayFile, good.trimEnd() + NEW_SERVER);
        await eventually(async () => expect(await statusOf()).toBe(200));
      } finally {
        await writeFile(target.gatewayFile, good);
      }
      await eventually(async () => expect(await statusOf()).toBe(404));
    });
  });
}
