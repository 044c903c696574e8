import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { DpopKey, DpopNonces, DpopProofs } from '@switchyard/oauth';
import { systemClock } from '@switchyard/runtime';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ANA } from './front.fixture.js';
import type { TokenRefusal } from './oauth-upstream.fixture.js';
import { answerAt, type Outcome, type PersonalRig, sentTo, shown, startPersonal, UPSTREAM } from './personal.fixture.js';

let skewMs = 0;
const clock = { now: () => Date.now() + skewMs };
const nonces = new DpopNonces(randomBytes(32), clock);
const proofs = new DpopProofs(nonces, clock);

let p: PersonalRig;
/** Thumbprints of the keys that token requests have shown, each with what was wrong. */
let judged: { readonly thumbprint: string; readonly problem: string }[];
let nonceRequired: boolean;

/** What an authorization server does that gives tokens bound to a key (RFC 9449 §5, §8). */
async function judge({ headers, method = '' }: IncomingMessage): Promise<TokenRefusal | undefined> {
  const { dpop } = headers;
  if (dpop === undefined) return undefined;
  const proof = await proofs.verify(String(dpop), { method, url: `${p.upstream.issuer}/token`, nonceRequired });
  judged.push({ thumbprint: proof.ok ? proof.thumbprint : '', problem: proof.ok ? '' : proof.error });
  if (proof.ok) return undefined;
  return { error: proof.error, ...(nonceRequired && { headers: { 'dpop-nonce': nonces.next() } }) };
}

beforeEach(async () => {
  skewMs = 0;
  p = await startPersonal({ clock: { ...systemClock, ...clock } });
  [judged, nonceRequired] = [[], false];
  p.upstream.judge = judge;
});
afterEach(() => p[Symbol.asyncDispose]());

/** An upstream that takes only bound tokens, of an authorization server that gives them. */
function asksForIt(): void {
  p.upstream.scheme = 'DPoP';
  p.upstream.metadata = { dpop_signing_alg_values_supported: ['ES256'] };
  p.upstream.over = { token_type: 'DPoP' };
}

const configured = (settings: Record<string, string>) =>
  p.rig.apply([{ upstream: UPSTREAM, kind: 'oauth', settings: { url: p.upstream.url, ...settings } }]);

/** As Ana, whose own token lasts longer than that of the upstream. */
const lease = () => p.lease(ANA, { authorization: `Bearer ${p.front.token(ANA, { exp: Date.now() / 1000 + 7_200 })}` });

function leased(outcome: Outcome): Extract<Outcome, { readonly token: string }> {
  if ('token' in outcome) return outcome;
  throw new Error(`no lease: ${outcome.reason} ${outcome.message}`);
}

describe('a connection whose tokens are bound to a key', () => {
  it('BC-1 has a key of its own from the authorization on, which is lent with its token', async () => {
    asksForIt();
    await p.connect(p.browser());
    const { headers, token, dpopKey } = leased(await lease());
    const { thumbprint } = await DpopKey.from(dpopKey);
    expect(headers).toEqual({ Authorization: `DPoP ${token}` });
    expect(p.upstream.lastAuthorization.get('dpop_jkt')).toBe(thumbprint);
    expect(judged).toEqual([{ thumbprint, problem: '' }]);
    await p.connect(p.browser(), 'work');
    expect(p.upstream.lastAuthorization.get('dpop_jkt')).not.toBe(thumbprint);
  });

  it('BC-2 is renewed with the same key, and the nonce that is wanted, which is asked for once', async () => {
    asksForIt();
    nonceRequired = true;
    // Ends within the margin: the first lease needs a new one.
    p.upstream.expiresIn = 3;
    await p.connect(p.browser());
    p.upstream.expiresIn = 3600;
    const thumbprint = p.upstream.lastAuthorization.get('dpop_jkt') ?? '';
    const { dpopKey } = leased(await lease());
    expect((await DpopKey.from(dpopKey)).thumbprint).toBe(thumbprint);
    expect(judged).toEqual([
      { thumbprint: '', problem: 'use_dpop_nonce' },
      { thumbprint, problem: '' },
      { thumbprint, problem: '' },
    ]);
    // The refusal for a nonce took nothing: one code, one refresh.
    expect(p.upstream.refreshes).toBe(1);
  });

  it('BC-3 is not made where the token that comes is bound to nothing', async () => {
    asksForIt();
    p.upstream.over = { token_type: 'Bearer' };
    expect((await p.connect(p.browser())).text).toContain('is not bound to the key');
    expect(await lease()).toMatchObject({ reason: 'connection_required' });
  });

  it('BC-4 V4 keeps its key encrypted, and out of events', async () => {
    asksForIt();
    await p.connect(p.browser());
    const { d } = JSON.parse(leased(await lease()).dpopKey) as { d: string };
    const stored: string[] = [];
    for (const name of [BUCKETS.connections, BUCKETS.connecting, BUCKETS.connectionChanges]) {
      const kv = await p.rig.platform.state.bucket(name, DEFAULT_TENANT);
      for (const key of await kv.keys()) stored.push(key, Buffer.from((await kv.get(key))?.value ?? []).toString('utf8'));
    }
    stored.push(
      JSON.stringify(await p.rig.events('connection.leased', 1)),
      JSON.stringify(await p.rig.events('connection.changed', 1)),
    );
    for (const text of stored) expect(text).not.toContain(d);
  });

  it('BC-5 goes on with a server that refuses its proof for another reason: it is asked again later, and nothing is lost', async () => {
    asksForIt();
    await p.connect(p.browser());
    const first = leased(await lease());
    p.upstream.judge = () => Promise.resolve({ error: 'invalid_dpop_proof' });
    skewMs += 3_600_000;
    expect(await lease()).toMatchObject({ reason: 'credential_unavailable' });
    p.upstream.judge = judge;
    skewMs += 60_000;
    expect(leased(await lease()).dpopKey).toBe(first.dpopKey);
  });
});

