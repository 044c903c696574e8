import type { Logger } from '@switchyard/telemetry';
import { scanMessage } from '@switchyard/mcp';
import { eventually } from '@switchyard/testing';
import { NO_CREDENTIAL } from '../stages/lease.js';
import { FanOut } from './fan-out.js';
import type { FeedSource, StreamEnd, StreamEvents, Subscription } from './feed.js';
import type { Filter } from './filter.js';

interface FakeStream extends StreamEvents {
  readonly filter: Filter;
  isOpen: boolean;
}

const CONTEXT = { scope: '', credential: NO_CREDENTIAL, requestId: 'r', traceparent: 't', owner: 'o' };

/** A feed at a place where a test says what happens. */
function setUp() {
  const log: string[] = [];
  const fanOut = new FanOut({ error: (text: string) => void log.push(text) } as Logger);
  const place = {};
  const streams: FakeStream[] = [];
  const source: FeedSource = {
    open: (filter, _context, events) => {
      const onEnd = (why: StreamEnd) => {
        stream.isOpen = false;
        events.onEnd(why);
      };
      const stream: FakeStream = { ...events, onEnd, filter, isOpen: true };
      streams.push(stream);
      return () => (stream.isOpen = false);
    },
    missed: () => void log.push('missed'),
  };
  const join = (name: string, missed = false): Subscription & { heard: string[] } => {
    const heard: string[] = [];
    const take = ({ method, uri = '' }: { method: string; uri: string | undefined }) =>
      void heard.push(`${method.slice(14)} ${uri}`);
    const onOver = () => void heard.push(`${name} over`);
    return Object.assign(
      fanOut.join(place, () => source, { take, onOver, context: () => CONTEXT }, missed),
      { heard },
    );
  };
  return { fanOut, streams, join, log, open: () => streams.filter(({ isOpen }) => isOpen).length };
}

const opened = (streams: FakeStream[], count: number) => eventually(() => streams[count - 1] ?? false, { everyMs: 1 });
const uris = (...resourceSubscriptions: string[]): Filter => ({ resourceSubscriptions });
function say(stream: FakeStream, uri: string): void {
  const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } }));
  const envelope = scanMessage(bytes);
  if (!envelope.ok) throw new Error(envelope.message);
  stream.onMessage({ bytes, envelope });
}

describe('a feed', () => {
  it('FD-1 asks for the union, one stream at a time, and lets the last one go when the next stands', async () => {
    const { streams, join, open, fanOut } = setUp();
    const [a, b, c] = [join('a'), join('b'), join('c')];
    const first = a.change(uris('x'));
    const others = [b.change(uris('y')), c.change({ ...uris('x', 'z'), toolsListChanged: true })];
    const one = await opened(streams, 1);
    expect(one.filter).toEqual(uris('x'));
    one.onHonoured(uris('x'));
    expect(await first).toEqual(uris('x'));
    const two = await opened(streams, 2);
    expect(two.filter).toEqual({ ...uris('x', 'y', 'z'), toolsListChanged: true });
    expect(open()).toBe(2);
    say(one, 'x');
    say(two, 'y');
    two.onHonoured({ ...uris('x', 'z'), toolsListChanged: true });
    expect(await Promise.all(others)).toEqual([{}, { ...uris('x', 'z'), toolsListChanged: true }]);
    expect([one.isOpen, two.isOpen]).toEqual([false, true]);
    expect([a.heard, b.heard, c.heard]).toEqual([['resources/updated x'], ['resources/updated y'], ['resources/updated x']]);
    // What is wanted before and after is wanted all the time.
    expect(await c.change({ ...uris('x', 'z'), toolsListChanged: true })).toEqual({ ...uris('x', 'z'), toolsListChanged: true });
    expect(streams).toHaveLength(2);
    for (const member of [a, b, c]) member.leave();
    expect([open(), fanOut.size]).toEqual([0, 0]);
  });

  it('FD-2 opens a lost stream again, with what is wanted by then, and says that all of it may have changed', async () => {
    const { streams, join, open } = setUp();
    const [a, b] = [join('a'), join('b')];
    void a.change({ ...uris('x'), promptsListChanged: true });
    (await opened(streams, 1)).onHonoured({ ...uris('x'), promptsListChanged: true });
    streams[0]!.onEnd('lost');
    const late = b.change(uris('y'));
    const again = await opened(streams, 2);
    expect(again.filter).toEqual({ ...uris('x', 'y'), promptsListChanged: true });
    again.onHonoured({ ...uris('x', 'y'), promptsListChanged: true });
    expect(await late).toEqual(uris('y'));
    expect(a.heard).toEqual(['prompts/list_changed ', 'resources/updated x']);
    // It has wanted that since before there was a stream to hear it on.
    expect(b.heard).toEqual(['resources/updated y']);
    a.leave();
    b.leave();
    expect(open()).toBe(0);
  });

  it('FD-3 keeps what stands while a wider stream cannot be had', async () => {
    const { streams, join } = setUp();
    const [a, b] = [join('a'), join('b')];
    void a.change(uris('x'));
    (await opened(streams, 1)).onHonoured(uris('x'));
    const wider = b.change(uris('y'));
    (await opened(streams, 2)).onEnd('lost');
    say(streams[0]!, 'x');
    expect([streams[0]!.isOpen, a.heard]).toEqual([true, ['resources/updated x']]);
    (await opened(streams, 3)).onHonoured(uris('x', 'y'));
    expect(await wider).toEqual(uris('y'));
    // Whoever was heard all the time has missed nothing.
    expect([a.heard, b.heard]).toEqual([['resources/updated x'], ['resources/updated y']]);
    a.leave();
    b.leave();
  });

  it('FD-4 does not ask again for what the upstream has not', async () => {
    const { streams, join, fanOut } = setUp();
    const member = join('a');
    const honoured = member.change(uris('x'));
    (await opened(streams, 1)).onEnd('declined');
    expect(await honoured).toEqual({});
    const other = join('b');
    expect(await other.change(uris('x'))).toEqual({});
    expect(streams).toHaveLength(1);
    member.leave();
    other.leave();
    expect(fanOut.size).toBe(0);
  });

  it('FD-5 that is over tells everybody, and is not joined any more', async () => {
    const { streams, join, fanOut, open } = setUp();
    const [a, b] = [join('a'), join('b')];
    const waiting = [a.change(uris('x')), b.change(uris('x'))];
    (await opened(streams, 1)).onEnd('over');
    expect(await Promise.all(waiting)).toEqual([{}, {}]);
    expect([a.heard, b.heard, fanOut.size, open()]).toEqual([['a over'], ['b over'], 0, 0]);
    expect(await a.change(uris('x'))).toEqual({});
    const anew = join('c', true);
    void anew.change(uris('x'));
    (await opened(streams, 2)).onHonoured(uris('x'));
    expect(anew.heard).toEqual(['resources/updated x']);
    anew.leave();
  });

  it('FD-6 wants nothing of an upstream of which nobody wants anything', async () => {
    const { streams, join } = setUp();
    const member = join('a');
    expect(await member.change({})).toEqual({});
    void member.change(uris('x'));
    (await opened(streams, 1)).onHonoured(uris('x'));
    expect(await member.change({})).toEqual({});
    expect(streams.map(({ isOpen }) => isOpen)).toEqual([false]);
    member.leave();
  });
});
