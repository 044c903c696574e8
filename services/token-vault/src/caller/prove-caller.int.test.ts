import { mintApiKey, encodeApiKeyRecord, API_KEY_ISSUER } from '@switchyard/api-keys';
import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { ANA, BEN } from '../front.fixture.js';
import { proofOf, startPersonal, UPSTREAM, type PersonalRig } from '../personal.fixture.js';
import { startVault } from '../vault.fixture.js';

describe('V3 a vault gives a person their credential only where they prove to be calling', () => {
  let p: PersonalRig;
  beforeAll(async () => {
    p = await startPersonal();
    await p.connect(p.browser());
  });
  afterAll(() => p[Symbol.asyncDispose]());

  const now = () => Math.floor(Date.now() / 1000);
  const rows: readonly [id: string, authorization: () => string, cause: string][] = [
    ['V3.1 the token of somebody else', () => `Bearer ${p.front.token(BEN)}`, 'other_principal'],
    ['V3.2 a token for a server without the upstream', () => bearer({ aud: `${p.front.publicUrl}/mcp/other` }), 'route'],
    ['V3.3 a token for another host', () => bearer({ aud: 'https://other.example/mcp/work' }), 'route'],
    ['V3.4 an expired token', () => bearer({ iat: now() - 900, exp: now() - 600 }), 'token_refused'],
    ['V3.5 a token of another tenant', () => bearer({ sy_tenant: 'other' }), 'other_principal'],
    ['V3.6 a token of another issuer', () => bearer({ iss: 'https://evil.example' }), 'token_refused'],
    ['V3.7 a token that was altered', () => bearer({}).replace(/.{10}$/, 'AAAAAAAAAA'), 'token_refused'],
    ['V3.8 no token', () => 'Basic YTpi', 'unreadable'],
    ['V3.9 an API key that does not exist', () => `Bearer sy_aaaaaaaaaaaa_${'A'.repeat(43)}`, 'key_refused'],
  ];
  const bearer = (over: Record<string, unknown>) => `Bearer ${p.front.token(ANA, over)}`;

  let asked = 0;
  it.each(rows)('%s', async (_id, authorization, cause) => {
    asked += 1;
    expect(await p.lease(ANA, { authorization: authorization() })).toMatchObject({ reason: 'caller_unproven' });
    const denied = (await p.rig.events('connection.leased', asked)).at(-1);
    expect(denied).toMatchObject({ outcome: 'denied', reason: 'caller_unproven', detail: { cause }, upstream: UPSTREAM });
  });

  const proofs: readonly [id: string, proof: () => Promise<string>][] = [
    ['V3.10 no proof', async () => ''],
    ['V3.11 a proof in clear', async () => bearer({})],
    [
      'V3.12 a proof to another vault',
      async () => {
        await using other = await startVault();
        return proofOf(other, bearer({}));
      },
    ],
  ];
  it.each(proofs)('%s', async (_id, proof) => {
    const { result } = await p.rig.lease(UPSTREAM, {
      ...{ principalIssuer: p.front.publicUrl, principalSubject: ANA.subject, callerProof: await proof() },
    });
    expect(result).toMatchObject({ case: 'refusal', value: { reason: 'caller_unproven' } });
  });

  it('V3.13 a token for the gateway as a whole, and one that is bound to a key, prove as well', async () => {
    expect(await p.lease(ANA, { authorization: bearer({ aud: `${p.front.publicUrl}/mcp` }) })).toHaveProperty('token');
    expect(await p.lease(ANA, { authorization: bearer({}).replace('Bearer', 'DPoP') })).toHaveProperty('token');
  });

  it('V3.14 an API key proves its own principal, which has no account to connect', async () => {
    const { text, record } = mintApiKey({ name: 'ci', servers: ['work'], roles: [], createdAtMs: 0 });
    const kv = await p.rig.platform.state.bucket(BUCKETS.apiKeys, DEFAULT_TENANT);
    await kv.put(record.id, encodeApiKeyRecord(record));
    const ask = async (principalSubject: string) => {
      const callerProof = await proofOf(p.rig, `Bearer ${text}`);
      const { result } = await p.rig.lease(UPSTREAM, { principalIssuer: API_KEY_ISSUER, principalSubject, callerProof });
      return result.case === 'refusal' ? [result.value.reason, result.value.connectUrl] : [result.case];
    };
    expect(await ask(record.id)).toEqual(['credential_unavailable', '']);
    expect(await ask('aaaaaaaaaaaa')).toEqual(['caller_unproven', '']);
  });
});