describe('whether tokens are bound to a key', () => {
  const can = { dpop_signing_alg_values_supported: ['ES256'] };
  interface Case {
    readonly scheme?: string;
    readonly resource?: Readonly<Record<string, unknown>>;
    readonly metadata?: Readonly<Record<string, unknown>>;
    readonly settings?: Record<string, string>;
  }
  it.each<readonly [id: string, given: Case, expected: boolean | string]>([
    ['BB-1 nobody speaks of it', {}, false],
    ['BB-2 the authorization server alone', { metadata: can }, false],
    ['BB-3 the upstream says that it takes such tokens', { resource: can, metadata: can }, true],
    [
      'BB-4 the upstream says that it takes no others',
      { resource: { dpop_bound_access_tokens_required: true }, metadata: can },
      true,
    ],
    ['BB-5 the upstream’s challenge', { scheme: 'DPoP', metadata: can }, true],
    ['BB-6 the upstream’s challenge beside Bearer', { scheme: 'Bearer realm="up", DPoP', metadata: can }, true],
    ['BB-7 other algorithms alone', { resource: { dpop_signing_alg_values_supported: ['EdDSA'] }, metadata: can }, false],
    ['BB-8 the authorization server cannot, the upstream can do without', { resource: can }, false],
    [
      'BB-9 the authorization server cannot, the upstream must',
      { scheme: 'DPoP' },
      'which its authorization server does not offer',
    ],
    ['BB-10 the configuration demands it', { settings: { dpop: 'required' } }, true],
    ['BB-11 the configuration forbids it', { scheme: 'DPoP', metadata: can, settings: { dpop: 'never' } }, false],
  ])('%s', async (_id, { scheme = 'Bearer', resource = {}, metadata = {}, settings = {} }, expected) => {
    Object.assign(p.upstream, { scheme, resource, metadata });
    await configured(settings);
    const browser = p.browser();
    const page = shown(await browser.open(`/connect/${UPSTREAM}`));
    const next = await browser.submit(page, { label: 'default', do: 'connect' });
    if (typeof expected === 'string') return expect(shown(next).text).toContain(expected);
    p.upstream.over = { token_type: expected ? 'DPoP' : 'Bearer' };
    await browser.open(await answerAt(sentTo(next)));
    expect(judged.length).toBe(expected ? 1 : 0);
    expect(leased(await lease()).headers['Authorization']).toMatch(expected ? /^DPoP / : /^Bearer /);
  });

  it('BB-12 the authorization server registers the gateway as a client whose tokens are bound', async () => {
    p.upstream.registered = { dpop_bound_access_tokens: true };
    p.upstream.over = { token_type: 'DPoP' };
    await p.connect(p.browser());
    expect(leased(await lease()).headers['Authorization']).toMatch(/^DPoP /);
  });
});
