import { eventually } from '@switchyard/testing';
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { configText, type Ran, type Started, workplace, type Workplace } from './cli.fixture.js';

jest.setTimeout(300_000);

describe('the switchyard command, beside a running gateway', () => {
  let place: Workplace;
  let gateway: Started;

  beforeAll(async () => {
    place = await workplace();
    gateway = await place.up();
  });

  afterAll(() => place[Symbol.asyncDispose]());

  it('UP-1 prints the endpoint, the admin key, and a line to connect a client with', () => {
    const out = gateway.out();
    expect(out).toContain(`http://localhost:${place.port}/mcp/demo`);
    expect(out).toMatch(/Admin key, shown this once\n {2}sy_[a-z0-9]{12}_[\w-]{43}\n/);
    expect(out).toContain(`claude mcp add --transport http demo http://localhost:${place.port}/mcp/demo`);
    expect(gateway.err()).toBe('');
  });

  it('UP-2 keeps its data to its owner', () => {
    const mode = (name: string) => (statSync(path.join(place.dir, name)).mode & 0o777).toString(8);
    expect([mode('.switchyard'), mode('.switchyard/cli.json'), mode('.switchyard/vault.kek')]).toEqual(['700', '600', '600']);
  });

  it('UP-3 a second one on the same folder is told so, and changes nothing', async () => {
    const second = await place.run(['up']);
    expect(second).toMatchObject({ code: 2, out: '' });
    expect(second.err).toMatch(/^Another gateway has \.switchyard open\. .*\n$/);
  });

  it('UP-4 a port that is taken is named', async () => {
    const second = await place.run(['up', '--data-dir', 'other']);
    expect(second.code).toBe(2);
    expect(second.err).toMatch(new RegExp(`^Port ${place.port} on 127\\.0\\.0\\.1 is taken\\. .*\\n$`));
  });

  const table: readonly (readonly [
    id: string,
    args: readonly string[],
    code: number,
    expected: { out?: RegExp; err?: RegExp },
  ])[] = [
    ['LS-1 servers', ['list'], 0, { out: /^SERVER +TITLE +UPSTREAMS +URL\ndemo +Demo +everything +http/ }],
    ['LS-2 capabilities of one', ['list', 'demo'], 0, { out: /Tools \(\d+\)\n {2}echo +Echoes/ }],
    ['LS-3 unknown server', ['list', 'nowhere'], 1, { err: /no server/i }],
    ['CA-1 a tool, its text', ['call', 'demo', 'echo', '{"message":"hi"}'], 0, { out: /^Echo: hi\n$/ }],
    ['CA-2 a tool, its result', ['call', 'demo', 'echo', '{"message":"hi"}', '--json'], 0, { out: /"content": ?\[/ }],
    ['CA-3 unknown tool', ['call', 'demo', 'nothing'], 1, { err: /\(policy_denied\)|\(capability_unknown\)|not found/ }],
    ['CA-4 denied tool', ['call', 'demo', 'get-env'], 1, { err: /You may not use this tool here\..*\(policy_denied\)/ }],
    ['CA-5 argument that is not JSON', ['call', 'demo', 'echo', '{oops'], 2, { err: /JSON/ }],
    [
      'AU-8 a filter of an unknown field',
      ['audit', 'query', '--filter', 'user = a'],
      1,
      { err: /at position 1: events have no field/ },
    ],
    [
      'AU-9 a type that there is not',
      ['audit', 'query', '--type', 'x'],
      1,
      { err: /^type: is no type of events, such as tool\.called/ },
    ],
    [
      'AU-10 an option that there is not',
      ['audit', 'query', '--nonsense'],
      2,
      { err: /unknown option '--nonsense'\n+What it takes: switchyard audit query --help\n/ },
    ],
    ['AU-11 a hold without a reason', ['audit', 'hold', 'add', 'case-7'], 2, { err: /'--reason <text>' not specified/ }],
    [
      'AU-12 a hold from a time that is none',
      ['audit', 'hold', 'add', 'case-7', '--reason', 'a suit', '--from', 'yesterday'],
      2,
      { err: /Give 15m, 6h, 7d, or a time such as 2026-01-31T12:00:00Z/ },
    ],
    [
      'AU-13 a hold that there is not',
      ['audit', 'hold', 'release', 'x', '--reason', 'y'],
      1,
      { err: /There is no hold x; .*hold list/ },
    ],
    ['SE-1 no secrets yet', ['secret', 'list'], 0, {}],
    ['VA-1 a good file', ['validate'], 0, { out: /^switchyard\.yaml is valid: 1 upstream, 1 server\.\n$/ }],
    ['UP-5 a port that is none', ['up', '--port', '70000'], 2, { err: /Give a number from 0 to 65535/ }],
    ['AU-1 a time that is none', ['audit', 'query', '--since', 'soon'], 2, { err: /Give 15m, 6h, 7d/ }],
    ['HE-1 help', ['--help'], 0, { out: /Commands:[\s\S]*up +serve/ }],
    ['HE-2 unknown command', ['frobnicate'], 2, { err: /unknown command/ }],
  ];

  it.each(table)('%s', async (_id, args, code, expected) => {
    const ran = await place.run(args);
    expect({ code: ran.code, err: ran.code === 0 ? '' : ran.err }).toEqual({ code, err: code === 0 ? '' : ran.err });
    if (expected.out) expect(ran.out).toMatch(expected.out);
    if (expected.err) expect(ran.err).toMatch(expected.err);
    expect(ran.err).not.toMatch(/\n {4}at /);
  });

  it('KE-1 a key opens what it says until it is revoked', async () => {
    const made = await place.run(['key', 'create', '--name', 'agent', '--server', 'demo']);
    const key = made.out.trim();
    const withKey = () => place.run(['call', 'demo', 'echo', '{"message":"agent"}'], { env: { SWITCHYARD_KEY: key } });
    expect((await withKey()).out).toBe('Echo: agent\n');
    expect((await place.run(['key', 'list'], { env: { SWITCHYARD_KEY: key } })).code).toBe(1);
    const id = key.split('_')[1] ?? '';
    expect((await place.run(['key', 'list'])).out).toContain(id);
    expect((await place.run(['key', 'rotate-signing'])).out).toMatch(/^ID .*\n[\w-]{43} +signing .*\n[\w-]{43} +published /);
    expect((await place.run(['key', 'revoke', id])).out).toBe(`Revoked ${id}.\n`);
    await eventually(async () => (await withKey()).code === 1);
  });

  it('SE-2 a secret is stored, listed by name, and deleted', async () => {
    expect((await place.run(['secret', 'set', 'token'], { stdin: 'hunter2\n' })).code).toBe(0);
    const listed = await place.run(['secret', 'list']);
    expect(listed.out).toContain('token');
    expect(listed.out).not.toContain('hunter2');
    expect((await place.run(['secret', 'delete', 'token'])).code).toBe(0);
    expect((await place.run(['secret', 'list'])).out).not.toContain('token');
  });

  it('AU-2 the trail shows a call, filtered, as a table and as JSON', async () => {
    await place.run(['call', 'demo', 'echo', '{"message":"for the trail"}']);
    const asJson = ['audit', 'query', '--type', 'tool.called', '--capability', 'echo', '--limit', '1', '--json'];
    const ran = await eventually(async () => withOutput(await place.run(asJson)));
    expect(JSON.parse(ran.out)).toMatchObject({ type: 'tool.called', outcome: 'ok', server: 'demo', upstream: 'everything' });
    expect(ran.out).not.toContain('for the trail');
    expect((await place.run(['audit', 'query', '--type', 'tool.called', '--limit', '1'])).out).toMatch(
      /^TIME +TYPE .*\n\S+ +tool\.called +ok +.*everything: echo/,
    );
  });

  it('AU-4 the story of a call says what took how long', async () => {
    const asJson = ['audit', 'query', '--type', 'tool.called', '--search', 'echo', '--limit', '1', '--json'];
    const ran = await eventually(async () => withOutput(await place.run(asJson)));
    const { request_id: id } = JSON.parse(ran.out) as { request_id: string };
    const story = await place.run(['audit', 'story', id]);
    expect(story.out).toMatch(new RegExp(`^request +${id}\nbegan `));
    expect(story.out).toMatch(/\nWHAT .*AT MS .*\ntools\/call echo .*█/u);
    expect(story.err).toBe('');
    expect(await place.run(['audit', 'story', 'nothing'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('no events') as unknown,
    });
  });

  it('AU-5 a download has all that matches, and says so', async () => {
    const ndjson = await place.run(['audit', 'download', '--type', 'tool.called', '--filter', 'capability = echo']);
    const lines = ndjson.out.trimEnd().split('\n');
    expect(ndjson).toMatchObject({ code: 0, err: `${lines.length - 1} events. This is all of them.\n` });
    expect(lines.at(-1)).toBe(`{"export":{"complete":true,"events":${lines.length - 1}}}`);
    const csv = await place.run([
      'audit',
      'download',
      '--format',
      'csv',
      '--type',
      'tool.called',
      '--filter',
      'capability = echo',
    ]);
    expect(csv.out.split('\r\n')).toHaveLength(lines.length + 2);
    const refused = await place.run(['audit', 'download', '--filter', 'capability like echo']);
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('at position 12') as unknown });
  });

  it('AU-3 watching shows what happens from now on', async () => {
    const tail = place.start(['audit', 'tail', '--type', 'tool.called', '--json']);
    await eventually(async () => {
      await place.run(['call', 'demo', 'echo', '{"message":"watched"}']);
      return tail.out().includes('"tool.called"');
    });
    const ids = tail
      .out()
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { event_id: string }).event_id);
    expect(new Set(ids).size).toBe(ids.length);
    await tail.stop();
  });

  it('AU-6 status says that all is well, in a few lines', async () => {
    const ran = await eventually(
      async () => {
        const found = await place.run(['audit', 'status']);
        expect(found.code).toBe(0);
        expect(found.out).toMatch(/^spools +nothing waits\nstream +nothing waits\nstoring +half within .*\ngaps +none\n/);
        return found;
      },
      { timeoutMs: 30_000 },
    );
    expect(ran.err).toBe('');
    expect(ran.out).toMatch(/\nEMITTER +RECORDED .*\nlocal +\d+ /);
    expect(JSON.parse((await place.run(['audit', 'status', '--json'])).out)).toMatchObject({ state: 'ok', problems: [] });
  });

  it('AU-7 usage and cost are tables with the currency of the prices', async () => {
    const usage = await place.run(['audit', 'usage', '--by', 'server,capability', '--type', 'tool.called']);
    expect(usage.out).toMatch(/^SERVER +CAPABILITY +CALLS +ERRORS .*TOKENS\ndemo +echo +\d+ +0 /);
    expect(
      (await place.run(['audit', 'usage', '--by', 'capability', '--top', 'calls', '--limit', '1'])).out.split('\n'),
    ).toHaveLength(3);
    expect(await place.run(['audit', 'usage', '--by', 'mood'])).toMatchObject({ code: 2, out: '' });
    const cost = await place.run(['audit', 'cost']);
    expect(cost.out).toMatch(/^MONTH +TEAM +CALLS +COST\n\d{4}-\d\d +all together +\d+ +0\.00\n/);
    expect(cost.err).toContain('audit.prices');
    const text = await place.read('switchyard.yaml');
    await place.write(
      'switchyard.yaml',
      `${text}audit: { prices: { currency: EUR, upstreams: { everything: { perCall: 0.0025 } } } }\n`,
    );
    await eventually(async () => (await place.run(['audit', 'cost'])).out.includes('COST EUR'));
    await place.run(['call', 'demo', 'echo', '{"message":"paid"}']);
    const priced = await eventually(async () => {
      const found = await place.run(['audit', 'usage', '--by', 'upstream', '--upstream', 'everything']);
      expect(found.out).toMatch(/ EUR\neverything .* 0\.0025\n$/);
      return found;
    });
    expect(priced.err).toBe('');
    await place.write('switchyard.yaml', text);
  });

  it('AD-1 an upstream that is added is served without a restart, and comments stay', async () => {
    const server = path.resolve(
      import.meta.dirname,
      '../../../node_modules/@modelcontextprotocol/server-filesystem/dist/index.js',
    );
    expect((await place.run(['add', 'files', '--', 'node', server, place.dir])).code).toBe(0);
    expect(await place.read('switchyard.yaml')).toMatch(/^# kept\n/);
    await eventually(async () => (await place.run(['list'])).out.includes('files'));
  });

  it('AD-2 a file that cannot be used changes nothing, and is told with its place', async () => {
    const good = await place.read('switchyard.yaml');
    await place.write('switchyard.yaml', good.replace('access:', 'acces:'));
    await eventually(() => /switchyard\.yaml:\d+:\d+/.test(gateway.err()));
    expect((await place.run(['validate'])).err).toMatch(/switchyard\.yaml:\d+:\d+: .*acces.*access/);
    expect((await place.run(['call', 'demo', 'echo', '{"message":"still"}'])).out).toBe('Echo: still\n');
    await place.write('switchyard.yaml', good);
  });
});

