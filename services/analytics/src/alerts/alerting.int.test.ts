import { Problem } from '@switchyard/admin-api';
import { createHmac } from 'node:crypto';
import { EngineError, type Engine } from '../engine/engine.js';
import { startReceiver, type HttpReceiver, type Received, type Reply } from '../sinks/fakes/http-receiver.fixture.js';
import { alertConfigOf } from './alert-config.js';
import type { Alerting } from './alerting.js';
import { lasting, openAlertingBench, snapshotOf, type AlertingBench } from './alerts.fixture.js';
import { viewAlert } from './alert-view.js';
import { GIVE_UP_MS } from './deliveries.js';
import { AlertOvertaken } from './rule-state.js';
import { endSilence, saveSilence } from './silences.js';

const MINUTE = 60_000;
const KEY = Buffer.alloc(32, 9);
const SECRETS = { hook: { '/secret': `whsec_${KEY.toString('base64')}` } };
const RULES = { denials: { kind: 'denial-burst' } };

const noEngine = {} as Engine;

/** A receiver that keeps what it took, and answers as it is told to. */
async function startHook() {
  const taken: Received[] = [];
  let answer: Reply = { status: 200 };
  const receiver = await startReceiver((request) => {
    if (typeof answer === 'string' || answer.status >= 300) return answer;
    taken.push(request);
    return answer;
  });
  return {
    taken,
    bodies: () => taken.map(({ body }) => JSON.parse(body) as { type: string; data: Record<string, unknown> }),
    url: receiver.url,
    answers: (next: Reply) => void (answer = next),
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  } satisfies HttpReceiver & Record<string, unknown>;
}

