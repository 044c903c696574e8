import { Revocations } from '@switchyard/api-keys';
import { BUCKETS, DEFAULT_TENANT, type BucketName } from '@switchyard/contracts';
import { connectNats } from '@switchyard/messaging';
import { NatsState, type State } from '@switchyard/state';
import { eventually, startNats } from '@switchyard/testing';
import path from 'node:path';

const USERS = ['edge-proxy', 'auth-server', 'token-vault', 'capability-registry', 'analytics'] as const;
const env = Object.fromEntries(
  USERS.map((user) => [`NATS_${user.toUpperCase().replaceAll('-', '_')}_PASSWORD`, `password-of-${user}`]),
);
const OWNED = [
  BUCKETS.payloadKeys,
  BUCKETS.connections,
  BUCKETS.upstreamClients,
  BUCKETS.connecting,
  BUCKETS.vaultKeys,
  BUCKETS.connectionChanges,
  BUCKETS.payloadErasures,
];
const TOLD: readonly BucketName[] = [BUCKETS.vaultKeys, BUCKETS.connectionChanges, BUCKETS.payloadErasures];

describe('deploy/nats/nats.conf', () => {
  it('NP-4 lets the vault keep connections, edges hear what changes of them, and nobody else read or write any of it', async () => {
    await using nats = await startNats({ configFile: path.resolve(__dirname, '../../../deploy/nats/nats.conf'), env });
    await using undo = new AsyncDisposableStack();
    const stateOf = async (user: string): Promise<State> => {
      const options = { servers: [nats.url], name: `test-${user}`, user, password: `password-of-${user}` };
      const link = undo.adopt(await connectNats(options), (it) => it.close());
      return undo.adopt(await NatsState.open(link), (it) => it.close());
    };
    const [vault, edge] = [await stateOf('token-vault'), await stateOf('edge-proxy')];
    for (const name of OWNED) {
      const kv = await vault.bucket(name, DEFAULT_TENANT);
      const heard: string[] = [];
      const watch = TOLD.includes(name)
        ? await (await edge.bucket(name, DEFAULT_TENANT)).watch((change) => change.kind === 'put' && heard.push(change.entry.key))
        : undefined;
      const { revision } = { revision: 0, ...(await kv.create('a', Buffer.from('1'), { ttlMs: 60_000 })) };
      expect([(await kv.get('a'))?.revision, await kv.keys()]).toEqual([revision, ['a']]);
      if (watch !== undefined) await eventually(() => heard.includes('a'));
      await watch?.close();
      const strangers = TOLD.includes(name)
        ? USERS.filter((user) => !['token-vault', 'edge-proxy'].includes(user))
        : ['edge-proxy'];
      for (const user of strangers) await expect((await stateOf(user)).bucket(name, DEFAULT_TENANT)).rejects.toThrow();
      expect((await kv.delete('a', revision)).ok).toBe(true);
    }
    for (const name of [BUCKETS.connectionChanges, BUCKETS.payloadErasures])
      await expect((await edge.bucket(name, DEFAULT_TENANT)).put('forged', Buffer.from('1'))).rejects.toThrow();
    const revocations = await Revocations.open(vault, DEFAULT_TENANT, () => undefined);
    await revocations.confirm();
    await revocations.close();
    const revoked = await vault.bucket(BUCKETS.revocations, DEFAULT_TENANT);
    await expect(revoked.put('person/x', Buffer.from('{}'))).rejects.toThrow();
    const snapshots = await vault.bucket(BUCKETS.snapshots, DEFAULT_TENANT);
    await (
      await snapshots.watch(() => undefined)
    ).ready;
    await expect(snapshots.put('current', Buffer.from('{}'))).rejects.toThrow();
  }, 300_000);
});
