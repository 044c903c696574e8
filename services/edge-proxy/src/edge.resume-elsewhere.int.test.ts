import {
  beginEvents,
  eventually,
  expectWithin,
  natsUrl,
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from '@switchyard/testing';
import { startTestEdge, type TestEdge } from './edge.fixture.js';
import { streamName } from './event-id.js';
import { callOf, exchange, messagesIn, open, type OpenAnswer, openSession } from './raw-client.fixture.js';

const PATH = '/mcp/work';
const note = (data: string) => ({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data } });
const LARGE = 'x'.repeat(2 * 1024 * 1024);

let upstream: ScriptedUpstream;
let calls: { readonly exchange: ScriptedExchange; readonly say: (message: object) => void }[] = [];
let streams: ((message: object) => void)[] = [];

beforeAll(async () => {
  upstream = await startScriptedUpstream({
    name: 'up',
    tools: ['work'],
    scripts: {
      'tools/call': (call) => {
        const say = beginEvents(call.response);
        say(note('begun'));
        calls.push({ exchange: call, say });
      },
      GET: ({ response }) => {
        const say = beginEvents(response);
        streams.push(say);
        response.once('close', () => (streams = streams.filter((one) => one !== say)));
      },
    },
  });
});
afterAll(() => upstream[Symbol.asyncDispose]());

const snapshot = () => ({
  upstreams: [{ name: 'up', transport: { case: 'http' as const, value: { url: upstream.url } }, timeoutMs: 30_000 }],
  servers: [{ slug: 'work', sources: [{ upstream: 'up', tools: ['*'] }], access: [{ everyone: true }] }],
});

const idsIn = (text: string) => [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id!);
const result = (text: string) => ({ content: [{ type: 'text', text }] });
/** The upstream answers the call that it took last. */
const answerCall = (text: string) => {
  const { exchange: call, say } = calls.at(-1)!;
  say({ jsonrpc: '2.0', id: call.message.id, result: result(text) });
  call.response.end();
};
const say = (data: string) => calls.at(-1)!.say(note(data));
const saidIn = ({ text }: OpenAnswer) => messagesIn(text()).map(({ params, result: got }) => params?.data ?? (got && 'result'));

