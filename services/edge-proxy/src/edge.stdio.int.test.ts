import {
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { eventually } from '@switchyard/testing';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { startTestEdge, type SnapshotInit, type TestEdge } from './edge.fixture.js';
import { type FakeVault, startFakeVault } from './fake-vault.fixture.js';
import { connectLegacy, connectModern, textOf } from './sdk-client.fixture.js';

const LOCAL = path.join(__dirname, 'local-server.fixture.mjs');
const MODERN = path.join(__dirname, 'modern-local-server.fixture.mjs');
const EVERYTHING = path.join(__dirname, '../../../node_modules/@modelcontextprotocol/server-everything/dist/index.js');
const SECRET = 'canary-4f2d9c1b7a';

type Upstreams = NonNullable<NonNullable<SnapshotInit>['upstreams']>;

const local = (name: string, args: string[], more: object = {}): Upstreams[number] => ({
  name,
  transport: { case: 'stdio', value: { command: 'node', args } },
  timeoutMs: 10_000,
  ...more,
});

/** A server of the same name in front of each upstream. */
const alone = (upstreams: Upstreams): SnapshotInit => ({
  upstreams,
  servers: upstreams.map(({ name = '' }) => ({
    slug: name,
    sources: [{ upstream: name, tools: ['*'], prompts: ['*'], resources: ['*'] }],
    access: [{ everyone: true }],
  })),
});

let edge: TestEdge;
let vault: FakeVault;

beforeAll(async () => {
  edge = await startTestEdge({ limits: { resultLimitBytes: 256 * 1024, listTimeoutMs: 2_000 } });
  vault = startFakeVault(edge.rpc, { env: { TOKEN: SECRET } });
  await edge.publish(
    alone([
      local('everything', [EVERYTHING, 'stdio']),
      local('sound', [LOCAL]),
      local('trusted', [LOCAL], { needsCredential: true, credentialVersion: '1' }),
      local('mortal', [LOCAL]),
      local('banner', [LOCAL, 'banner']),
      local('garbage', [LOCAL, 'garbage']),
      local('exits', [LOCAL, 'exits']),
      local('nova', [MODERN]),
      local('shared', [LOCAL]),
      local('late', [LOCAL]),
      local('later', [LOCAL]),
      local('greedy', [LOCAL], { timeoutMs: 3_000 }),
      { name: 'absent', transport: { case: 'stdio', value: { command: 'no-such-program' } }, timeoutMs: 1_000 },
      local('unusable', ['nul\0byte']),
    ]),
  );
});

afterAll(async () => {
  await vault.stop();
  await edge[Symbol.asyncDispose]();
});

const connect = (slug: string) => connectLegacy(edge, `/mcp/${slug}`);
const startsOf = (upstream: string) =>
  edge
    .logged()
    .split('\n')
    .filter((line) => line.includes('"message":"started"') && line.includes(`"upstream":"${upstream}"`)).length;

/** Calls a tool in a session of its own. */
async function callOnce(slug: string, name: string, args: Record<string, unknown> = {}): Promise<string> {
  await using connection = await connect(slug);
  return textOf(await connection.client.callTool({ name, arguments: args }));
}

/** A process that has ended but that nobody has asked for its exit code is not alive. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/\) Z /.test(existsSync('/proc/self/stat') ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '');
  } catch {
    return false;
  }
}

describe('a real server from npm over stdio', () => {
  it('ST-1 lists and calls', async () => {
    await using connection = await connect('everything');
    const { client } = connection;
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['echo', 'get-sum']));
    expect((await client.listPrompts()).prompts.length).toBeGreaterThan(0);
    expect((await client.listResources()).resources.length).toBeGreaterThan(0);
    expect(textOf(await client.callTool({ name: 'echo', arguments: { message: 'hi' } }))).toContain('hi');
    expect(await edge.event(({ type, upstream }) => type === 'tool.called' && upstream === 'everything')).toMatchObject({
      outcome: 'ok',
      capability: 'echo',
      era: 'legacy',
    });
  });

  it('ST-2 relays progress of its long-running tool', async () => {
    await using connection = await connect('everything');
    const progress: number[] = [];
    const result = await connection.client.callTool(
      { name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 2 } },
      undefined,
      { onprogress: ({ progress: step }) => void progress.push(step) },
    );
    expect(textOf(result)).toContain('completed');
    expect(progress).toEqual([1, 2]);
  });
});

describe('a local process', () => {
  it('ST-3 is one for all clients', async () => {
    const pids = await Promise.all([1, 2, 3, 4].map(() => callOnce('sound', 'pid')));
    expect(new Set(pids).size).toBe(1);
    expect(startsOf('sound')).toBe(1);
  });

  it('ST-4 gets PATH and its credential for an environment, and nothing of the gateway’s', async () => {
    expect(Object.keys(JSON.parse(await callOnce('sound', 'env')) as object)).toEqual(['PATH']);
    expect(JSON.parse(await callOnce('trusted', 'env'))).toEqual({ PATH: expect.any(String) as string, TOKEN: SECRET });
    expect(vault.requests.map(({ upstream }) => upstream)).toEqual(['trusted']);
  });

  it('ST-5 writes its standard error to the log, line by line, without its credential', async () => {
    await callOnce('trusted', 'shout', { words: `one\ntwo: my token is ${SECRET}` });
    await eventually(() => {
      expect(edge.logged()).toContain('"stderr_line":"one"');
      expect(edge.logged()).toContain('"stderr_line":"two: my token is [secret]"');
    });
    expect(edge.logged()).not.toContain(SECRET);
    expect(JSON.stringify(edge.events)).not.toContain(SECRET);
  });

  it('ST-6 is answered when it asks: ping yes, anything else no', async () => {
    expect(JSON.parse(await callOnce('sound', 'ask'))).toEqual({ 'ask-1': {}, 'ask-2': -32601 });
  });

  it('ST-7 that prints a banner and garbage is served all the same', async () => {
    expect(await callOnce('banner', 'pid')).toMatch(/^\d+$/);
  });

  it('ST-8 that prints nothing but garbage is named in the list, and keeps no client waiting for long', async () => {
    await using connection = await connect('garbage');
    const { tools } = await connection.client.listTools();
    expect(tools).toEqual([expect.objectContaining({ name: 'gateway_status' })]);
    expect(tools[0]?.description).toContain('garbage did not list within 2000 ms.');
  });

  it('ST-9 that sends more than the limit is ended; the call is told so, and the next one served', async () => {
    await using connection = await connect('greedy');
    const { client } = connection;
    await client.callTool({ name: 'pid' });
    await expect(client.callTool({ name: 'big', arguments: { bytes: 300_000 } })).rejects.toMatchObject({
      code: 10413,
      data: { reason: 'result_too_large', upstream: 'greedy' },
    });
    await eventually(() => client.callTool({ name: 'pid' }));
  });

  it('ST-10 that does not answer is told that the call is cancelled', async () => {
    await using connection = await connect('greedy');
    await eventually(() => connection.client.callTool({ name: 'pid' }));
    await expect(connection.client.callTool({ name: 'hang' })).rejects.toMatchObject({
      code: 10504,
      message: expect.stringContaining('greedy did not answer within 3000 ms.') as string,
    });
    expect(JSON.parse(textOf(await connection.client.callTool({ name: 'heard' })))).toMatchObject({ cancelled: 1 });
  });

  it('ST-11 that is killed fails the call in hand, and is started again after a pause', async () => {
    await using connection = await connect('mortal');
    const { client } = connection;
    const pid = Number(textOf(await client.callTool({ name: 'pid' })));
    const child = Number(textOf(await client.callTool({ name: 'child' })));
    const inHand = client.callTool({ name: 'hang' });
    inHand.catch(() => undefined);
    await eventually(() => /"upstream":"mortal"[^\n]*"stderr_line":"hanging"/.test(edge.logged()));
    process.kill(pid, 'SIGKILL');
    await expect(inHand).rejects.toMatchObject({
      code: 10503,
      message: expect.stringContaining('mortal ended by SIGKILL.') as string,
      data: { reason: 'upstream_unavailable' },
    });
    await expect(client.callTool({ name: 'pid' })).rejects.toMatchObject({
      code: 10503,
      message: expect.stringMatching(/mortal ended by SIGKILL; it is started again in 1 s\./) as string,
    });
    const again = await eventually(() => client.callTool({ name: 'pid' }));
    expect(Number(textOf(again))).not.toBe(pid);
    expect(startsOf('mortal')).toBe(2);
    await eventually(() => expect(alive(child)).toBe(false));
  });

  it('ST-12 that exits at once is named with why, and is not started again for every call', async () => {
    await using connection = await connect('exits');
    const { client } = connection;
    for (let call = 0; call < 5; call += 1)
      await expect(client.callTool({ name: 'pid' })).rejects.toMatchObject({
        code: 10503,
        message: expect.stringContaining('exits exited with code 3') as string,
      });
    expect(startsOf('exits')).toBe(1);
    expect(edge.logged()).toContain('"stderr_line":"no configuration found, giving up"');
    await eventually(async () => {
      await client.callTool({ name: 'pid' }).catch(() => undefined);
      return startsOf('exits') >= 3;
    });
    const pauses = [...edge.logged().matchAll(/"upstream":"exits"[^\n]*"delay_ms":(\d+)/g)].map(([, pause]) => Number(pause));
    expect(pauses.slice(0, 3)).toEqual([500, 1000, 2000]);
  });

  it.each([
    ['ST-13 whose program does not exist', 'absent', /absent could not be started: .*no-such-program/],
    ['ST-14 whose arguments no process can have', 'unusable', /unusable could not be started/],
  ])('%s is named, every time', async (_id, slug, sentence) => {
    await using connection = await connect(slug);
    for (let call = 0; call < 2; call += 1)
      await expect(connection.client.callTool({ name: 'pid' })).rejects.toMatchObject({
        code: 10503,
        message: expect.stringMatching(sentence) as string,
      });
  });
});

describe('clients that share a process', () => {
  it('ST-15 hear of the resources that they subscribed to, and of lists; others hear of lists alone', async () => {
    await using first = await connect('shared');
    await using second = await connect('shared');
    const heard: string[] = [];
    for (const [who, { client }] of [['first', first] as const, ['second', second] as const]) {
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void heard.push(`${who} ${params.uri}`));
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => void heard.push(`${who} tools`));
    }
    await first.client.subscribeResource({ uri: 'local://a' });
    await eventually(async () => {
      await first.client.callTool({ name: 'touch', arguments: { uri: 'local://a' } });
      return ['first local://a', 'first tools', 'second tools'].every((line) => heard.includes(line));
    });
    expect(heard).not.toContain('second local://a');
    const updates = heard.filter((line) => line === 'first local://a').length;
    expect(heard.filter((line) => line === 'first tools')).toHaveLength(updates);
  });

  it('ST-16 keep a subscription alive until the last has left', async () => {
    const subscribed = async () =>
      (JSON.parse(await callOnce('shared', 'heard')) as { subscribed: string[] }).subscribed.filter((uri) => uri === 'local://b');
    await using first = await connect('shared');
    await using second = await connect('shared');
    await first.client.subscribeResource({ uri: 'local://b' });
    await second.client.subscribeResource({ uri: 'local://b' });
    await first.client.unsubscribeResource({ uri: 'local://b' });
    expect(await subscribed()).not.toEqual([]);
    await second.transport.terminateSession();
    await eventually(async () => (await subscribed()).length < 2);
  });

  it('ST-17 keep subscriptions and log levels over a restart', async () => {
    await using connection = await connect('shared');
    const { client } = connection;
    await client.subscribeResource({ uri: 'local://c' });
    await client.setLoggingLevel('warning');
    await expect(client.callTool({ name: 'exit' })).rejects.toMatchObject({
      message: expect.stringContaining('shared exited with code 4.') as string,
    });
    const heard = await eventually(() => client.callTool({ name: 'heard' }));
    expect(JSON.parse(textOf(heard))).toMatchObject({
      subscribed: expect.arrayContaining(['local://c']) as string[],
      level: 'debug',
    });
  });
});

describe('what a server logs of a call that was cancelled', () => {
  const saidOnStderr = (slug: string, words: string) =>
    eventually(() =>
      edge
        .logged()
        .split('\n')
        .some((line) => line.includes(`"${slug}"`) && line.includes(`"${words}"`)),
    );

  it.each([
    ['ST-23 does not reach another client whose call is the only one then', 'late', false, []],
    ['ST-24 reaches the same session', 'later', true, ['words of a cancelled call']],
  ] as const)('%s', async (_id, slug, isSame, expected) => {
    await using one = await connect(slug);
    await using other = await connect(slug);
    const second = isSame ? one : other;
    const heard: unknown[] = [];
    second.client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.push(params.data));
    const cancelling = new AbortController();
    const cancelled = one.client.callTool({ name: 'speak_late' }, undefined, { signal: cancelling.signal });
    await saidOnStderr(slug, 'speaking later');
    const outlasting = second.client.callTool({ name: 'outlast' });
    await saidOnStderr(slug, 'outlasting');
    cancelling.abort();
    await expect(cancelled).rejects.toThrow();
    expect(textOf(await outlasting)).toBe('done');
    expect(heard).toEqual(expected);
  });
});

describe('a modern server over stdio', () => {
  it('ST-18 serves modern clients, in one process', async () => {
    await using connection = await connectModern(edge, '/mcp/nova');
    await using other = await connectModern(edge, '/mcp/nova');
    const { client } = connection;
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['echo', 'pid', 'grow']);
    expect(textOf(await client.callTool({ name: 'echo', arguments: { text: 'hi' } }))).toBe('nova: hi');
    const pid = textOf(await client.callTool({ name: 'pid', arguments: {} }));
    expect(textOf(await other.client.callTool({ name: 'pid', arguments: {} }))).toBe(pid);
    expect(startsOf('nova')).toBe(1);
    expect(await edge.event(({ type, capability }) => type === 'tool.called' && capability === 'echo')).toMatchObject({
      outcome: 'ok',
    });
  });

  it('ST-22 tells those who listen that its tools have changed', async () => {
    const heard: string[] = [];
    await using connection = await connectModern(edge, '/mcp/nova', () => void heard.push('tools'));
    await eventually(async () => {
      await connection.client.callTool({ name: 'grow', arguments: {} });
      return heard.length > 0;
    });
  });

  it('ST-19 is asked for its era once, and serves legacy clients by its modern process', async () => {
    const pids = new Set<string>();
    for (let attempt = 0; attempt < 3; attempt += 1) pids.add(await callOnce('nova', 'pid'));
    expect(pids.size).toBe(1);
    expect(startsOf('nova')).toBe(2);
  });

  it('ST-20 a legacy server is probed once, and modern clients fall back to it', async () => {
    const before = startsOf('sound');
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await using connection = await connectModern(edge, '/mcp/sound');
      expect(textOf(await connection.client.callTool({ name: 'pid', arguments: {} }))).toMatch(/^\d+$/);
    }
    expect(startsOf('sound')).toBe(before + 1);
  });
});

describe('an edge that closes', () => {
  it('ST-21 leaves no process behind: neither servers nor what they started, however stubborn', async () => {
    const own = await startTestEdge();
    await own.publish(alone([local('sound', [LOCAL]), local('stubborn', [LOCAL, 'stubborn'])]));
    const pids: number[] = [];
    for (const slug of ['sound', 'stubborn']) {
      const { client } = await connectLegacy(own, `/mcp/${slug}`);
      for (const name of ['pid', 'child']) pids.push(Number(textOf(await client.callTool({ name }))));
      await client.close();
    }
    expect(pids.map(alive)).toEqual([true, true, true, true]);
    await own[Symbol.asyncDispose]();
    await eventually(() => expect(pids.map(alive)).toEqual([false, false, false, false]));
  });
});
