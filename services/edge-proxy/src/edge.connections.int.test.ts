import { eventually, expectWithin } from '@switchyard/testing';
import {
  answerOf,
  type ConnectingEdge,
  type LegacyClient,
  type Person,
  startConnectingEdge,
  textOf,
} from './connecting.fixture.js';
import { callOf, messagesIn, type OpenAnswer, type RawMessage } from './raw-client.fixture.js';

const CHANGED = 'notifications/tools/list_changed';
const LIST = { jsonrpc: '2.0', id: 'l', method: 'tools/list', params: {} };

let place: ConnectingEdge;

beforeAll(async () => {
  place = await startConnectingEdge();
});
afterAll(() => place[Symbol.asyncDispose]());

interface ListedTool {
  readonly name: string;
  readonly description?: string;
}

const toolsOf = ({ result }: RawMessage) => result?.['tools'] as ListedTool[];
const namesOf = (message: RawMessage) => toolsOf(message).map(({ name }) => name);
const connectUrl = (upstream: string) => `${place.edge.url}/connect/${upstream}`;
const countOf = (stream: OpenAnswer, method: string) =>
  messagesIn(stream.text()).filter((message) => message.method === method).length;

/** A client of one of the two eras, as far as lists go. */
interface Listener {
  readonly list: () => Promise<RawMessage>;
  readonly call: (name: string) => Promise<RawMessage>;
  readonly listen: () => Promise<OpenAnswer>;
}

const ERAS: [era: string, client: (person: Person, slug: string) => Promise<Listener>][] = [
  [
    'legacy',
    async (person, slug) => {
      const session = await place.session(person, slug, {});
      return {
        list: async () => (await session.post(LIST)).messages.at(-1)!,
        call: async (name) => (await session.post(callOf(name))).messages.at(-1)!,
        listen: session.stream,
      };
    },
  ],
  [
    'modern',
    (person, slug) =>
      Promise.resolve({
        list: () => answerOf(place.modern(person, slug, { method: 'tools/list' })),
        call: (name) => answerOf(place.modern(person, slug, { name, capabilities: {} })),
        listen: () =>
          place.modern(person, slug, {
            method: 'subscriptions/listen',
            params: { notifications: { toolsListChanged: true } },
          }),
      }),
  ],
];

describe.each(ERAS)('lists of a %s client with upstreams that its user has not connected to', (_era, clientOf) => {
  it('CL-1 name them and where to connect, and have their tools without a new session once that is done', async () => {
    const person = await place.person();
    const client = await clientOf(person, 'both');
    const before = await client.list();
    expect(namesOf(before)).toEqual(['gateway_status']);
    expect(toolsOf(before)[0]?.description).toContain(connectUrl('nova'));
    expect(toolsOf(before)[0]?.description).toContain(connectUrl('oldie'));
    const missing = (before.result?.['_meta'] as Record<string, object>)['dev.switchyard/unavailable'];
    expect(missing).toMatchObject(
      ['nova', 'oldie'].map((upstream) => ({ upstream, reason: 'connection_required', url: connectUrl(upstream) })),
    );
    expect(textOf(await client.call('gateway_status'))).toContain(connectUrl('oldie'));

    const stream = await client.listen();
    await place.connect(person, 'nova');
    await eventually(() => countOf(stream, CHANGED) > 0);
    const one = await client.list();
    expect(namesOf(one)).toEqual(['nova_act', `nova_of_${person.subject}`, 'gateway_status']);
    expect(toolsOf(one)[2]?.description).not.toContain(connectUrl('nova'));
    expect(textOf(await client.call('gateway_status'))).toMatch(/^nova: ready$/m);
    expect(textOf(await client.call('nova_act'))).toBe(place.tokenOf(person, 'nova'));

    await place.connect(person, 'oldie');
    await eventually(async () => (await client.list().then(namesOf)).includes('oldie_act'));
    const heard = countOf(stream, CHANGED);
    await place.disconnect(person, 'nova');
    await eventually(() => countOf(stream, CHANGED) > heard);
    expect(namesOf(await client.list())).toEqual(['oldie_act', `oldie_of_${person.subject}`, 'gateway_status']);
    stream.leave();
  });

  it('CL-2 are not asked for again and again by who listens', async () => {
    const person = await place.person();
    const stream = await (await clientOf(person, 'both')).listen();
    const asked = () => place.vault.requests.filter(({ principalSubject }) => principalSubject === person.subject).length;
    await eventually(() => asked() >= 2);
    const before = asked();
    // That nothing happens is what is tested: what is tried again is tried after a quarter of a second.
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(asked()).toBe(before);
    stream.leave();
  });

  it('CL-3 need not be had before a call that makes the user connect', async () => {
    const person = await place.person();
    const client = await clientOf(person, 'both');
    expect(textOf(await client.call('nova_act'))).toContain(connectUrl('nova'));
    expect((await client.call('made_up')).error).toMatchObject({ code: -32602 });
  });
});

describe('a client that begins before its user has connected to anything', () => {
  it('CL-4 is not turned away, and told of prompts and resources, which may come', async () => {
    const person = await place.person();
    const { result } = await answerOf(place.modern(person, 'nova', { method: 'server/discover' }));
    expect(result?.['capabilities']).toEqual({
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { listChanged: true, subscribe: false },
    });
    const { post } = await place.session(person, 'nova');
    expect((await post({ ...LIST, method: 'prompts/list' })).messages.at(-1)?.result).toMatchObject({ prompts: [] });
  });
});