describe.each<[string, () => string | undefined]>([
  ['in process', () => undefined],
  ['over NATS', natsUrl],
])('a stream that is resumed at another edge, %s', (_transport, url) => {
  let edge: TestEdge;
  let other: TestEdge;

  beforeEach(async () => {
    [calls, streams] = [[], []];
    const nats = url();
    const limits = { drainTimeoutMs: 100 };
    edge = await startTestEdge({ limits, ...(nats !== undefined && { natsUrl: nats }) });
    other = await startTestEdge({ limits, beside: edge, ...(nats !== undefined && { natsUrl: nats }) });
    await edge.publish(snapshot());
    await other.publish(snapshot());
  });
  afterEach(async () => {
    await other[Symbol.asyncDispose]();
    await edge[Symbol.asyncDispose]();
  });

  const resume = (on: TestEdge, session: string, last: string | undefined) =>
    open(on.url, {
      path: PATH,
      key: edge.key,
      session,
      method: 'GET',
      headers: last === undefined ? {} : { 'last-event-id': last },
    });

  /** A call whose client has got the first event of its stream, and then gone. */
  async function lostCall(): Promise<{ session: string; last: string }> {
    const session = await openSession(edge.url, PATH, edge.key);
    const answer = await open(edge.url, { path: PATH, key: edge.key, session, body: callOf('work') });
    await eventually(() => answer.text().includes('begun'));
    answer.leave();
    await answer.ended;
    return { session, last: idsIn(answer.text()).at(-1)! };
  }

  it('RE-1 tells what is said there as it is said, and nothing twice', async () => {
    const { session, last } = await lostCall();
    say('missed');
    const resumed = await resume(other, session, last);
    await eventually(() => resumed.text().includes('missed'));
    for (const data of ['a', 'b', 'c', 'd', 'e', 'f']) say(data);
    await eventually(() => resumed.text().includes('"f"'));
    answerCall('done');
    await resumed.ended;
    expect(saidIn(resumed)).toEqual(['missed', 'a', 'b', 'c', 'd', 'e', 'f', 'result']);
    const ids = idsIn(resumed.text());
    expect([new Set(ids).size, ids[0]?.replace(/\.\d+$/, '')]).toEqual([ids.length, last.replace(/\.\d+$/, '')]);
  });

  it('RE-2 brings results larger than a message of NATS', async () => {
    const { session, last } = await lostCall();
    const resumed = await resume(other, session, last);
    answerCall(LARGE);
    await resumed.ended;
    expect(messagesIn(resumed.text())).toEqual([{ jsonrpc: '2.0', id: 1, result: result(LARGE) }]);
  });

  it('RE-3 goes from edge to edge with its client, which hears everything once', async () => {
    const { session, last } = await lostCall();
    const second = await resume(other, session, last);
    say('second');
    await eventually(() => second.text().includes('second'));
    second.leave();
    say('between');
    const third = await resume(edge, session, idsIn(second.text()).at(-1));
    await eventually(() => third.text().includes('between'));
    const fourth = await resume(other, session, idsIn(third.text()).at(-1));
    await third.ended;
    answerCall('done');
    await fourth.ended;
    expect([second, third, fourth].map(saidIn)).toEqual([['second'], ['between'], ['result']]);
  });

  it('RE-4 belongs to one connection: one that comes later takes it over', async () => {
    const { session, last } = await lostCall();
    const second = await resume(other, session, last);
    say('second');
    await eventually(() => second.text().includes('second'));
    const third = await resume(other, session, idsIn(second.text()).at(-1));
    await second.ended;
    answerCall('done');
    await third.ended;
    expect([saidIn(second), saidIn(third)]).toEqual([['second'], ['result']]);
  });

  it('RE-5 whose end nobody heard there can be taken up again', async () => {
    const { session, last } = await lostCall();
    const second = await resume(other, session, last);
    say('second');
    await eventually(() => second.text().includes('second'));
    second.leave();
    answerCall('late');
    const third = await resume(other, session, idsIn(second.text()).at(-1));
    await third.ended;
    expect(saidIn(third)).toEqual(['result']);
  });

  it('RE-6 of an edge that is no more ends with an error at once', async () => {
    const { session, last } = await lostCall();
    // In one process nothing is killed: there an edge that never was stands for it.
    if (edge.nats !== undefined) await edge.nats.connection.close();
    const gone = edge.nats === undefined ? `${streamName(session, 'no-such-edge', '1', 'abcdefghijkl')}.1` : last;
    await expectWithin(2_000, async () => {
      const startedAt = performance.now();
      const resumed = await resume(other, session, gone);
      await resumed.ended;
      expect(messagesIn(resumed.text())[0]).toMatchObject({ id: 1, error: { data: { reason: 'stream_lost' } } });
      return performance.now() - startedAt;
    });
  });

  it('RE-7 of a call that an edge has cut off when it was stopped brings that', async () => {
    const { session, last } = await lostCall();
    await edge.edge.close();
    const resumed = await resume(other, session, last);
    await resumed.ended;
    expect(messagesIn(resumed.text())[0]).toMatchObject({ id: 1, error: { data: { reason: 'cancelled' } } });
  });

  it('RE-9 is of a call that its client can cancel at any edge, and nobody else', async () => {
    const { session, last } = await lostCall();
    const cancel = (by: string) =>
      exchange(other.url, {
        path: PATH,
        key: edge.key,
        session: by,
        body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } },
      });
    const resumed = await resume(other, session, last);
    await cancel(await openSession(edge.url, PATH, edge.key));
    say('goes on');
    await eventually(() => resumed.text().includes('goes on'));
    await cancel(session);
    await resumed.ended;
    expect(messagesIn(resumed.text()).at(-1)).toMatchObject({ id: 1, error: { data: { reason: 'cancelled' } } });
  });

  it('RE-8 that stands moves with its client, which has missed nothing', async () => {
    const session = await openSession(edge.url, PATH, edge.key);
    await exchange(edge.url, { path: PATH, key: edge.key, session, body: { jsonrpc: '2.0', id: 9, method: 'tools/list' } });
    const first = await resume(edge, session, undefined);
    await eventually(() => streams.length === 1);
    streams[0]!(note('heard'));
    await eventually(() => first.text().includes('heard'));
    first.leave();
    await first.ended;
    for (const data of ['1', '2', '3', '4', '5', '6']) streams[0]!(note(data));
    const before = streams[0];
    const second = await resume(other, session, idsIn(first.text()).at(-1));
    await eventually(() => second.text().includes('"6"'));
    // The edge that held it listens no more, so that nothing is said to it that the client would not hear.
    await eventually(() => streams.length === 1 && streams[0] !== before);
    streams[0]!(note('there'));
    await eventually(() => second.text().includes('there'));
    const heard = saidIn(second).filter((said) => said !== undefined);
    expect(heard).toEqual(['1', '2', '3', '4', '5', '6', 'there']);
    second.leave();
  });
});
