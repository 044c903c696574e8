import { BUCKETS, DEFAULT_TENANT } from '@switchyard/contracts';
import { RpcFault } from '@switchyard/messaging';
import { generateSealingKey, openSealed } from '@switchyard/oauth';
import { startNats, type NatsServer } from '@switchyard/testing';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startVault, type VaultRig } from './vault.fixture.js';

const bearer = (value: string, upstream = 'billing') => ({ upstream, headers: { Authorization: `Bearer ${value}` } });
const problemOf = async (response: Response) => (await response.json()) as { reason: string; detail: string; errors?: unknown };

const profiles: readonly { name: string; open: () => Promise<NatsServer | undefined> }[] = [
  { name: 'in process', open: () => Promise.resolve(undefined) },
  { name: 'on NATS', open: startNats },
];

describe.each(profiles)('the vault $name', ({ open }) => {
  let nats: NatsServer | undefined;
  let rig: VaultRig;
  const env = { BILLING_TOKEN: 'from-env', OTHER: 'other' };

  beforeEach(async () => {
    nats = await open();
    rig = await startVault({ ...(nats && { natsUrl: nats.url }), env });
    await rig.apply([]);
  });
  afterEach(async () => {
    await rig[Symbol.asyncDispose]();
    await nats?.[Symbol.asyncDispose]();
  });

  describe('leases', () => {
    it('what the configuration references, to the edge that asks, for five minutes at most', async () => {
      const { versions, problems } = await rig.apply([
        bearer('${env:BILLING_TOKEN}'),
        { upstream: 'files', env: { TOKEN: '${env:OTHER}', PLAIN: 'x' } },
      ]);
      expect(problems).toEqual([]);
      expect(await rig.leased('billing')).toEqual({
        headers: { Authorization: 'Bearer from-env' },
        env: {},
        version: versions['billing'],
      });
      expect(await rig.leased('files')).toMatchObject({ headers: {}, env: { TOKEN: 'other', PLAIN: 'x' } });
      const { result } = await rig.lease('billing');
      const expiresAtMs = Number(result.case === 'lease' ? result.value.expiresAt?.seconds : 0) * 1000;
      expect(expiresAtMs).toBeGreaterThan(rig.platform.clock.now() + 4 * 60_000);
      expect(expiresAtMs).toBeLessThanOrEqual(rig.platform.clock.now() + 5 * 60_000);
    });

    it('nothing that another key can open', async () => {
      await rig.apply([bearer('${env:BILLING_TOKEN}')]);
      const { result } = await rig.lease('billing');
      const stranger = await generateSealingKey();
      const sealed = result.case === 'lease' ? result.value.sealed : '';
      await expect(openSealed(stranger.privateKey, sealed)).rejects.toThrow();
    });

    const refused: [id: string, upstream: string, tenant: string | undefined, sentence: RegExp][] = [
      ['unknown-upstream', 'tracker', undefined, /holds no credential for upstream tracker/],
      ['other-tenant', 'billing', 'other', /serves another tenant/],
    ];
    it.each(refused)('nothing for %s', async (_id, upstream, tenant, sentence) => {
      await rig.apply([bearer('${env:BILLING_TOKEN}')]);
      const { result } = await rig.lease(upstream, tenant === undefined ? {} : { tenant });
      expect(result).toMatchObject({
        case: 'refusal',
        value: { reason: 'credential_unavailable', message: expect.stringMatching(sentence) },
      });
    });

    it('nothing to what is no key', async () => {
      await rig.apply([bearer('${env:BILLING_TOKEN}')]);
      await expect(rig.lease('billing', { recipientJwk: '{"kty":"oct"}' })).rejects.toThrow(RpcFault);
    });

    it('and records every lease and every refusal', async () => {
      await rig.apply([bearer('${env:BILLING_TOKEN}')]);
      const { version } = await rig.leased('billing');
      await rig.lease('tracker');
      const [ok, denied] = await rig.events('connection.leased', 2);
      const principal = { principal_issuer: 'https://idp.example.com', principal_subject: 'ana', request_id: 'request-1' };
      expect(ok).toMatchObject({ ...principal, outcome: 'ok', upstream: 'billing', detail: { edge: 'edge-1', version } });
      expect(denied).toMatchObject({
        ...principal,
        outcome: 'denied',
        upstream: 'tracker',
        reason: 'credential_unavailable',
        detail: { cause: 'unknown_upstream' },
      });
    });

    const swaps: [id: string, from: string, to: string][] = [
      ['V1-upstream', 'tracker', 'billing'],
      ['V2-rollback', 'billing', 'billing'],
    ];
    it.each(swaps)('%s: never another credential than the one asked for', async (_id, from, to) => {
      const kv = await rig.platform.state.bucket(BUCKETS.credentials, DEFAULT_TENANT);
      await rig.apply([bearer('${env:BILLING_TOKEN}'), bearer('${env:OTHER}', 'tracker')]);
      const stolen = await kv.get(from);
      await rig.apply([bearer('x-${env:BILLING_TOKEN}'), bearer('${env:OTHER}', 'tracker')]);
      await rig.leased('billing');
      await kv.put(to, stolen?.value ?? new Uint8Array());
      const { result } = await rig.lease('billing');
      expect(result).toMatchObject({ case: 'refusal', value: { reason: 'credential_unavailable' } });
      const events = await rig.events('connection.leased', 2);
      const cause = from === to ? 'rolled_back' : 'altered';
      expect(events[1]).toMatchObject({ outcome: 'denied', severity: 'critical', detail: { cause } });
      // Applying the configuration again puts it right.
      await rig.apply([bearer('x-${env:BILLING_TOKEN}'), bearer('${env:OTHER}', 'tracker')]);
      expect(await rig.leased('billing')).toMatchObject({ headers: { Authorization: 'Bearer x-from-env' } });
    });
  });

  describe('applies', () => {
    it('the same configuration without writing anything', async () => {
      const kv = await rig.platform.state.bucket(BUCKETS.credentials, DEFAULT_TENANT);
      const first = await rig.apply([bearer('${env:BILLING_TOKEN}')]);
      const before = await kv.get('billing');
      const second = await rig.apply([bearer('${env:BILLING_TOKEN}')]);
      expect(second.versions).toEqual(first.versions);
      expect(await kv.get('billing')).toEqual(before);
      expect(await rig.events('connection.changed', 1)).toHaveLength(1);
    });

    it('another way to the same value without another version', async () => {
      await writeFile(path.join(rig.dir, 'token'), 'from-env\n');
      const first = await rig.apply([bearer('${env:BILLING_TOKEN}')]);
      expect((await rig.apply([bearer('${file:token}')])).versions).toEqual(first.versions);
    });

    it('another value under another version', async () => {
      const first = await rig.apply([bearer('${env:BILLING_TOKEN}')]);
      expect((await rig.apply([bearer('${env:OTHER}')])).versions).not.toEqual(first.versions);
      expect(await rig.leased('billing')).toMatchObject({ headers: { Authorization: 'Bearer other' } });
    });

    it('and deletes what is not in it', async () => {
      await rig.apply([bearer('${env:BILLING_TOKEN}'), bearer('${env:OTHER}', 'tracker')]);
      await rig.apply([bearer('${env:OTHER}', 'tracker')]);
      expect((await rig.lease('billing')).result.case).toBe('refusal');
      expect(await rig.leased('tracker')).toMatchObject({ headers: { Authorization: 'Bearer other' } });
      const changes = await rig.events('connection.changed', 3);
      expect(changes.map(({ upstream, detail }) => [upstream, detail?.['change']])).toEqual([
        ['billing', 'stored'],
        ['tracker', 'stored'],
        ['billing', 'deleted'],
      ]);
    });

    it('nothing at all where a reference has no value', async () => {
      await rig.apply([bearer('${env:BILLING_TOKEN}')]);
      const { versions, problems } = await rig.apply([bearer('${env:OTHER}'), bearer('${env:GONE} ${secret:gone}', 'tracker')]);
      expect(versions).toEqual({});
      expect(problems).toMatchObject([
        { upstream: 'tracker', message: expect.stringContaining('${env:GONE} is not set') },
        { upstream: 'tracker', message: expect.stringContaining('${secret:gone} is not stored') },
      ]);
      expect(await rig.leased('billing')).toMatchObject({ headers: { Authorization: 'Bearer from-env' } });
    });
  });

  describe('keeps secrets', () => {
    it('that show their names only', async () => {
      expect(await (await rig.api('PUT', '/api/v1/secrets/billing', { value: 's1' })).json()).toEqual({
        name: 'billing',
        upstreams: [],
      });
      expect(await (await rig.api('GET', '/api/v1/secrets')).json()).toEqual({ secrets: [{ name: 'billing' }] });
      expect((await rig.api('GET', '/api/v1/secrets/billing')).status).toBe(404);
      expect((await rig.api('DELETE', '/api/v1/secrets/billing')).status).toBe(200);
      expect(await (await rig.api('GET', '/api/v1/secrets')).json()).toEqual({ secrets: [] });
    });

    it('and builds the credentials anew that refer to a changed one', async () => {
      await rig.api('PUT', '/api/v1/secrets/billing', { value: 's1' });
      await rig.apply([bearer('${secret:billing}'), bearer('${env:OTHER}', 'tracker')]);
      const before = await rig.leased('billing');
      expect(before.headers).toEqual({ Authorization: 'Bearer s1' });
      const changed = await rig.api('PUT', '/api/v1/secrets/billing', { value: 's2' });
      expect(await changed.json()).toEqual({ name: 'billing', upstreams: ['billing'] });
      const after = await rig.leased('billing');
      expect(after.headers).toEqual({ Authorization: 'Bearer s2' });
      expect(after.version).not.toBe(before.version);
    });

    it('whose deletion ends the leases of what refers to them, until there is a new one', async () => {
      await rig.api('PUT', '/api/v1/secrets/billing', { value: 's1' });
      await rig.apply([bearer('${secret:billing}')]);
      await rig.api('DELETE', '/api/v1/secrets/billing');
      expect((await rig.lease('billing')).result).toMatchObject({
        case: 'refusal',
        value: { message: expect.stringMatching(/billing is incomplete: .*\$\{secret:billing\} is not stored/) },
      });
      await rig.api('PUT', '/api/v1/secrets/billing', { value: 's2' });
      expect((await rig.leased('billing')).headers).toEqual({ Authorization: 'Bearer s2' });
    });

    it('and records who changed them', async () => {
      await rig.api('PUT', '/api/v1/secrets/billing', { value: 's1' });
      await rig.apply([bearer('${secret:billing}')]);
      await rig.api('PUT', '/api/v1/secrets/billing', { value: 's2' });
      const actor = { principal_issuer: 'api-key', principal_name: 'admin-key', request_id: 'request-2', outcome: 'ok' };
      const [first] = await rig.events('secret.changed', 2);
      expect(first).toMatchObject({ ...actor, detail: { name: 'billing', change: 'stored' } });
      const changes = await rig.events('connection.changed', 2);
      expect(changes[1]).toMatchObject({ ...actor, upstream: 'billing', detail: { change: 'stored' } });
    });

    const badRequests: [id: string, route: string, body: unknown, status: number, named: string][] = [
      ['name', '/api/v1/secrets/.hidden', { value: 'x' }, 400, 'name'],
      ['long-name', `/api/v1/secrets/${'x'.repeat(129)}`, { value: 'x' }, 400, 'name'],
      ['no-value', '/api/v1/secrets/billing', {}, 400, 'value'],
      ['empty-value', '/api/v1/secrets/billing', { value: '' }, 400, 'value'],
      ['unknown-field', '/api/v1/secrets/billing', { value: 'x', note: 'y' }, 400, 'note'],
      ['value-too-long', '/api/v1/secrets/billing', { value: 'ä'.repeat(32 * 1024 + 1) }, 400, 'value'],
      ['body-too-long', '/api/v1/secrets/billing', { value: 'x'.repeat(500 * 1024) }, 413, 'larger'],
    ];
    it.each(badRequests)('and refuses a bad request, naming what is wrong: %s', async (_id, route, body, status, named) => {
      const response = await rig.api('PUT', route, body);
      expect(response.status).toBe(status);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect((await problemOf(response)).detail).toContain(named);
      expect(await (await rig.api('GET', '/api/v1/secrets')).json()).toEqual({ secrets: [] });
    });

    it('takes a value of 64 KiB, whatever JSON makes of it', async () => {
      const value = '\u0001'.repeat(64 * 1024);
      expect((await rig.api('PUT', '/api/v1/secrets/large', { value })).status).toBe(200);
    });

    it('answers 404 for a secret that is not there', async () => {
      const response = await rig.api('DELETE', '/api/v1/secrets/gone');
      expect(response.status).toBe(404);
      expect(await problemOf(response)).toMatchObject({ reason: 'not_found' });
    });

    it('lets in administrators only', async () => {
      expect((await rig.api('GET', '/api/v1/secrets', undefined, rig.keys.auditor)).status).toBe(403);
      expect((await rig.api('PUT', '/api/v1/secrets/x', { value: 'y' }, 'sy_unknown')).status).toBe(401);
      const [first, second] = await rig.events('auth.rejected', 2);
      expect(first).toMatchObject({ outcome: 'denied', reason: 'forbidden', principal_name: 'auditor-key' });
      expect(second).toMatchObject({ outcome: 'denied', reason: 'unauthenticated' });
    });
  });

  it('is ready, and closes twice', async () => {
    expect(await rig.vault.readiness()).toEqual({ state: 'ok', audit: 'ok', kms: 'ok' });
    await rig.vault.close();
    await rig.vault.close();
  });
});
