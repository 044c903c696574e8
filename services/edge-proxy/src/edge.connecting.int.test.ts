import { systemClock } from '@switchyard/runtime';
import { eventually } from '@switchyard/testing';
import { answerOf, type ConnectingEdge, type Person, startConnectingEdge, textOf, URL_MODE } from './connecting.fixture.js';
import { callOf, messagesIn, type OpenAnswer, type RawMessage } from './raw-client.fixture.js';

type Upstream = 'nova' | 'oldie';
const UPSTREAMS: Upstream[] = ['nova', 'oldie'];
const ASK = 'elicitation/create';

/** How far the edge's clock is ahead. */
let skewMs = 0;
let place: ConnectingEdge;

beforeAll(async () => {
  const clock = { ...systemClock, now: () => systemClock.now() + skewMs };
  place = await startConnectingEdge({ clock, limits: { callLimitMs: 4_000 } });
});
afterAll(() => place[Symbol.asyncDispose]());
afterEach(() => {
  skewMs = 0;
});

const connectUrl = (upstream: string) => `${place.edge.url}/connect/${upstream}`;

/** What a modern client that agrees sends next. */
const agreed = ({ result }: RawMessage, action = 'accept') => ({
  inputResponses: result?.['inputRequests'] === undefined ? {} : { connect: { action } },
  requestState: result?.['requestState'],
});

const asked = (call: OpenAnswer) => eventually(() => messagesIn(call.text()).find(({ method }) => method === ASK) ?? false);

const eventOf = ({ subject }: Person, type: string) =>
  place.edge.event((event) => event.type === type && event.principal_subject === subject);

describe.each(UPSTREAMS)('a modern client whose user is not connected to %s', (upstream) => {
  it('CN-1 is asked to open the connect page, and its retry goes on by itself once there is a connection', async () => {
    const person = await place.person();
    const before = place.calls(upstream).length;
    const first = await answerOf(place.modern(person, upstream));
    expect(first.result).toMatchObject({
      resultType: 'input_required',
      inputRequests: { connect: { method: ASK, params: { mode: 'url', url: connectUrl(upstream) } } },
      requestState: expect.any(String) as string,
    });
    expect(JSON.stringify(first)).not.toContain('elicitationId');
    const leases = place.vault.requests.length;
    let isAnswered = false;
    const retried = place.modern(person, upstream, { params: agreed(first) });
    const answer = answerOf(retried).finally(() => (isAnswered = true));
    await eventually(() => place.vault.requests.length > leases);
    expect([isAnswered, place.calls(upstream).length]).toEqual([false, before]);
    await place.connect(person, upstream);
    expect(textOf(await answer)).toBe(place.tokenOf(person, upstream));
    const [call, more] = place.calls(upstream).slice(before);
    expect(more).toBeUndefined();
    expect(call?.body).not.toMatch(/requestState|inputResponses/);
    // Once when it waits, and once when it goes on: nobody asks again and again.
    expect(place.vault.requests.length - leases).toBe(2);
  });

  it('CN-2 that comes back when there is one is answered at once', async () => {
    const person = await place.person();
    const first = await answerOf(place.modern(person, upstream));
    await place.connect(person, upstream);
    expect(textOf(await answerOf(place.modern(person, upstream, { params: agreed(first) })))).toBe(
      place.tokenOf(person, upstream),
    );
  });

  it('CN-3 whose user declines: the model is told where the page is', async () => {
    const person = await place.person();
    const first = await answerOf(place.modern(person, upstream));
    const { result } = await answerOf(place.modern(person, upstream, { params: agreed(first, 'decline') }));
    expect(result).toMatchObject({ isError: true, resultType: 'complete' });
    expect(JSON.stringify(result)).toContain(connectUrl(upstream));
    await eventually(() =>
      place.edge.events.some(
        ({ type, principal_subject: who, reason, outcome }) =>
          type === 'tool.called' && who === person.subject && reason === 'connection_required' && outcome === 'error',
      ),
    );
  });

  it('CN-4 whose user takes long comes back without asking again, and not for ever', async () => {
    const person = await place.person();
    const first = await answerOf(place.modern(person, upstream));
    skewMs = 599_500;
    const { result } = await answerOf(place.modern(person, upstream, { params: agreed(first) }));
    expect(Object.keys(result ?? {}).sort()).toEqual(['_meta', 'requestState', 'resultType']);
    expect(result?.['resultType']).toBe('input_required');
    skewMs = 601_000;
    const last = await answerOf(place.modern(person, upstream, { params: agreed({ result: result! }) }));
    expect(last.result).toMatchObject({ isError: true });
  });

  it('CN-5 cannot use what another was given', async () => {
    const [one, other] = [await place.person(), await place.person()];
    const first = await answerOf(place.modern(one, upstream));
    const { error } = await answerOf(place.modern(other, upstream, { params: agreed(first) }));
    expect(error).toMatchObject({ code: -32602, data: { reason: 'request_state_invalid' } });
  });

  it('CN-6 that cannot be asked is told: the model by a result, anything else by an error', async () => {
    const person = await place.person();
    const { result } = await answerOf(place.modern(person, upstream, { capabilities: {} }));
    expect(result).toMatchObject({ isError: true, resultType: 'complete' });
    expect(textOf({ result: result! })).toMatch(new RegExp(`${upstream}.*${connectUrl(upstream)}`));
    expect(await eventOf(person, 'tool.called')).toMatchObject({ outcome: 'error', reason: 'connection_required', upstream });
    const { error } = await answerOf(place.modern(person, upstream, { capabilities: {}, method: 'prompts/get' }));
    expect(error).toMatchObject({
      code: 10401,
      data: { reason: 'connection_required', upstream, url: connectUrl(upstream) },
    });
  });
});

