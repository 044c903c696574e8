import { ApiKeyDirectory, revocableName } from '@switchyard/api-keys';
import { BUCKETS, createdKey, DEFAULT_TENANT, keyList } from '@switchyard/contracts';
import { eventually, FakeClock } from '@switchyard/testing';
import { startServers, type RunningServers } from '../fixtures/running-server.js';
import { STATE_PROFILES, type OpenStates } from '../fixtures/states.contract.js';
import { TestClient, type JsonAnswer } from '../fixtures/test-client.js';

describe.each(STATE_PROFILES)('API keys: %s', (_id, open) => {
  const clock = new FakeClock(Date.now());
  let states: OpenStates;
  let servers: RunningServers;
  let client: TestClient;
  let directory: ApiKeyDirectory;
  let adminKey: string;

  beforeAll(async () => {
    states = await open();
    servers = await startServers({ states: states.states, clock, dir: states.dir });
    client = new TestClient(servers.publicUrl, servers.urls);
    const [first] = states.states;
    if (first === undefined) throw new Error('no store');
    directory = await ApiKeyDirectory.open(first, DEFAULT_TENANT, clock);
    adminKey = servers.adminKeys[0] ?? '';
    // Every replica has to have heard of the key.
    for (const url of servers.urls) {
      const one = new TestClient(servers.publicUrl, [url]);
      await eventually(async () => expect((await call('GET', '', undefined, adminKey, one)).status).toBe(200), {
        timeoutMs: 5_000,
      });
    }
    servers.events.length = 0;
  });
  afterAll(async () => {
    await directory.close();
    await servers.close();
    await states[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    servers.events.length = 0;
  });

  const call = (
    method: string,
    tail = '',
    body?: unknown,
    key: string | undefined = adminKey,
    through = client,
  ): Promise<JsonAnswer> =>
    through.fetch(`/api/v1/keys${tail}`, {
      method,
      headers: { 'content-type': 'application/json', ...(key === '' ? {} : { authorization: `Bearer ${key}` }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const create = async (body: Record<string, unknown>) => createdKey.parse((await call('POST', '', body)).json);

  it('the first start makes one admin key, whatever the number of replicas, and a later start makes none', async () => {
    expect(servers.adminKeys).toEqual([expect.stringMatching(/^sy_[a-z0-9]{12}_[\w-]{43}$/)]);
    const again = await startServers({ states: states.states, clock, dir: states.dir });
    await again.close();
    expect(again.adminKeys).toEqual([]);
    expect(keyList.parse((await call('GET')).json).keys).toEqual([
      expect.objectContaining({ name: 'first admin key', servers: ['*'], roles: ['admin'] }),
    ]);
  });

  it('makes a key, shows it once, and records that, without the key', async () => {
    const { key, id, ...rest } = await create({ name: 'nightly agent', servers: ['work'], expires_in_days: 30 });
    expect(rest).toEqual({
      name: 'nightly agent',
      servers: ['work'],
      roles: [],
      created_at: new Date(clock.now()).toISOString(),
      expires_at: new Date(clock.now() + 30 * 86_400_000).toISOString(),
    });
    expect((await call('GET')).text).toContain(id);
    expect((await call('GET')).text).not.toContain(key.slice(-43));
    expect(servers.events).toEqual([
      expect.objectContaining({
        type: 'auth.key_created',
        outcome: 'ok',
        principal_issuer: 'api-key',
        principal_name: 'first admin key',
        detail: { key_id: id, key_name: 'nightly agent', servers: 'work', roles: '' },
      }),
    ]);
    expect(JSON.stringify(servers.events)).not.toContain(key);
  });

  it('a key works everywhere until it expires', async () => {
    const { key, id } = await create({ name: 'short', servers: ['work'], expires_in_days: 1 });
    await eventually(() => expect(directory.verify(key)).toMatchObject({ id, servers: ['work'] }));
    clock.advance(86_400_000);
    expect(directory.verify(key)).toBeUndefined();
  });

  it('a key ends everywhere when it is revoked', async () => {
    const { key, id } = await create({ name: 'revoked', servers: ['*'] });
    await eventually(() => expect(directory.verify(key)).toBeDefined());
    expect((await call('DELETE', `/${id}`)).status).toBe(204);
    await eventually(() => expect(directory.verify(key)).toBeUndefined());
    expect(servers.events.at(-1)).toMatchObject({ type: 'auth.key_revoked', detail: { key_id: id } });
    // Streams that it has opened at edges end by this.
    const revocations = await states.states[0]!.bucket(BUCKETS.revocations, DEFAULT_TENANT);
    expect(await revocations.get(revocableName('api-key', id))).toBeDefined();
    expect((await call('DELETE', `/${id}`)).status).toBe(404);
  });

  it('does not accept a key whose secret is wrong, nor the id of another', async () => {
    const { key, id } = await create({ name: 'guessed', servers: [] });
    await eventually(() => expect(directory.verify(key)).toBeDefined());
    expect(directory.verify(`sy_${id}_${'A'.repeat(43)}`)).toBeUndefined();
    expect(directory.verify(adminKey.replace(/^sy_[^_]+/, `sy_${id}`))).toBeUndefined();
  });

  it('keeps the last admin key', async () => {
    const { keys } = keyList.parse((await call('GET')).json);
    const first = keys.find(({ roles }) => roles.includes('admin'))?.id ?? '';
    expect(await call('DELETE', `/${first}`)).toMatchObject({ status: 409, json: { reason: 'last_admin_key' } });
  });

  it.each([
    ['no key', '', 401],
    ['no such key', `sy_aaaaaaaaaaaa_${'A'.repeat(43)}`, 401],
    ['something else', 'hello', 401],
  ])('refuses %s', async (_id, key, status) => {
    for (const method of ['GET', 'POST'])
      expect((await call(method, '', method === 'POST' ? { name: 'x' } : undefined, key)).status).toBe(status);
  });

  it.each([['auditor'], []])('refuses a key with the roles: %s', async (...roles) => {
    const { key } = await create({ name: 'no admin', roles });
    await eventually(async () => expect((await call('GET', '', undefined, key)).status).toBe(403));
  });

  it.each([
    ['no name', {}, 'name'],
    ['a blank name', { name: ' ' }, 'name'],
    ['an unknown role', { name: 'x', roles: ['root'] }, 'roles'],
    ['a server that is no slug', { name: 'x', servers: ['../etc'] }, 'servers'],
    ['no time at all', { name: 'x', expires_in_days: 0 }, 'expires_in_days'],
    ['part of a day', { name: 'x', expires_in_days: 1.5 }, 'expires_in_days'],
    ['an unknown field', { name: 'x', admin: true }, 'admin'],
  ])('names what is wrong: %s', async (_id, body, field) => {
    const answer = await call('POST', '', body);
    expect([answer.status, answer.text.includes(field)]).toEqual([400, true]);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });
});
