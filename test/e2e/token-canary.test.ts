import { eventually } from '@switchyard/testing';
import { AdminApi } from './admin-api.js';
import { startCollector, tapNats } from './listeners.js';
import { filesOf, placesOf, placesWith, rowsOf, type Place } from './places.js';
import { storedConnection } from './stored-connection.js';
import { startEmbedded } from './targets/embedded.js';
import { startProcesses } from './targets/processes.js';
import { SERVICES, type LocalTarget, type OwnGatewayFile } from './targets/target.js';
import { TokenRound } from './token-kinds.js';
import { startSurroundings } from './token-surroundings.js';

const CONTROL = 'control-of-the-search-for-tokens';

/** Every kind that the gateway gives out, is shown, or shows to others. */
const KINDS = [
  'access token',
  'refresh token',
  'authorization code',
  'PKCE verifier',
  'client secret',
  'client assertion',
  'private key of a service',
  'secret in the configuration',
  'pushed request',
  'device code',
  'DPoP proof',
  'ID-JAG',
  'API key',
  'cookie of the sign-in',
  'cookie of the connect pages',
  'token of the company',
  'upstream access token',
  'upstream refresh token',
  'upstream authorization code',
  'upstream client secret',
  'upstream token that the gateway got for itself',
  'upstream token that is bound to a key',
  'private key that an upstream token is bound to',
  'DPoP proof for an upstream',
  'own key of a person',
  'statement about a caller',
  'upstream token in exchange for a statement',
  'ID-JAG towards an upstream',
  'upstream token for an ID-JAG',
  'what is no token',
] as const;

/** What services send each other sealed: it passes over the bus, and is nowhere else. */
const SEALED = { 'caller proof': /"callerProof":"(ey[\w.-]+)"/g, 'lease or ID-JAG': /"sealed":"(ey[\w.-]+)"/g } as const;

describe.each<readonly [string, (own: OwnGatewayFile) => Promise<LocalTarget>]>([
  ['one process', startEmbedded],
  ['five processes', startProcesses],
])('V4 tokens of every kind: %s', (_name, start) => {
  const undo = new AsyncDisposableStack();
  let tokens: ReadonlyMap<string, readonly string[]>;
  let places: readonly Place[];
  let bus: Place | undefined;

  beforeAll(async () => {
    const collector = undo.use(await startCollector());
    const around = undo.use(await startSurroundings(collector.url));
    const target = undo.use(await start(around.own));
    const tap = target.natsUrl === undefined ? undefined : undo.use(await tapNats(target.natsUrl));
    const round = new TokenRound(target, around);
    const collected = await round.run();
    await new AdminApi(target.publicUrl, target.adminKey).createKey({ name: CONTROL, servers: ['*'] });
    await fetch(`${target.publicUrl}/mcp/none`, {
      headers: { 'x-request-id': CONTROL, authorization: 'Bearer sy_x' },
      method: 'POST',
    });
    const admin = new AdminApi(target.publicUrl, target.adminKey);
    if (tap !== undefined) await eventually(() => tap.heard().bytes.includes(CONTROL));
    bus = tap?.heard();
    // Whoever listens to every inbox keeps requests for messages alive that nobody waits for any more: analytics would get none.
    await tap?.[Symbol.asyncDispose]();
    await admin.eventsWhen(1, { request_id: CONTROL }, 300_000);
    for (const pid of new Set(SERVICES.map((service) => target.pid(service)))) process.kill(pid, 'SIGUSR1');
    const tried = new Set(SERVICES.map((service) => target.pid(service))).size;
    await eventually(async () => expect((await target.logs()).match(/SIGUSR1 opens no inspector/g)).toHaveLength(tried));
    const live = await placesOf(target);
    expect(new Set(await target.stop())).toEqual(new Set([0]));
    // Nobody is ever given it: what the vault has stored is opened as only the vault can.
    const { dpopKey = '{}' } = await storedConnection(target, 'bound');
    const { d = '' } = JSON.parse(dpopKey) as { readonly d?: string };
    tokens = new Map([...collected.tokens, ['private key that an upstream token is bound to', [d]]]);
    const errors = { name: 'answers with an error', bytes: Buffer.from(collected.errors.join('\n')) };
    const heard = [collector.heard(), errors, ...(bus === undefined ? [] : [bus])];
    places = [...live, ...(await filesOf(target)), ...(await rowsOf(target)), ...heard];
  }, 240_000);

  afterAll(() => undo.disposeAsync(), 60_000);

  it('TK-1 all places were looked at for real', () => {
    const names = placesWith(CONTROL, places).join('\n');
    expect(names).toMatch(/^\/.*spool.*/m);
    expect(names).toMatch(/^events of the API$/m);
    expect(names).toMatch(/^table \w+\.events$/m);
    // The log is exported with them.
    expect(names).toMatch(/^traces$/m);
    if (bus !== undefined) expect(names).toMatch(/^bus$/m);
    const textOf = (wanted: string) => places.find(({ name }) => name === wanted)?.bytes.toString('latin1') ?? '';
    expect(textOf('traces')).toMatch(/v1\/traces[^]*tools\/call/);
    expect(textOf('logs')).toContain('a new configuration is served');
    expect(textOf('answers with an error')).toMatch(/invalid_grant[^]*invalid_client/);
    expect(placesWith('switchyard_', places).join('\n')).toMatch(/\/metrics$/m);
  });

  it.each(KINDS)('TK-2 %s: is nowhere', (kind) => {
    const values = tokens.get(kind) ?? [];
    expect(values.length).toBeGreaterThan(0);
    for (const value of new Set([values.at(0), values.at(-1)])) {
      expect(value?.length).toBeGreaterThan(15);
      expect(placesWith(value ?? '', places)).toEqual([]);
    }
  });

  it('TK-3 every kind was collected', () => {
    expect([...tokens.keys()].sort()).toEqual([...KINDS].sort());
  });

  it.each(KINDS)('TK-4 %s: would be found, as it stands and encoded, in the middle of something', (kind) => {
    const [value = ''] = tokens.get(kind) ?? [];
    const line = Buffer.from(`{"a":"${value}","b":1}`);
    const planted = (['latin1', 'hex', 'base64', 'base64url'] as const).map((encoding) => ({
      name: encoding,
      bytes: Buffer.from(`before ${line.toString(encoding)} after`),
    }));
    expect(placesWith(value, planted)).toEqual(['latin1', 'hex', 'base64', 'base64url']);
  });

  it('TK-6 no service opens an inspector when it is told to', () => {
    expect(placesWith('Debugger listening', places)).toEqual([]);
  });

  it.each(Object.entries(SEALED))('TK-5 a sealed %s is on the bus and in no other place', (_what, pattern) => {
    const sealed = [...(bus?.bytes.toString('latin1') ?? '').matchAll(pattern)].map(([, text = '']) => text);
    // In one process there is no bus to listen to.
    if (bus !== undefined) expect(sealed.length).toBeGreaterThan(0);
    for (const text of new Set([sealed.at(0), sealed.at(-1)]))
      expect(text === undefined ? ['bus'] : placesWith(text, places)).toEqual(['bus']);
  });
});
