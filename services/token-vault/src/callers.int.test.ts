import { fromJsonString } from '@bufbuild/protobuf';
import { CLAIMS_HEADER, CredentialMaterialSchema } from '@switchyard/contracts';
import { openSealed } from '@switchyard/oauth';
import { eventually } from '@switchyard/testing';
import { createPublicKey, randomUUID, verify, type JsonWebKey } from 'node:crypto';
import { ANA, BEN, startFront, type Front, type Person } from './front.fixture.js';
import { proofOf } from './personal.fixture.js';
import { startVault, type VaultRig } from './vault.fixture.js';

const EMIL: Person = { subject: 'sub-of-emil', email: 'emil@example.com' };

interface Asked {
  readonly team?: string;
  readonly authorization?: string;
  /** Whom the edge names; who proves to be calling, unless told. */
  readonly principal?: Person;
  readonly claims?: object;
}

describe('credentials that depend on who calls', () => {
  const undo = new AsyncDisposableStack();
  let front: Front;
  let rig: VaultRig;

  beforeAll(async () => {
    front = undo.use(await startFront());
    rig = undo.use(await startVault({ authServer: front.authServer, env: { FINANCE: 'key-of-finance', OPS: 'key-of-ops' } }));
    const team = (name: string, emails: string[], more: object = {}) => ({ name, emails, claims: [], services: [], ...more });
    const finance = team('finance', [ANA.email]);
    const ops = team('ops', [BEN.email], { claims: ['operations'] });
    const { problems } = await rig.apply([
      {
        upstream: 'billing',
        headers: { 'X-Same': 'same' },
        kind: 'header',
        settings: { name: 'X-Key' },
        teams: [
          { team: finance, settings: { value: '${env:FINANCE}' } },
          { team: ops, settings: { value: '${env:OPS}' } },
        ],
      },
      {
        upstream: 'crm',
        kind: 'user-claims',
        settings: { audience: 'https://crm.example.com/mcp' },
        teams: [
          { team: finance, settings: {} },
          { team: ops, settings: {} },
        ],
      },
    ]);
    expect(problems).toEqual([]);
    await front.publish(rig.platform.state, ['billing', 'crm']);
  });
  afterAll(() => undo.disposeAsync());

  async function lease(upstream: string, person: Person, { team = '', authorization, principal = person, claims }: Asked = {}) {
    const requestId = randomUUID();
    const { result } = await rig.lease(upstream, {
      requestId,
      team,
      principalIssuer: front.publicUrl,
      principalSubject: principal.subject,
      callerProof:
        authorization === '' ? '' : await proofOf(rig, authorization ?? `Bearer ${front.token(person, { ...claims })}`),
    });
    if (result.case !== 'lease') return { requestId, reason: result.value?.reason, message: result.value?.message };
    const text = Buffer.from(await openSealed(rig.edgeKey.privateKey, result.value.sealed)).toString('utf8');
    const { headers } = fromJsonString(CredentialMaterialSchema, text);
    return { requestId, headers, lastsMs: Number(result.value.expiresAt?.seconds ?? 0) * 1000 - Date.now() };
  }

  it('CT-1 a member is leased the team’s, beside what is the same for all', async () => {
    expect((await lease('billing', ANA, { team: 'finance' })).headers).toEqual({ 'X-Same': 'same', 'X-Key': 'key-of-finance' });
    expect((await lease('billing', BEN, { team: 'ops' })).headers).toMatchObject({ 'X-Key': 'key-of-ops' });
  });

  it('CT-2 a value of the teams claim makes a member too', async () => {
    const asked = { team: 'ops', claims: { sy_claims: ['operations'] } };
    expect((await lease('billing', EMIL, asked)).headers).toMatchObject({ 'X-Key': 'key-of-ops' });
  });

  it('CT-1b the event says of the call what the edge says of it', async () => {
    const said = { traceId: 'a'.repeat(32), principalName: 'ana', principalKind: 'user', clientId: 'c', clientName: 'claude' };
    const more = { clientVersion: '3', onBehalfOf: 'agent planner', server: 'work', callerTeams: ['finance', 'ops'] };
    const requestId = randomUUID();
    await rig.lease('billing', { requestId, principalIssuer: front.publicUrl, principalSubject: 'u', ...said, ...more });
    const event = await eventually(
      async () => (await rig.events('connection.leased', 1)).find(({ request_id: id }) => id === requestId) ?? false,
    );
    expect(event).toMatchObject({
      ...{ trace_id: said.traceId, principal_name: 'ana', principal_kind: 'user', client_id: 'c', client_name: 'claude' },
      ...{ client_version: '3', on_behalf_of: 'agent planner', server: 'work', teams: ['finance', 'ops'], upstream: 'billing' },
    });
  });

  const refused: [id: string, upstream: string, asked: Asked, reason: string][] = [
    ['V3 a team that the caller is not in', 'billing', { team: 'ops' }, 'credential_unavailable'],
    ['CT-3 a team without a credential', 'billing', { team: 'keyless' }, 'credential_unavailable'],
    ['CT-4 no team', 'billing', {}, 'credential_unavailable'],
    ['CT-5 the name of a property of all objects', 'billing', { team: 'constructor' }, 'credential_unavailable'],
    ['V3 no proof, team', 'billing', { team: 'finance', authorization: '' }, 'caller_unproven'],
    ['V3 no proof, claims', 'crm', { authorization: '' }, 'caller_unproven'],
    ['V3 another’s proof', 'crm', { principal: BEN }, 'caller_unproven'],
    ['V3 no token of ours', 'crm', { authorization: 'Bearer x.y.z' }, 'caller_unproven'],
  ];
  it.each(refused)('%s: refused', async (_id, upstream, asked, reason) => {
    const answer = await lease(upstream, ANA, asked);
    expect(answer).toMatchObject({ reason });
    expect(JSON.stringify(answer)).not.toMatch(/key-of/);
    const event = await eventually(
      async () => (await rig.events('connection.leased', 1)).find(({ request_id: id }) => id === answer.requestId) ?? false,
    );
    expect(event).toMatchObject({ outcome: 'denied', reason, upstream });
  });

  const decode = (part: string | undefined) =>
    JSON.parse(Buffer.from(part ?? '', 'base64url').toString()) as Record<string, unknown>;

  it('CL-1 says who calls, signed with a key that anybody can read', async () => {
    const { headers, lastsMs } = await lease('crm', ANA);
    const [header, payload, signature] = (headers?.[CLAIMS_HEADER] ?? '').split('.');
    const now = Math.floor(Date.now() / 1000);
    const claims = decode(payload);
    expect(decode(header)).toMatchObject({ alg: 'ES256', typ: 'switchyard-user+jwt' });
    expect(claims).toEqual({
      iss: front.publicUrl,
      aud: 'https://crm.example.com/mcp',
      sub: ANA.subject,
      tenant: 'default',
      client_id: 'client',
      act: { sub: 'client' },
      kind: 'user',
      email: ANA.email,
      name: ANA.email,
      teams: ['finance'],
      jti: expect.any(String) as unknown,
      iat: expect.any(Number) as unknown,
      exp: expect.any(Number) as unknown,
    });
    const lifetime = Number(claims['exp']) - now;
    expect(lifetime).toBeGreaterThan(60);
    expect(lifetime).toBeLessThanOrEqual(120);
    expect(lastsMs).toBeLessThanOrEqual(60_000);
    // Without a key of ours: it is public.
    const response = await fetch(`${rig.vault.urls['http']}/.well-known/switchyard-user-jwks.json`);
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'public, max-age=3600']);
    const { keys } = (await response.json()) as { keys: { kid: string; d?: string }[] };
    expect(keys).toHaveLength(3);
    expect(keys.filter(({ d }) => d !== undefined)).toEqual([]);
    const jwk = keys.find(({ kid }) => kid === decode(header)['kid']);
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    const signed = Buffer.from(`${header}.${payload}`);
    const given = { key, dsaEncoding: 'ieee-p1363' as const };
    expect(verify('sha256', signed, given, Buffer.from(signature ?? '', 'base64url'))).toBe(true);
  });

  it('CL-2 says of each caller what is true of them', async () => {
    const of = async (person: Person, claims?: object) =>
      decode((await lease('crm', person, { ...(claims && { claims }) })).headers?.[CLAIMS_HEADER]?.split('.')[1]);
    expect(await of(BEN)).toMatchObject({ sub: BEN.subject, email: BEN.email, teams: ['ops'] });
    expect(await of(EMIL)).toMatchObject({ sub: EMIL.subject, teams: [] });
    expect(await of(EMIL, { client_id: 'other' })).toMatchObject({ client_id: 'other', act: { sub: 'other' } });
  });
});
