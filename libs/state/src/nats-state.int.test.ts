import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { BUCKETS } from '@switchyard/contracts';
import { connectNats } from '@switchyard/messaging';
import { cuttableWire, eventually, natsUrl, type NatsServer, startNats, stopProcess, unusedName } from '@switchyard/testing';
import { StateUnavailable, type KvChange } from './kv.js';
import { keyToken } from './key-token.js';
import { NatsState } from './nats-state.js';

const bytes = (text: string) => Buffer.from(text);
const line = (change: KvChange) =>
  change.kind === 'put' ? `${change.entry.key}=${Buffer.from(change.entry.value).toString()}` : `${change.key} gone`;

async function openState(url: string, timeoutMs = 1_000) {
  const link = await connectNats({ servers: [url], name: 'nats-state-test' });
  const state = await NatsState.open(link, { timeoutMs });
  const close = () => state.close().then(() => link.close());
  return { link, state, [Symbol.asyncDispose]: close };
}

it('KV-F1 without a server: StateUnavailable, not ready; both heal', async () => {
  await using server = await startNats();
  await using opened = await openState(server.url, 200);
  const kv = await opened.state.bucket(BUCKETS.sessions, 'tenant');
  const revision = await kv.put('key', bytes('before'));
  await server.kill();
  const acts = [
    () => kv.get('key'),
    () => kv.put('key', bytes('x')),
    () => kv.create('other', bytes('x')),
    () => kv.update('key', bytes('x'), revision + 1),
    () => kv.keys(),
    () => opened.state.bucket(BUCKETS.oidc, 'tenant'),
  ];
  for (const act of acts) await expect(act()).rejects.toThrow(StateUnavailable);
  expect(await opened.state.ready()).toBe(false);
  await server.restart();
  await eventually(() => opened.state.ready());
  await eventually(async () => expect(Buffer.from((await kv.get('key'))?.value ?? []).toString()).toMatch(/before|x/));
});

type Act = (server: NatsServer) => Promise<unknown>;
const goOn: Act = ({ pid }) => Promise.resolve(process.kill(pid(), 'SIGCONT'));

it.each<readonly [string, Act, Act]>([
  ['killed', (server) => server.kill(), (server) => server.restart()],
  ['stopped', ({ pid }) => stopProcess(pid()), goOn],
])(
  'KV-F9 once a server that was %s has let one wait for the whole time limit, nobody waits, until it answers again',
  async (_how, away, back) => {
    await using server = await startNats();
    await using opened = await openState(server.url, 1_000);
    const kv = await opened.state.bucket(BUCKETS.sessions, 'tenant');
    const revision = await kv.put('key', bytes('before'));
    await away(server);
    await expect(kv.get('key')).rejects.toThrow(StateUnavailable);
    const again = await opened.state.bucket(BUCKETS.sessions, 'other');
    const acts = [
      () => kv.get('key'),
      () => kv.put('key', bytes('x')),
      () => kv.update('key', bytes('x'), revision),
      () => again.get('key'),
    ];
    for (const act of acts) await expect(act()).rejects.toThrow('has not answered for longer than its time limit');
    await back(server);
    await eventually(async () => expect(Buffer.from((await kv.get('key'))?.value ?? []).toString()).toBe('before'));
  },
  30_000,
);

it('KV-F2 a watch survives three kills and restarts of the server', async () => {
  await using server = await startNats();
  await using opened = await openState(server.url);
  const kv = await opened.state.bucket(BUCKETS.sessions, 'tenant');
  const held = holding();
  const watch = await kv.watch(held.onChange);
  for (let round = 1; round <= 3; round += 1) {
    await server.kill();
    await server.restart();
    await eventually(() => kv.put('key', bytes(String(round))).then(() => true));
    await eventually(() => expect(held.now()).toEqual({ key: String(round) }));
    await kv.delete('key');
    await eventually(() => expect(held.now()).toEqual({}));
  }
  await watch.close();
}, 300_000);

it('KV-F7 a watch that was cut off tells what it missed, deletions included, even where their marks are gone', async () => {
  await using wire = await cuttableWire(natsUrl());
  await using opened = await openState(wire.url);
  await using other = await openState(natsUrl());
  const tenant = unusedName('tenant');
  const kv = await opened.state.bucket(BUCKETS.sessions, tenant);
  const otherKv = await other.state.bucket(BUCKETS.sessions, tenant);
  for (const key of ['stays', 'changes', 'goes', 'purged']) await otherKv.put(key, bytes('1'));
  const held = holding();
  const watch = await kv.watch(held.onChange);
  await watch.ready;
  expect(held.now()).toEqual({ stays: '1', changes: '1', goes: '1', purged: '1' });

  await wire.cut();
  await otherKv.put('changes', bytes('2'));
  await otherKv.put('new', bytes('1'));
  await otherKv.delete('goes');
  const manager = await jetstreamManager(other.link.connection);
  await manager.streams.purge('KV_switchyard-sessions', {
    filter: `$KV.switchyard-sessions.${keyToken(tenant)}.${keyToken('purged')}`,
  });
  await wire.mend();
  await eventually(() => expect(held.now()).toEqual({ stays: '1', changes: '2', new: '1' }));
  expect(held.changes).toHaveLength(4 + 4);
  await watch.close();
});