const withOutput = (ran: Ran) => (ran.out === '' ? false : ran);

describe('the switchyard command, from start to end', () => {
  it('ST-5 watching goes on when the gateway is there again', async () => {
    await using place = await workplace();
    const first = await place.up();
    const tail = place.start(['audit', 'tail', '--type', 'tool.called', '--json']);
    const shown = () => tail.out().trim().split('\n').filter((line) => line !== '').length; // prettier-ignore
    const callUntil = (count: number) =>
      eventually(
        async () => {
          await place.run(['call', 'demo', 'echo', '{"message":"watched"}']);
          return shown() >= count;
        },
        { timeoutMs: 30_000 },
      );
    await callUntil(1);
    await first.stop();
    await place.up();
    await callUntil(shown() + 1);
    expect(tail.err()).toContain('goes on where it ended');
    await tail.stop();
  }, 300_000);

  it('ST-1 starts again with the same key, not shown again, and stops on SIGTERM with everything that it started', async () => {
    await using place = await workplace();
    const first = await place.up();
    expect((await place.run(['call', 'demo', 'echo', '{"message":"1"}'])).out).toBe('Echo: 1\n');
    expect(await first.stop()).toBe(0);
    const second = await place.up();
    expect(second.out()).not.toContain('sy_');
    expect((await place.run(['call', 'demo', 'echo', '{"message":"2"}'])).out).toBe('Echo: 2\n');
    expect(await second.stop()).toBe(0);
    const processes = execFileSync('ps', ['-eo', 'pid,pgid,args'], { encoding: 'utf8' });
    expect(processes.split('\n').filter((line) => line.includes(place.dir))).toEqual([]);
  });

  it('ST-2 shows the admin key at the first start that works, although it was made by one that did not', async () => {
    await using place = await workplace();
    await place.write('switchyard.yaml', `${configText(place.port)}    title: twice\n`);
    expect((await place.run(['up'])).code).toBe(2);
    await place.write(
      'switchyard.yaml',
      configText(place.port).replace('args:', 'env: { T: "${env:NOT_SET_ANYWHERE}" }\n    args:'),
    );
    expect((await place.run(['up'])).code).toBe(2);
    await place.write('switchyard.yaml', configText(place.port));
    const gateway = await place.up();
    expect(gateway.out()).toMatch(/Admin key, shown this once\n {2}sy_[a-z0-9]{12}_[\w-]{43}\n/);
    expect((await place.run(['list'])).code).toBe(0);
  });

  it('ST-3 serves from a folder below, on another port, with what the file names relative to itself', async () => {
    await using place = await workplace();
    await place.write('switchyard.yaml', configText(place.port).replace(/args: \["[^"]*\/node_modules/, 'args: ["./modules'));
    await symlink(path.resolve(import.meta.dirname, '../../../node_modules'), path.join(place.dir, 'modules'));
    await mkdir(path.join(place.dir, 'below'));
    const gateway = await place.up(['--config', '../switchyard.yaml', '--port', '0'], 'below');
    const [, port] = /http:\/\/localhost:(\d+)\/mcp\/demo/.exec(gateway.out()) ?? [];
    expect(port).not.toBe(String(place.port));
    expect((await place.run(['list'])).out).toContain(`http://localhost:${port}/mcp/demo`);
    expect((await place.run(['call', 'demo', 'echo', '{"message":"relative"}'])).out).toBe('Echo: relative\n');
    const metadata = await fetch(`http://localhost:${port}/.well-known/oauth-authorization-server`);
    expect(await metadata.json()).toMatchObject({ issuer: `http://localhost:${port}` });
  });

  it.each([
    ['BAD-1 no configuration', undefined, /^There is no file nowhere/],
    ['BAD-2 unknown key', (text: string) => `${text}servres: {}\n`, /switchyard\.yaml:\d+:\d+: .*servres.*servers/],
    [
      'BAD-3 missing environment variable',
      (text: string) => text.replace('args:', 'env: { T: "${env:NOT_SET_ANYWHERE}" }\n    args:'),
      /NOT_SET_ANYWHERE/,
    ],
    [
      'BAD-4 development sign-in at a public address',
      (text: string) => text.replace('gateway: {', 'gateway: { publicUrl: https://mcp.example.com,'),
      /dev/,
    ],
  ])('%s: one sentence, exit 2, nothing left running', async (_id, edit, message) => {
    await using place = await workplace();
    if (edit) await place.write('switchyard.yaml', edit(configText(place.port)));
    else await place.write('switchyard.yaml.away', '');
    const args = edit ? ['up'] : ['up', '--config', 'nowhere/switchyard.yaml'];
    const ran = await place.run(args);
    expect(ran.code).toBe(2);
    expect(ran.err).toMatch(edit ? message : /^There is no file nowhere\/switchyard\.yaml/);
    expect(ran.err).not.toMatch(/\n {4}at /);
  });

  it('OFF-1 without a gateway every command says what to do', async () => {
    await using place = await workplace();
    const ran = await place.run(['call', 'demo', 'echo']);
    expect(ran.code).toBe(2);
    expect(ran.err).toMatch(/^No gateway was found\. Start one here with `switchyard up`/);
  });
});