describe('V10: a user who disconnects', () => {
  it.each<[id: string, begin: (person: Person) => Promise<() => Promise<RawMessage>>]>([
    [
      'V10a with a legacy client',
      async (person) => {
        const session: LegacyClient = await place.session(person, 'oldie', {});
        return async () => (await session.post(callOf('act'))).messages.at(-1)!;
      },
    ],
    [
      'V10b with a modern client, whose session the gateway keeps',
      (person) => Promise.resolve(() => answerOf(place.modern(person, 'oldie', { capabilities: {} }))),
    ],
  ])('%s: nothing of theirs is used any more within a second, and sessions with the upstream end', async (_id, begin) => {
    await expectWithin(1_000, async () => {
      const person = await place.person();
      await place.connect(person, 'oldie');
      const call = await begin(person);
      const token = place.tokenOf(person, 'oldie');
      expect(textOf(await call())).toBe(token);
      const ended = () =>
        place.upstreams.oldie.received.filter(({ method, headers }) => method === 'DELETE' && headers.authorization === token);
      const before = place.calls('oldie').length;
      const from = performance.now();
      await place.disconnect(person, 'oldie');
      await eventually(async () => (await call()).result?.['isError'] === true);
      const tookMs = performance.now() - from;
      // At most the call that was under way.
      expect(place.calls('oldie').length - before).toBeLessThanOrEqual(1);
      await eventually(() => ended().length === 1);
      await place.connect(person, 'oldie');
      const sessions = () =>
        place.upstreams.oldie.received.filter(
          ({ body, headers }) => body.includes('"initialize"') && headers.authorization === place.tokenOf(person, 'oldie'),
        );
      expect(textOf(await call())).toBe(place.tokenOf(person, 'oldie'));
      expect(sessions()).toHaveLength(1);
      return tookMs;
    });
  });
});

describe('a token that the vault has refreshed', () => {
  it('RF-1 is used at once, in the sessions that stand, and nobody is told of changed lists', async () => {
    const person = await place.person();
    await place.connect(person, 'oldie');
    const { post, stream } = await place.session(person, 'oldie', {});
    const standing = await stream();
    const call = async () => textOf((await post(callOf('act'))).messages.at(-1));
    expect(await call()).toBe(place.tokenOf(person, 'oldie'));
    const sessionsOf = () =>
      new Set(
        place.upstreams.oldie.received
          .filter(({ body, headers }) => body.includes('"tools/call"') && headers.authorization?.includes(person.subject))
          .map(({ headers }) => headers['mcp-session-id']),
      );
    await place.refresh(person, 'oldie');
    await eventually(async () => (await call()) === place.tokenOf(person, 'oldie'));
    expect(sessionsOf().size).toBe(1);
    expect(countOf(standing, CHANGED)).toBe(0);
    standing.leave();
  });
});

describe('two users of one edge', () => {
  it('TU-1 are each shown to upstreams with their own credential alone, whatever happens side by side', async () => {
    const people = await Promise.all([place.person(), place.person()]);
    for (const person of people) for (const upstream of ['nova', 'oldie']) await place.connect(person, upstream);
    const clients = await Promise.all(
      people.flatMap((person) => ERAS.map(async ([, clientOf]) => ({ person, client: await clientOf(person, 'both') }))),
    );
    const round = async ({ person, client }: (typeof clients)[number], index: number) => {
      if (index % 7 === 3) await place.connect(person, index % 2 === 0 ? 'nova' : 'oldie');
      if (index % 5 === 1) {
        const own = namesOf(await client.list()).filter((name) => name.includes('_of_'));
        expect(own).toEqual([`nova_of_${person.subject}`, `oldie_of_${person.subject}`]);
      }
      for (const upstream of ['nova', 'oldie'])
        expect(textOf(await client.call(`${upstream}_act`))).toMatch(
          new RegExp(`^Bearer up-${upstream}-${person.subject}-\\d+$`),
        );
    };
    await Promise.all(
      clients.flatMap((client) =>
        [0, 1, 2, 3].map(async (lane) => {
          for (let index = lane; index < 40; index += 4) await round(client, index);
        }),
      ),
    );
    const subjects = people.map(({ subject }) => subject);
    for (const { headers } of [...place.upstreams.nova.received, ...place.upstreams.oldie.received])
      expect(headers.authorization).toMatch(/^Bearer up-/);
    const leased = place.vault.requests.filter(({ principalSubject }) => subjects.includes(principalSubject));
    expect(new Set(leased.map(({ principalSubject }) => principalSubject))).toEqual(new Set(subjects));
  });

  it('TU-2 find nothing of theirs at upstreams but what upstreams gave them, and nothing at all in logs and events', async () => {
    const person = await place.person();
    await place.connect(person, 'oldie');
    const { post } = await place.session(person, 'oldie', {});
    expect(textOf((await post(callOf('act'))).messages.at(-1))).toBe(place.tokenOf(person, 'oldie'));
    await place.edge.event(({ type, principal_subject: who }) => type === 'tool.called' && who === person.subject);
    const heard = [...place.upstreams.nova.received, ...place.upstreams.oldie.received];
    expect(heard.some(({ headers }) => headers.authorization === place.tokenOf(person, 'oldie'))).toBe(true);
    expect(JSON.stringify(heard)).not.toMatch(/sy_[a-z0-9]{12}_/);
    expect(place.edge.logged() + JSON.stringify(place.edge.events)).not.toMatch(/sy_[a-z0-9]{12}_|Bearer|up-(nova|oldie)-/);
  });
});