/** What a watch has said so far, and what follows from it. */
function holding() {
  const changes: KvChange[] = [];
  const now = () => {
    const held = new Map<string, string>();
    for (const change of changes) {
      if (change.kind === 'put') held.set(change.entry.key, Buffer.from(change.entry.value).toString());
      else held.delete(change.key);
    }
    return Object.fromEntries(held);
  };
  return { changes, now, onChange: (change: KvChange) => void changes.push(change) };
}

it('KV-F8 a watch confirms nothing while it is cut off, and again when it is not', async () => {
  await using wire = await cuttableWire(natsUrl());
  await using opened = await openState(wire.url, 300);
  await using other = await openState(natsUrl());
  const tenant = unusedName('tenant');
  const held = holding();
  const watch = await (await opened.state.bucket(BUCKETS.sessions, tenant)).watch(held.onChange);
  await watch.confirm();
  await wire.cut();
  await (await other.state.bucket(BUCKETS.sessions, tenant)).put('key', bytes('1'));
  await expect(watch.confirm()).rejects.toThrow(StateUnavailable);
  await wire.mend();
  await eventually(() => watch.confirm());
  expect(held.now()).toEqual({ key: '1' });
  await watch.close();
});

it('KV-F3 a watch whose consumer is deleted on the server starts again', async () => {
  await using opened = await openState(natsUrl());
  const tenant = unusedName('tenant');
  const kv = await opened.state.bucket(BUCKETS.sessions, tenant);
  const changes: string[] = [];
  const watch = await kv.watch((change) => changes.push(line(change)));
  await watch.ready;
  const manager = await jetstreamManager(opened.link.connection);
  for await (const { name, config } of manager.consumers.list('KV_switchyard-sessions')) {
    if (config.filter_subject?.includes(keyToken(tenant))) await manager.consumers.delete('KV_switchyard-sessions', name);
  }
  await kv.put('after', bytes('1'));
  await eventually(() => expect(changes).toEqual(['after=1']));
  await watch.close();
});

it('KV-F4 a write whose answer was lost is recognised as its own', async () => {
  await using opened = await openState(natsUrl(), 300);
  const tenant = unusedName('tenant');
  const kv = await opened.state.bucket(BUCKETS.sessions, tenant);
  const revision = await kv.put('key', bytes('one'));
  // The answers to publications get lost from now on: what is published, takes effect.
  const lossy = await openState(natsUrl(), 300);
  const lossyKv = await lossy.state.bucket(BUCKETS.sessions, tenant);
  const request = lossy.link.connection.request.bind(lossy.link.connection);
  lossy.link.connection.request = async (subject, payload, options) => {
    const answer = await request(subject, payload, options);
    if (subject.startsWith('$KV.')) throw new Error('the answer was lost');
    return answer;
  };
  const updated = await lossyKv.update('key', bytes('two'), revision);
  expect(updated.ok && updated.revision).toBe((await kv.get('key'))?.revision);
  const created = await lossyKv.create('new', bytes('one'));
  expect(created.ok && created.revision).toBe((await kv.get('new'))?.revision);
  await expect(lossyKv.update('key', bytes('three'), revision)).rejects.toThrow(StateUnavailable);
  await lossy[Symbol.asyncDispose]();
});

it('KV-F5 the marks of deletions go by themselves', async () => {
  await using opened = await openState(natsUrl());
  const tenant = unusedName('tenant');
  const kv = await opened.state.bucket(BUCKETS.sessions, tenant);
  await kv.put('key', bytes('one'));
  await kv.delete('key');
  const stored = await (
    await jetstream(opened.link.connection).jetstreamManager()
  ).streams.getMessage('KV_switchyard-sessions', {
    last_by_subj: `$KV.switchyard-sessions.${keyToken(tenant)}.${keyToken('key')}`,
  });
  expect([stored?.header.get('KV-Operation'), stored?.header.get('Nats-TTL')]).toEqual(['DEL', '3600s']);
});

it('KV-F6 two processes that open a bucket at once both get it', async () => {
  await using server = await startNats();
  await using one = await openState(server.url);
  await using two = await openState(server.url);
  const kvs = await Promise.all([one, two].map(({ state }) => state.bucket(BUCKETS.oidc, 'tenant')));
  await kvs[0]?.put('key', bytes('x'));
  expect(await kvs[1]?.keys()).toEqual(['key']);
});
