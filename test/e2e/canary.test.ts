import { eventually, tempDir, type TempDir, freePort } from '@switchyard/testing';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AdminApi } from './admin-api.js';
import { CallLedger } from './call-ledger.js';
import { SDKS, type McpClient } from './clients/sdk-clients.js';
import { runSwitchyard } from './clients/switchyard-command.js';
import { filesOf, placesOf, placesWith, rowsOf, type Place } from './places.js';
import { serverUrl, type SuiteContext } from './suite/context.js';
import { rawCall, signInAt } from './suite/sign-in.suite.js';
import { startEmbedded } from './targets/embedded.js';
import { CREDENTIAL_HEADER, EDITOR, REPOSITORY } from './targets/gateway-file.js';
import { startProcesses } from './targets/processes.js';
import type { LocalTarget, Target } from './targets/target.js';

const draw = (what: string) => `${what}-${randomBytes(24).toString('base64url')}`;
const CONTROL = draw('control');

/** Texts that must not be found, by what they are. */
type Canaries = Record<
  | 'credential from the environment'
  | 'stored secret'
  | 'admin key'
  | 'API key'
  | 'revoked API key'
  | 'access token'
  | 'access token after refresh'
  | 'refresh token'
  | 'refresh token after refresh'
  | 'argument'
  | 'argument of a denied call'
  | 'argument of a failed call'
  | 'argument of a call without a token'
  | 'result',
  string
>;

/** Where a text must be: nowhere else, and there. */
const EXPECTED: Partial<Record<keyof Canaries, Record<string, readonly RegExp[]>>> = {
  'admin key': { 'one process': [/\/\.switchyard\/cli\.json$/, /^logs$/], 'five processes': [/^logs$/] },
};

const servedBesides = (upstreamUrl: string, deadUrl: string, folder: string) => `
upstreams:
  sealed: { url: "${upstreamUrl}", credential: { type: bearer, token: "\${secret:canary}" } }
  planted: { command: node, args: [${REPOSITORY}/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js, ${folder}] }
  dead: { url: "${deadUrl}" }
servers:
  sealed: { sources: [{ upstream: sealed }], access: [{ everyone: true }] }
  planted: { sources: [{ upstream: planted }, { upstream: dead, prefix: dead__ }], access: [{ everyone: true }] }`;

/** Adds sections to the file that is served, and waits until the last server of them is. */
async function serveBesides(target: Target, sections: string): Promise<void> {
  const [, upstreams = '', servers = ''] = /upstreams:\n([^]*)servers:\n([^]*)/.exec(sections) ?? [];
  const file = await readFile(target.gatewayFile, 'utf8');
  await writeFile(target.gatewayFile, `${file.replace('upstreams:\n', `upstreams:\n${upstreams}`)}${servers}\n`);
  const isServed = () => fetch(`${target.publicUrl}/.well-known/oauth-protected-resource/mcp/planted`).then(({ ok }) => ok);
  await eventually(isServed);
}

async function connect(context: SuiteContext, slug: string, apiKey: string): Promise<McpClient> {
  const sdk = slug === 'team' ? SDKS.v2 : SDKS.v1;
  return sdk.connect({ url: serverUrl(context, slug), apiKey, fetch: context.ledger.fetch({}) });
}

/** Somebody signs in, calls, and refreshes. */
async function asPerson(context: SuiteContext, argument: string) {
  await using person = await signInAt(context, { sdk: SDKS.v2, slug: 'team', email: EDITOR });
  expect(await person.client.callTool('echo', { text: argument })).toBe(`ledger: ${argument}`);
  person.memory.spoilAccessToken();
  await person.client.callTool('echo', { text: argument });
  const [first, second] = person.memory.issued;
  return {
    'access token': first?.access_token ?? '',
    'access token after refresh': second?.access_token ?? '',
    'refresh token': first?.refresh_token ?? '',
    'refresh token after refresh': second?.refresh_token ?? '',
  };
}

