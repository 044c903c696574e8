import { ConfigError } from '@switchyard/runtime';
import { eventually } from '@switchyard/testing';
import { openBench, PROFILES, type Bench } from './registry.fixture.js';
import { startVault, type Vault } from './vault.fixture.js';
import { userInfo } from 'node:os';

const config = (o: { token?: string; title?: string } = {}) => `upstreams:
  tracker:
    url: https://tracker.example/mcp
    credential: { type: bearer, token: '${o.token ?? '${env:T}'}' }
  files: { command: node, args: [a.js] }
servers:
  work: { title: ${o.title ?? 'Work'}, sources: [{ upstream: tracker }, { upstream: files }], access: [{ everyone: true }] }
`;

describe.each(PROFILES)('the capability registry, $profile', ({ open }) => {
  let bench: Bench;
  let vault: Vault;

  beforeEach(async () => {
    bench = await openBench(open);
    vault = await startVault(bench.rpc);
  });
  afterEach(async () => {
    await vault.close();
    await bench.close();
  });

  const titles = async () => (await bench.current())?.servers.map(({ title }) => title);
  const eventTypes = () => bench.events.map(({ type }) => type);

  it('publishes what the file says, with the versions of the vault', async () => {
    bench.write(config());
    await bench.start();
    const snapshot = await bench.current();
    expect(snapshot?.upstreams.map(({ name, credentialVersion }) => [name, credentialVersion])).toEqual([
      ['tracker', 'v1'],
      ['files', ''],
    ]);
    expect(vault.requests[0]).toMatchObject({
      tenant: 'default',
      credentials: [{ upstream: 'tracker', headers: { Authorization: 'Bearer ${env:T}' } }],
    });
    expect(bench.events).toEqual([
      {
        type: 'config.applied',
        outcome: 'ok',
        principal_name: userInfo().username,
        snapshot: snapshot?.revision,
        detail: { file: bench.file, servers: '1', upstreams: '2', author_known_by: 'owner' },
      },
    ]);
  });

  it('publishes nothing when it starts again on the same file', async () => {
    bench.write(config());
    await (await bench.start()).close();
    const before = await bench.snapshots.get('current');
    await bench.start();
    expect((await bench.snapshots.get('current'))?.revision).toBe(before?.revision);
    expect(eventTypes()).toEqual(['config.applied']);
  });

  it('publishes a change of the file', async () => {
    bench.write(config());
    await bench.start();
    bench.write(config({ title: 'Other' }));
    await eventually(async () => expect(await titles()).toEqual(['Other']));
    await eventually(() => expect(eventTypes()).toEqual(['config.applied', 'config.applied']));
    expect(await bench.snapshots.keys('history/')).toHaveLength(2);
    const before = bench.events[0]?.snapshot;
    expect(bench.events[1]).toMatchObject({ detail: { before, changes: '~servers.work.title', author_known_by: 'owner' } });
  });

  it('keeps the last good configuration when a change cannot be used, and says why', async () => {
    bench.write(config());
    const { urls } = await bench.start();
    const before = await bench.snapshots.get('current');
    bench.write(config().replace('sources:', 'sorces:'));
    await eventually(() => expect(eventTypes()).toEqual(['config.applied', 'config.rejected']));
    expect((await bench.snapshots.get('current'))?.revision).toBe(before?.revision);
    const problem = `${bench.file}:7:24: servers.work.sorces: unknown key. Did you mean "sources"?`;
    expect(bench.log.at(-1)).toContain(JSON.stringify(problem).slice(1, -1));
    expect(bench.events[1]).toMatchObject({
      outcome: 'error',
      reason: 'config_invalid',
      detail: { message: expect.stringContaining(problem) as unknown },
    });
    const authorization = `Bearer ${await bench.key('auditor')}`;
    const status = await eventually(async () => {
      const response = await fetch(`${urls['http']}/api/v1/config`, { headers: { authorization } });
      expect(response.status).toBe(200);
      return (await response.json()) as { last_rejection: unknown };
    });
    expect(status.last_rejection).toMatchObject({
      reason: 'config_invalid',
      message: expect.stringContaining(problem) as unknown,
    });

    bench.write(config());
    await eventually(async () => {
      const response = await fetch(`${urls['http']}/api/v1/config`, { headers: { authorization } });
      expect(await response.json()).toMatchObject({ last_rejection: null });
    });
  });

  it('takes a file that has become empty for an accident', async () => {
    bench.write(config());
    await bench.start();
    bench.write('\n');
    await eventually(() => expect(eventTypes()).toEqual(['config.applied', 'config.rejected']));
    expect(bench.log.at(-1)).toContain(`${bench.file}: has become empty.`);
    expect(await titles()).toEqual(['Work']);
  });

  it('keeps the last good configuration when a reference leads nowhere', async () => {
    bench.write(config());
    await bench.start();
    vault.missing.add('Bearer ${secret:new}');
    bench.write(config({ token: '${secret:new}' }));
    await eventually(() => expect(eventTypes()).toEqual(['config.applied', 'config.rejected']));
    expect(bench.events[1]).toMatchObject({
      reason: 'credential_unresolved',
      detail: { message: `${bench.file}:3:5: upstreams.tracker: Bearer \${secret:new} is not stored. Store it.` },
    });
    expect((await bench.current())?.revision).toBe(bench.events[0]?.snapshot);
  });

  it('refuses to start while a reference leads nowhere', async () => {
    bench.write(config());
    vault.missing.add('Bearer ${env:T}');
    await expect(bench.start()).rejects.toThrow(
      new ConfigError([
        {
          file: bench.file,
          position: { line: 3, column: 5 },
          path: 'upstreams.tracker',
          message: 'Bearer ${env:T} is not stored. Store it.',
        },
      ]),
    );
    expect(eventTypes()).toEqual(['config.rejected']);
  });

  it('refuses to start on a file that cannot be used, and leaves what is published', async () => {
    bench.write(config());
    await (await bench.start()).close();
    const before = await bench.snapshots.get('current');
    bench.write('servers: 1\n');
    await expect(bench.start()).rejects.toThrow(`${bench.file}:1:10: servers: must be a map of keys, but is a number.`);
    expect((await bench.snapshots.get('current'))?.revision).toBe(before?.revision);
  });

  it('waits for the vault, at start and at a change', async () => {
    await vault.close();
    bench.write(config());
    const starting = bench.start();
    await eventually(() => expect(bench.waits[0]).toEqual({ vault: 'The token vault does not answer.' }));
    vault = await startVault(bench.rpc);
    const running = await starting;
    expect(await running.readiness()).toEqual({ state: 'ok', vault: 'ok', audit: 'ok' });

    await vault.close();
    bench.write(config({ title: 'Later' }));
    await eventually(async () => expect(await running.readiness()).toMatchObject({ vault: 'The token vault does not answer.' }));
    expect(await titles()).toEqual(['Work']);
    vault = await startVault(bench.rpc);
    await eventually(async () => expect(await titles()).toEqual(['Later']));
    expect(await running.readiness()).toEqual({ state: 'ok', vault: 'ok', audit: 'ok' });
  });

  it('takes the last of several changes', async () => {
    bench.write(config());
    await bench.start();
    for (const title of ['A', 'B', 'C']) bench.write(config({ title }));
    await eventually(async () => expect(await titles()).toEqual(['C']));
  });

  it('keeps the last 20 snapshots', async () => {
    bench.write(config());
    await bench.start();
    for (let index = 0; index < 22; index++) {
      bench.write(config({ title: `T${index}` }));
      await eventually(async () => expect(await titles()).toEqual([`T${index}`]));
    }
    await eventually(async () => expect(await bench.snapshots.keys('history/')).toHaveLength(20));
  });

  const views = [
    {
      id: 'V1 servers',
      path: 'servers',
      expected: { servers: [{ slug: 'work', title: 'Work', url: 'http://localhost:8080/mcp/work' }] },
    },
    {
      id: 'V2 upstreams',
      path: 'upstreams',
      expected: {
        upstreams: [
          { name: 'tracker', type: 'http', url: 'https://tracker.example/mcp', needs_credential: true, servers: ['work'] },
          { name: 'files', type: 'stdio', command: 'node', args: ['a.js'], needs_credential: false },
        ],
      },
    },
    { id: 'V3 config', path: 'config', expected: { last_rejection: null } },
  ];
  it('shows what is served to keys with a role, and to nobody else', async () => {
    bench.write(config());
    const { urls } = await bench.start();
    const keys = { admin: await bench.key('admin'), auditor: await bench.key('auditor'), other: await bench.key('other') };
    const get = (path: string, key?: string) =>
      fetch(`${urls['http']}/api/v1/${path}`, { headers: key ? { authorization: `Bearer ${key}` } : {} });
    await eventually(async () => expect((await get('config', keys.other)).status).toBe(403));
    for (const { path, expected } of views) {
      expect([(await get(path)).status, (await get(path, keys.other)).status]).toEqual([401, 403]);
      for (const key of [keys.admin, keys.auditor]) {
        const body = await (await get(path, key)).text();
        expect(JSON.parse(body)).toMatchObject({ revision: (await bench.current())?.revision, ...expected });
        expect(body).not.toContain('env:T');
      }
    }
  });
});