describe.each(UPSTREAMS)('a legacy client whose user is not connected to %s', (upstream) => {
  it('CN-7 is asked on the stream of its call, which goes on by itself', async () => {
    const person = await place.person();
    const { post, begin } = await place.session(person, upstream);
    const call = await begin(callOf('act'));
    const question = await asked(call);
    expect(question.params).toMatchObject({
      mode: 'url',
      url: connectUrl(upstream),
      elicitationId: expect.any(String) as string,
    });
    await post({ jsonrpc: '2.0', id: question.id, result: { action: 'accept' } });
    await place.connect(person, upstream);
    await call.ended;
    const [, complete, response] = messagesIn(call.text());
    const { elicitationId } = question.params as { elicitationId: string };
    expect(complete).toMatchObject({ method: 'notifications/elicitation/complete', params: { elicitationId } });
    expect(textOf(response)).toBe(place.tokenOf(person, upstream));
    expect(textOf((await post(callOf('act'))).messages.at(-1))).toBe(place.tokenOf(person, upstream));
  });

  it('CN-8 that has not answered when there is a connection is not waited for', async () => {
    const person = await place.person();
    const { begin } = await place.session(person, upstream);
    const call = await begin(callOf('act'));
    const question = await asked(call);
    await place.connect(person, upstream);
    await call.ended;
    const [, withdrawn, complete, response] = messagesIn(call.text());
    expect(withdrawn).toMatchObject({ method: 'notifications/cancelled', params: { requestId: question.id } });
    expect(complete?.method).toBe('notifications/elicitation/complete');
    expect(textOf(response)).toBe(place.tokenOf(person, upstream));
  });

  it.each([
    ['CN-9a declines', { result: { action: 'decline' } }],
    ['CN-9b agrees and does not connect for as long as a call may take', { result: { action: 'accept' } }],
  ])('%s: the model is told', async (_id, answer) => {
    const person = await place.person();
    const { begin, post } = await place.session(person, upstream);
    const call = await begin(callOf('act'));
    const question = await asked(call);
    await post({ jsonrpc: '2.0', id: question.id, ...answer });
    await call.ended;
    expect(messagesIn(call.text()).at(-1)?.result).toMatchObject({ isError: true });
    expect(call.text()).toContain(connectUrl(upstream));
    expect(await eventOf(person, 'tool.called')).toMatchObject({ outcome: 'error', reason: 'connection_required' });
  });

  it('CN-10 that cannot be asked after all gets the error that names the page, and hears when it is done', async () => {
    const person = await place.person();
    const { begin, post, stream } = await place.session(person, upstream);
    const standing = await stream();
    const call = await begin(callOf('act'));
    const question = await asked(call);
    await post({ jsonrpc: '2.0', id: question.id, error: { code: -32603, message: 'No window.' } });
    await call.ended;
    const { error } = messagesIn(call.text()).at(-1)!;
    expect(error).toMatchObject({ code: -32042, data: { elicitations: [{ mode: 'url', url: connectUrl(upstream) }] } });
    const [{ elicitationId }] = error!.data['elicitations'] as [{ elicitationId: string }];
    await place.connect(person, upstream);
    const isComplete = ({ method, params }: RawMessage) =>
      method === 'notifications/elicitation/complete' && params?.['elicitationId'] === elicitationId;
    await eventually(() => messagesIn(standing.text()).some(isComplete));
    standing.leave();
    expect(textOf((await post(callOf('act'))).messages.at(-1))).toBe(place.tokenOf(person, upstream));
  });

  it.each([
    ['CN-11a without URLs', { elicitation: {} }, '2025-11-25'],
    ['CN-11b without elicitation', {}, '2025-11-25'],
    ['CN-11c of a revision without URLs', URL_MODE, '2025-06-18'],
    ['CN-11d of the first revision', {}, '2024-11-05'],
  ])('%s is told: the model by a result, anything else by an error', async (_id, capabilities, revision) => {
    const person = await place.person();
    const { post } = await place.session(person, upstream, capabilities, revision);
    const { messages } = await post(callOf('act'));
    expect(messages).toHaveLength(1);
    expect(messages[0]?.result).toMatchObject({ isError: true });
    expect(textOf(messages[0])).toContain(connectUrl(upstream));
    const prompt = await post({ jsonrpc: '2.0', id: 2, method: 'prompts/get', params: { name: 'p' } });
    expect(prompt.messages[0]?.error).toMatchObject({
      code: 10401,
      data: { reason: 'connection_required', url: connectUrl(upstream) },
    });
    await place.connect(person, upstream);
    expect(textOf((await post(callOf('act'))).messages[0])).toBe(place.tokenOf(person, upstream));
  });

  it('CN-12 cancels while it is asked: nothing is done', async () => {
    const person = await place.person();
    const { begin, post } = await place.session(person, upstream);
    const before = place.calls(upstream).length;
    const call = await begin(callOf('act', {}, 'gone'));
    await asked(call);
    await post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'gone' } });
    expect(await eventOf(person, 'tool.called')).toMatchObject({ outcome: 'cancelled', reason: 'cancelled' });
    await place.connect(person, upstream);
    await call.ended;
    expect(place.calls(upstream).length).toBe(before);
  });
});
