import { DEFAULT_TENANT, IDENTITY_CREDENTIAL, sinkCredential, VaultService } from '@switchyard/contracts';
import { generateSealingKey, openSealed } from '@switchyard/oauth';
import { startVault } from './vault.fixture.js';

describe("what an audit sink's configuration references", () => {
  it('is leased to analytics, sealed, and to no edge', async () => {
    await using rig = await startVault({ env: { HEC: 'token-4711' } });
    const { problems } = await rig.apply([{ upstream: sinkCredential('siem'), env: { '/token': '${env:HEC}' } }]);
    expect(problems).toEqual([]);
    const key = await generateSealingKey();
    const ask = (sink: string, tenant = DEFAULT_TENANT) =>
      rig.platform.rpc.call(VaultService.method.leaseSinkSecrets, {
        tenant,
        sink,
        emitter: 'analytics-1',
        recipientJwk: key.publicJwk,
      });
    const { result } = await ask('siem');
    if (result.case !== 'lease') throw new Error('no lease');
    expect(result.value.sealed).not.toContain('token-4711');
    const opened = Buffer.from(await openSealed(key.privateKey, result.value.sealed)).toString();
    expect(JSON.parse(opened)).toMatchObject({ env: { '/token': 'token-4711' } });
    const [event] = await rig.events('connection.leased', 1);
    expect(event).toMatchObject({ outcome: 'ok', upstream: 'sink/siem', detail: { edge: 'analytics-1' } });

    const byEdge = await rig.lease(sinkCredential('siem'));
    expect(byEdge.result).toMatchObject({ case: 'refusal', value: { reason: 'credential_unavailable' } });
    for (const refused of [await ask('other'), await ask('siem', 'another')])
      expect(refused.result).toMatchObject({ case: 'refusal', value: { reason: 'credential_unavailable' } });
  });

  it('what signs people in is leased to the authorization server, sealed, as it is now, and to no edge', async () => {
    await using rig = await startVault();
    const template = [{ upstream: IDENTITY_CREDENTIAL, env: { '${secret:idp}': '${secret:idp}' } }];
    expect((await rig.apply(template)).problems).toMatchObject([
      { upstream: 'identity/secrets', message: expect.stringContaining('${secret:idp} is not stored') as string },
    ]);
    const key = await generateSealingKey();
    const ask = async (tenant = DEFAULT_TENANT) =>
      (await rig.platform.rpc.call(VaultService.method.leaseIdentitySecrets, { tenant, recipientJwk: key.publicJwk })).result;
    expect(await ask()).toMatchObject({ case: 'refusal', value: { reason: 'credential_unavailable' } });
    for (const value of ['first-of-the-company', 'second-of-the-company']) {
      expect((await rig.api('PUT', '/api/v1/secrets/idp', { value })).ok).toBe(true);
      expect((await rig.apply(template)).problems).toEqual([]);
      const result = await ask();
      if (result.case !== 'lease') throw new Error('no lease');
      const opened = Buffer.from(await openSealed(key.privateKey, result.value.sealed)).toString();
      expect(JSON.parse(opened)).toMatchObject({ env: { '${secret:idp}': value } });
    }
    expect(await ask('another')).toMatchObject({ case: 'refusal' });
    expect((await rig.lease(IDENTITY_CREDENTIAL)).result).toMatchObject({ case: 'refusal' });
    expect((await rig.events('connection.leased', 4)).at(1)).toMatchObject({
      upstream: 'identity/secrets',
      detail: { edge: 'auth-server' },
    });
  });

  it('that leads nowhere is a problem of the configuration', async () => {
    await using rig = await startVault({ env: {} });
    const { problems } = await rig.apply([{ upstream: sinkCredential('siem'), env: { '/token': '${env:HEC}' } }]);
    expect(problems).toMatchObject([
      { upstream: 'sink/siem', message: expect.stringContaining('${env:HEC} is not set') as string },
    ]);
  });
});