/** Takes every secret that there is through the gateway, and every way that a call can end. */
async function plant(context: SuiteContext, folder: TempDir): Promise<Canaries> {
  const { target, admin } = context;
  const drawn = {
    'stored secret': draw('stored'),
    argument: draw('argument'),
    'argument of a denied call': draw('denied'),
    'argument of a failed call': draw('failed'),
    'argument of a call without a token': draw('rejected'),
    result: draw('result'),
  };
  await writeFile(path.join(folder.path, 'planted.txt'), drawn.result);
  expect(await runSwitchyard(target, ['secret', 'set', 'canary'], drawn['stored secret'])).toContain('Stored canary');
  const deadPort = await freePort();
  await serveBesides(target, servedBesides(target.upstreams.locked.url, `http://127.0.0.1:${deadPort}/mcp`, folder.path));

  const { key, id } = await admin.createKey({ name: CONTROL, servers: ['*'] });
  const revoked = await admin.createKey({ name: 'revoked', servers: ['*'] });
  expect((await admin.request('DELETE', `/api/v1/keys/${revoked.id}`)).status).toBe(204);
  await eventually(async () => expect((await rawCall(context, 'demo', revoked.key)).status).toBe(401));
  expect(await runSwitchyard(target, ['key', 'list'])).toContain(id);

  const tokens = await asPerson(context, drawn.argument);
  for (const slug of ['vault', 'sealed']) {
    await using client = await connect(context, slug, key);
    expect(await client.callTool('echo', { text: drawn.argument })).toContain(drawn.argument);
  }
  await using planted = await connect(context, 'planted', key);
  expect(await planted.callTool('read_text_file', { path: path.join(folder.path, 'planted.txt') })).toContain(drawn.result);
  await expect(planted.callTool('dead__echo', { text: drawn['argument of a failed call'] })).rejects.toThrow();
  await using team = await connect(context, 'team', key);
  await expect(team.callTool('echo', { text: drawn['argument of a denied call'] })).rejects.toMatchObject({ code: 10403 });
  expect((await rawCall(context, 'vault', 'sy_none', drawn['argument of a call without a token'])).status).toBe(401);
  const shown = target.upstreams.locked.received.map(({ headers }) => headers[CREDENTIAL_HEADER] ?? headers.authorization);
  expect(new Set(shown)).toEqual(new Set([`Key ${target.upstreamKey}`, `Bearer ${drawn['stored secret']}`]));
  return {
    ...drawn,
    ...tokens,
    'credential from the environment': target.upstreamKey,
    'admin key': target.adminKey,
    'API key': key,
    'revoked API key': revoked.key,
  };
}

describe.each<readonly [string, () => Promise<LocalTarget>]>([
  ['one process', startEmbedded],
  ['five processes', startProcesses],
])('planted secrets, arguments and results: %s', (name, start) => {
  const undo = new AsyncDisposableStack();
  let canaries: Canaries;
  let places: readonly Place[];

  beforeAll(async () => {
    const target = undo.use(await start());
    const folder = undo.use(await tempDir());
    const context = { target, admin: new AdminApi(target.publicUrl, target.adminKey), ledger: new CallLedger() };
    canaries = await plant(context, folder);
    const marked = {
      headers: { 'x-request-id': CONTROL, authorization: `Bearer ${canaries['API key']}` },
      method: 'POST',
      body: '{}',
    };
    await fetch(serverUrl(context, 'open'), marked);
    await context.admin.eventsWhen(1, { request_id: CONTROL });
    const live = await placesOf(target);
    expect(new Set(await target.stop())).toEqual(new Set([0]));
    places = [...live, ...(await filesOf(target)), ...(await rowsOf(target))];
  }, 200_000);

  afterAll(() => undo.disposeAsync(), 60_000);

  it('CN-1 the search finds what may be found: in files, in events, in tables', () => {
    const found = placesWith(CONTROL, places).join('\n');
    expect(found).toMatch(/^\/.*/m);
    expect(found).toMatch(/^events of the API$/m);
    expect(found).toMatch(/^table \w+\.events$/m);
    expect(places.find(({ name: place }) => place === 'logs')?.bytes.includes('a new configuration is served')).toBe(true);
    expect(places.filter(({ name: place }) => place.endsWith('/environ'))).not.toEqual([]);
  });

  it.each<keyof Canaries>([
    'credential from the environment',
    'stored secret',
    'admin key',
    'API key',
    'revoked API key',
    'access token',
    'access token after refresh',
    'refresh token',
    'refresh token after refresh',
    'argument',
    'argument of a denied call',
    'argument of a failed call',
    'argument of a call without a token',
    'result',
  ])('CN-2 %s: is nowhere but where it must be', (what) => {
    const expected = EXPECTED[what]?.[name] ?? [];
    expect(canaries[what].length).toBeGreaterThan(20);
    const found = [...new Set(placesWith(canaries[what], places))];
    expect(found.filter((place) => !expected.some((pattern) => pattern.test(place)))).toEqual([]);
    expect(expected.filter((pattern) => !found.some((place) => pattern.test(place)))).toEqual([]);
  });
});
