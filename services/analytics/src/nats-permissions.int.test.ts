import {
  BUCKETS,
  DEFAULT_TENANT,
  ErasureService,
  EVENTS_STREAM,
  eventsSubject,
  rpcSubject,
  VaultService,
} from '@switchyard/contracts';
import { connectNats, NatsBus } from '@switchyard/messaging';
import { NatsState } from '@switchyard/state';
import { startNats } from '@switchyard/testing';
import path from 'node:path';

const USERS = ['edge-proxy', 'auth-server', 'token-vault', 'capability-registry', 'analytics'] as const;
const env = Object.fromEntries(
  USERS.map((user) => [`NATS_${user.toUpperCase().replaceAll('-', '_')}_PASSWORD`, `password-of-${user}`]),
);

describe('deploy/nats/nats.conf', () => {
  it('NP-6 lets analytics read the stream for each sink and keep their places and what alerts know, and nobody else', async () => {
    await using nats = await startNats({ configFile: path.resolve(__dirname, '../../../deploy/nats/nats.conf'), env });
    await using undo = new AsyncDisposableStack();
    const linkOf = async (user: string) =>
      undo.adopt(await connectNats({ servers: [nats.url], name: `test-${user}`, user, password: `password-of-${user}` }), (it) =>
        it.close(),
      );
    const link = await linkOf('analytics');
    const bus = undo.adopt(await NatsBus.open(link), (it) => it.close());
    await bus.retain(EVENTS_STREAM);
    await bus.publish(EVENTS_STREAM, eventsSubject(DEFAULT_TENANT, 'analytics-1'), 'analytics-1/1/1-1', Buffer.from('{}\n'));
    expect(await bus.lastSequence(EVENTS_STREAM)).toBe(1);
    const reader = await bus.read(EVENTS_STREAM, 0);
    const limits = { messages: 1, bytes: 1_000, fillMs: 1, signal: AbortSignal.timeout(20_000) };
    expect((await reader.next(limits)).map(({ sequence }) => sequence)).toEqual(['1']);
    await reader.close();

    const state = undo.adopt(await NatsState.open(link), (it) => it.close());
    const sinks = await state.bucket(BUCKETS.sinks, DEFAULT_TENANT);
    const made = await sinks.create('lease/a', Buffer.from('1'), { ttlMs: 60_000 });
    expect(made.ok && (await sinks.update('lease/a', Buffer.from('2'), made.revision, { ttlMs: 60_000 })).ok).toBe(true);
    expect(await sinks.keys()).toEqual(['lease/a']);
    const alerts = await state.bucket(BUCKETS.alerts, DEFAULT_TENANT);
    const known = await alerts.create('rule/a', Buffer.from('1'));
    expect(known.ok && (await alerts.update('rule/a', Buffer.from('2'), known.revision)).ok).toBe(true);
    expect(Buffer.from((await alerts.get('rule/a'))?.value ?? []).toString()).toBe('2');
    expect(await alerts.keys()).toEqual(['rule/a']);
    const retention = await state.bucket(BUCKETS.retention, DEFAULT_TENANT);
    const gate = await retention.create('gate', Buffer.from('1'));
    expect(gate.ok && (await retention.update('gate', Buffer.from('2'), gate.revision)).ok).toBe(true);
    expect(Buffer.from((await retention.get('gate'))?.value ?? []).toString()).toBe('2');
    const lease = await retention.create('lease/retention', Buffer.from('1'), { ttlMs: 60_000 });
    expect(lease.ok && (await retention.delete('lease/retention', lease.revision)).ok).toBe(true);
    const snapshots = await state.bucket(BUCKETS.snapshots, DEFAULT_TENANT);
    await (
      await snapshots.watch(() => undefined)
    ).ready;
    await expect(snapshots.put('current', Buffer.from('{}'))).rejects.toThrow();

    for (const user of USERS.filter((one) => one !== 'analytics')) {
      const stranger = undo.adopt(await NatsState.open(await linkOf(user)), (it) => it.close());
      for (const own of [BUCKETS.sinks, BUCKETS.alerts, BUCKETS.retention])
        await expect(stranger.bucket(own, DEFAULT_TENANT)).rejects.toThrow();
    }
    const edge = await linkOf('edge-proxy');
    const asked = edge.connection.request(rpcSubject(VaultService.method.leaseSinkSecrets), '', { timeout: 2_000 });
    await expect(asked).rejects.toThrow(/permission/i);

    const serves = link.connection.subscribe(rpcSubject(ErasureService.method.beginErasure), {
      queue: 'analytics',
      callback: (_error, message) => void message.respond('held'),
    });
    await link.connection.flush();
    for (const user of USERS.filter((one) => one !== 'analytics')) {
      const request = (await linkOf(user)).connection.request(serves.getSubject(), '', { timeout: 2_000 });
      if (user === 'token-vault') expect((await request).string()).toBe('held');
      else await expect(request).rejects.toThrow(/permission/i);
    }
  }, 300_000);
});