describe('alerting', () => {
  let undo: AsyncDisposableStack;
  let hook: Awaited<ReturnType<typeof startHook>>;
  let bench: AlertingBench;
  /** Who is denied at the moment. */
  let denied: string[];
  let broken: Error | undefined;
  const channels = () => ({ hook: { type: 'webhook', url: hook.url, secret: '${env:HOOK}' } });

  beforeEach(async () => {
    undo = new AsyncDisposableStack();
    hook = undo.use(await startHook());
    denied = [];
    broken = undefined;
    const rows = async () => {
      if (broken !== undefined) throw broken;
      return denied.map((name) => ({ group_issuer: 'idp', group_subject: name, named: name, denials: '20', reason: '' }));
    };
    bench = undo.use(await openAlertingBench(noEngine, { rows, secrets: SECRETS }));
  });
  afterEach(() => undo.disposeAsync());

  const open = (rules: Parameters<AlertingBench['open']>[0] = RULES) => bench.open(rules, channels());
  /** A minute passes, rules are evaluated, and what is due is sent. */
  async function minute(alerting: Alerting, minutes = 1) {
    bench.clock.advance(minutes * MINUTE);
    await alerting.evaluate(lasting);
    while (await alerting.deliver('hook', lasting));
  }
  const types = () => hook.bodies().map(({ type, data }) => `${type} ${String(data['count'])}`);
  const events = () => bench.events.map(({ type, detail = {} }) => `${type} ${detail['count'] ?? detail['channel'] ?? ''}`);
  const view = (rules: Parameters<AlertingBench['open']>[0] = RULES) => {
    const [rule] = alertConfigOf(snapshotOf(rules, channels(), 'http://localhost')).rules;
    return viewAlert(bench.kv, rule!, bench.clock.now());
  };

  it('AL70 tells of a beginning and an end, signed, and both are events', async () => {
    const alerting = await open();
    denied = ['ana'];
    await minute(alerting);
    expect(await view()).toMatchObject({ state: 'firing', count: 1, deliveries: [{ channel: 'hook', state: 'delivered' }] });
    denied = [];
    await minute(alerting);
    await minute(alerting, 5);
    expect(types()).toEqual(['alert.fired 1', 'alert.resolved 1']);
    expect(hook.bodies()[0]?.data).toMatchObject({
      ...{ alert: 'denials', kind: 'denial-burst', state: 'fired' },
      items: [
        { what: 'ana was denied 20 times in 5 min (limit 20)', about: { name: 'ana', subject: 'ana' }, value: 20, limit: 20 },
      ],
    });
    for (const { headers, body } of hook.taken) {
      const content = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
      expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', KEY).update(content).digest('base64')}`);
    }
    expect(events()).toEqual(['alert.fired 1', 'alert.resolved 1']);
    expect(bench.events[0]?.detail).toMatchObject({ alert: 'denials', what: 'ana was denied 20 times in 5 min (limit 20)' });
    expect(await view()).toMatchObject({ state: 'ok', count: 0, firing: [] });
  });

  it('AL71 neither repeats nor forgets after a restart', async () => {
    const first = await open();
    denied = ['ana'];
    bench.clock.advance(MINUTE);
    await first.evaluate(lasting);
    // Ended before anything was sent.
    await first.close();
    const second = await open();
    await minute(second);
    expect(types()).toEqual(['alert.fired 1']);
    await second.close();
    const third = await open();
    denied = [];
    await minute(third, 6);
    expect(types()).toEqual(['alert.fired 1', 'alert.resolved 1']);
    expect(events()).toEqual(['alert.fired 1', 'alert.resolved 1']);
  });

  it('AL72 of two replicas that both believe that they are the one, one stops', async () => {
    const [one, other] = [await open(), await open()];
    denied = ['ana'];
    await minute(one);
    await expect(other.evaluate(lasting)).rejects.toThrow(AlertOvertaken);
    expect(types()).toEqual(['alert.fired 1']);
  });

  it('AL73 sends again what was not taken, later and later, with the same id', async () => {
    const alerting = await open();
    denied = ['ana'];
    hook.answers({ status: 503 });
    await minute(alerting);
    expect(await alerting.deliver('hook', lasting)).toBe(false);
    expect(await view()).toMatchObject({ deliveries: [{ state: 'retrying', reason: 'http_503' }] });
    hook.answers('reset');
    await minute(alerting);
    hook.answers({ status: 200 });
    await minute(alerting, 2);
    expect(types()).toEqual(['alert.fired 1']);
    expect(String(hook.taken[0]?.headers['webhook-id'])).toBe(hook.bodies()[0]?.data['id']);
    expect(await view()).toMatchObject({ deliveries: [{ state: 'delivered', reason: '' }] });
  });

  it('AL74 leaves a receiver alone for as long as it asks', async () => {
    const alerting = await open();
    denied = ['ana'];
    hook.answers({ status: 429, headers: { 'retry-after': '600' } });
    await minute(alerting);
    hook.answers({ status: 200 });
    await minute(alerting, 9);
    expect(types()).toEqual([]);
    await minute(alerting, 2);
    expect(types()).toEqual(['alert.fired 1']);
  });

  it.each([
    { id: 'AL75 what is refused', status: 422, after: 0, reason: 'http_422' },
    { id: 'AL76 what nobody took for a day', status: 503, after: GIVE_UP_MS / MINUTE, reason: 'http_503' },
    { id: 'AL77 what was configured wrongly for a day', status: 401, after: GIVE_UP_MS / MINUTE, reason: 'http_401' },
  ])('$id is given up, and that is an event', async ({ status, after, reason }) => {
    const alerting = await open({ denials: { kind: 'denial-burst', repeatMinutes: 0 } });
    denied = ['ana'];
    hook.answers({ status });
    await minute(alerting);
    if (after > 0) expect(events()).toEqual(['alert.fired 1']);
    await minute(alerting, after);
    expect(events()).toEqual(['alert.fired 1', 'alert.undelivered hook']);
    expect(bench.events[1]).toMatchObject({ reason, detail: { alert: 'denials', what: 'fired' } });
    hook.answers({ status: 200 });
    await minute(alerting, 60);
    expect(types()).toEqual([]);
  });

  it('AL78 is told to nobody while somebody has silenced it, and then where it still holds', async () => {
    const alerting = await open();
    const untilMs = bench.clock.now() + 10 * MINUTE;
    await saveSilence(bench.kv, 'denials', { untilMs, by: 'ops', reason: 'maintenance' }, bench.clock.now());
    denied = ['ana'];
    await minute(alerting);
    await minute(alerting, 8);
    expect(types()).toEqual([]);
    expect(await view()).toMatchObject({ state: 'firing', silenced: true, silencedBy: 'ops', silencedBecause: 'maintenance' });
    expect(bench.events[0]?.detail).toMatchObject({ silenced: 'true' });
    await minute(alerting, 2);
    expect(types()).toEqual(['alert.fired 1']);
    expect(await view()).toMatchObject({ silenced: false });
    await saveSilence(
      bench.kv,
      'denials',
      { untilMs: bench.clock.now() + MINUTE, by: 'ops', reason: 'again' },
      bench.clock.now(),
    );
    await endSilence(bench.kv, 'denials');
    expect(await view()).toMatchObject({ silenced: false });
  });

  it('AL79 a storm is one message', async () => {
    const alerting = await open();
    denied = Array.from({ length: 90 }, (_, index) => `caller-${index}`);
    await minute(alerting);
    await minute(alerting);
    expect(types()).toEqual(['alert.fired 90']);
    expect((hook.bodies()[0]?.data['items'] as unknown[]).length).toBe(10);
  });

  it('AL80 what cannot be evaluated stays as it was, and says why', async () => {
    const alerting = await open();
    denied = ['ana'];
    await minute(alerting);
    const detail = 'The query took longer than the 10 s that it may take (query_seconds).';
    broken = new Problem(503, { reason: 'query_too_expensive', detail });
    await minute(alerting, 30);
    expect(types()).toEqual(['alert.fired 1']);
    expect(await view()).toMatchObject({ state: 'firing', failure: detail });
    broken = undefined;
    await minute(alerting);
    expect(await view()).toMatchObject({ state: 'firing', failure: '' });
  });

  it('AL81 a database that is away is what an alert of the audit trail tells of', async () => {
    broken = new EngineError('connect ECONNREFUSED', undefined);
    const away = { query: async () => Promise.reject(broken!) } as unknown as Engine;
    await using own = await openAlertingBench(away, { rows: () => Promise.reject(broken!), secrets: SECRETS });
    const alerting = await own.open({ trail: { kind: 'pipeline' } }, channels());
    for (const minutes of [0, 4, 2]) {
      own.clock.advance(minutes * MINUTE);
      await alerting.evaluate(lasting);
      await alerting.deliver('hook', lasting);
    }
    expect(hook.bodies().map(({ data }) => data['items'])).toEqual([
      [expect.objectContaining({ what: 'the database of the audit trail has not answered for 6 min; events wait' })],
    ]);
  });

  it('AL82 tells those channels that a rule names, and none that is not configured any more', async () => {
    const alerting = await open({
      denials: { kind: 'denial-burst', notify: [] },
      named: { kind: 'denial-burst', notify: ['hook'] },
    });
    denied = ['ana'];
    hook.answers({ status: 503 });
    await minute(alerting);
    await alerting.close();
    const without = await bench.open({ named: { kind: 'denial-burst' } }, {});
    hook.answers({ status: 200 });
    await minute(without, 5);
    expect(types()).toEqual([]);
    expect((await bench.kv.keys('rule/')).sort()).toEqual(['rule/named']);
  });

  it('AL83 a rule that judges something else begins anew', async () => {
    const alerting = await open();
    denied = ['ana'];
    await minute(alerting);
    expect(await view({ denials: { kind: 'denial-burst', per: 'client' } })).toMatchObject({ state: 'unknown' });
    const other = await open({ denials: { kind: 'denial-burst', per: 'client' } });
    await minute(other);
    expect(types()).toEqual(['alert.fired 1', 'alert.fired 1']);
  });

  it('AL84 reaches no private address that is not allowed', async () => {
    const alerting = await bench.open(RULES, channels(), 'https://mcp.example.com');
    denied = ['ana'];
    await minute(alerting);
    expect(types()).toEqual([]);
    expect(await view()).toMatchObject({ deliveries: [{ state: 'retrying', reason: 'unreachable' }] });
  });
});
