import { toJsonString } from '@bufbuild/protobuf';
import { BUCKETS, channelSink, DEFAULT_TENANT, SnapshotSchema, type EventFields } from '@switchyard/contracts';
import { connectNats } from '@switchyard/messaging';
import { NatsState, SqliteState, type State } from '@switchyard/state';
import { createLogger } from '@switchyard/telemetry';
import { systemClock as clock } from '@switchyard/runtime';
import { eventually, startNats, tempDir } from '@switchyard/testing';
import path from 'node:path';
import type { Engine } from '../engine/engine.js';
import { startReceiver } from '../sinks/fakes/http-receiver.fixture.js';
import { vaultOf } from '../sinks/sinks.fixture.js';
import { Alerts } from './alerts.js';
import type { RuleState } from './rule-state.js';
import { snapshotOf } from './alerts.fixture.js';

const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;

async function openState(profile: string, undo: AsyncDisposableStack): Promise<State> {
  if (profile === 'embedded') {
    const dir = undo.use(await tempDir()).path;
    return undo.adopt(SqliteState.open(path.join(dir, 'state.sqlite')), (it) => it.close());
  }
  const server = undo.use(await startNats());
  const link = undo.adopt(await connectNats({ servers: [server.url], name: 'alerts-test' }), (it) => it.close());
  return undo.adopt(await NatsState.open(link), (it) => it.close());
}

describe.each(['embedded', 'NATS'])('alerts (%s)', (profile) => {
  it('AL85 follow the configuration, and are evaluated and told by one replica; another goes on without repeating', async () => {
    await using undo = new AsyncDisposableStack();
    const state = await openState(profile, undo);
    const bodies: string[] = [];
    const hook = undo.use(
      await startReceiver(({ body }) => {
        bodies.push(body);
        return { status: 200 };
      }),
    );
    let denied: string[] = [];
    const engine = {
      query: async () => denied.map((name) => ({ group_issuer: 'i', group_subject: name, named: name, denials: 20, reason: '' })),
    } as unknown as Engine;
    const events: EventFields[] = [];
    const open = async () => {
      const alerts = await Alerts.open({
        ...{ state, engine, clock, tenant: DEFAULT_TENANT, everyMs: 20, sinks: { list: async () => [] } },
        rpc: vaultOf(new Map([[channelSink('hook'), { '/secret': SECRET }]]), clock),
        log: createLogger({ service: 'test', level: 'silent' }),
        audit: { record: async (event) => void events.push(event) },
      });
      return undo.adopt(alerts, (it) => it.close());
    };
    const snapshots = await state.bucket(BUCKETS.snapshots, DEFAULT_TENANT);
    const configure = async (rules: Parameters<typeof snapshotOf>[0]) => {
      const channels = { hook: { type: 'webhook', url: hook.url, secret: '${env:S}' } };
      const snapshot = snapshotOf(rules, channels, 'http://localhost:8080');
      await snapshots.put('current', Buffer.from(toJsonString(SnapshotSchema, snapshot)));
    };
    const states = async (alerts: Alerts) => (await alerts.list()).map(({ name, state: is }) => `${name} ${is}`);

    const [one, other] = [await open(), await open()];
    expect(await one.list()).toEqual([]);
    await configure({ a: { kind: 'denial-burst', groupMinutes: 0 } });
    for (const alerts of [one, other])
      await eventually(async () => expect(await states(alerts)).toEqual(['a ok']), { timeoutMs: 30_000 });
    denied = ['ana'];
    for (const alerts of [one, other])
      await eventually(async () => expect(await states(alerts)).toEqual(['a firing']), { timeoutMs: 30_000 });
    await eventually(() => expect(bodies).toHaveLength(1), { timeoutMs: 30_000 });

    // Who takes over sends again what is not known to have arrived.
    const kv = await state.bucket(BUCKETS.alerts, DEFAULT_TENANT);
    await eventually(
      async () => {
        const { messages } = JSON.parse(Buffer.from((await kv.get('rule/a'))!.value).toString()) as RuleState;
        expect(messages.filter(({ pending }) => pending.length > 0)).toEqual([]);
      },
      { timeoutMs: 30_000 },
    );
    await one.close();
    denied = ['ana', 'bob'];
    await eventually(() => expect(bodies).toHaveLength(2), { timeoutMs: 30_000 });
    expect(
      bodies.map((body) => (JSON.parse(body) as { data: { items: { what: string }[] } }).data.items.map(({ what }) => what)),
    ).toEqual([[expect.stringMatching(/^ana was denied/)], [expect.stringMatching(/^bob was denied/)]]);
    expect(events.map(({ type, detail }) => `${type} ${detail?.['count']}`)).toEqual(['alert.fired 1', 'alert.fired 1']);

    await configure({ b: { kind: 'denial-burst', per: 'client' } });
    await eventually(async () => expect(await states(other)).toEqual(['b firing']), { timeoutMs: 30_000 });
    expect(await kv.keys('rule/')).toEqual(['rule/b']);
    expect(await other.silence('a', { untilMs: clock.now() + 60_000, by: 'ops', reason: 'x' })).toBe(false);
    expect(await other.silence('b', { untilMs: clock.now() + 60_000, by: 'ops', reason: 'x' })).toBe(true);
    expect(await other.list()).toMatchObject([{ silenced: true, silencedBy: 'ops' }]);
    await configure({});
    await eventually(async () => expect(await states(other)).toEqual([]));
  }, 300_000);
});
