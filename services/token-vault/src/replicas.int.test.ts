import { startNats, tempDir, type NatsServer } from '@switchyard/testing';
import { startVault, type VaultRig } from './vault.fixture.js';

const bearer = (value: string, upstream: string) => ({ upstream, headers: { Authorization: `Bearer ${value}` } });

describe('two vaults on one store', () => {
  let nats: NatsServer;
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let vaults: [VaultRig, VaultRig];
  const env = { TOKEN: 'from-env' };

  beforeEach(async () => {
    [nats, dir] = await Promise.all([startNats(), tempDir()]);
    const start = () => startVault({ natsUrl: nats.url, dir: dir.path, env });
    // Both find no key file: one makes it, both use it.
    vaults = await Promise.all([start(), start()]);
  });
  afterEach(async () => {
    await Promise.all(vaults.map((vault) => vault[Symbol.asyncDispose]()));
    await Promise.all([nats[Symbol.asyncDispose](), dir[Symbol.asyncDispose]()]);
  });

  it('agree on the same configuration when it is applied at once, again and again', async () => {
    const templates = ['a', 'b', 'c'].map((upstream) => bearer('${env:TOKEN}', upstream));
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (vaults[index % 2] ?? vaults[0]).apply(templates)),
    );
    for (const { versions, problems } of answers) expect([versions, problems]).toEqual([answers[0]?.versions, []]);
    for (const upstream of ['a', 'b', 'c']) {
      expect(await vaults[0].leased(upstream)).toMatchObject({ headers: { Authorization: 'Bearer from-env' } });
    }
  });

  it('write each credential once', async () => {
    await Promise.all([vaults[0].apply([bearer('${env:TOKEN}', 'a')]), vaults[1].apply([bearer('${env:TOKEN}', 'a')])]);
    expect(await vaults[0].events('connection.changed', 1)).toHaveLength(1);
  });

  it('never leave a credential behind with the secret of before', async () => {
    await vaults[0].api('PUT', '/api/v1/secrets/s', { value: 'start' });
    for (let round = 0; round < 15; round++) {
      await vaults[0].apply([]);
      const applying = [0, 1].map((index) => (vaults[index] ?? vaults[0]).apply([bearer('${secret:s}', 'a')]));
      const storing = vaults[round % 2]?.api('PUT', '/api/v1/secrets/s', { value: `round-${round}` });
      await storing;
      for (const { problems } of await Promise.all(applying)) expect(problems).toEqual([]);
      expect(await vaults[1].leased('a')).toMatchObject({ headers: { Authorization: `Bearer round-${round}` } });
    }
  });

  it('see what the other one stored', async () => {
    await vaults[0].api('PUT', '/api/v1/secrets/s', { value: 'one' });
    await vaults[0].apply([bearer('${secret:s}', 'a')]);
    await vaults[1].api('PUT', '/api/v1/secrets/s', { value: 'two' });
    const leases = await Promise.all(Array.from({ length: 10 }, () => vaults[0].leased('a')));
    expect(new Set(leases.map(({ headers }) => headers['Authorization']))).toEqual(new Set(['Bearer two']));
  });
});
