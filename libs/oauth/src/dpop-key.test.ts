import { DpopKey, generateDpopKey } from './dpop-key.js';
import { DpopNonces } from './dpop-nonces.js';
import { DpopOrigins } from './dpop-origins.js';
import { DpopProofs } from './dpop-proof.js';

const nowMs = Date.now();
const clock = { now: () => nowMs };
const nonces = new DpopNonces(new Uint8Array(32), clock);
const proofs = new DpopProofs(nonces, clock);
const url = new URL('https://up.example/mcp?tenant=a');
const wanted = { method: 'POST', url: 'https://up.example/mcp', nonceRequired: false };

describe('proofs of possession that we make', () => {
  it.each([
    ['DK-1 where tokens are asked for', {}],
    ['DK-2 beside a token', { token: 'token-1' }],
    ['DK-3 with the nonce that is wanted', { token: 'token-1', nonce: nonces.next() }],
  ])('%s, hold (RFC 9449 §4.3), and each once', async (_id, shown) => {
    const key = await DpopKey.from(await generateDpopKey());
    const made = [
      await key.prove({ method: 'POST', url, ...shown }, clock.now()),
      await key.prove({ method: 'POST', url, ...shown }, clock.now()),
    ];
    const judged = await Promise.all(
      made.map((proof) => proofs.verify(proof, { ...wanted, ...shown, nonceRequired: 'nonce' in shown })),
    );
    expect(judged).toMatchObject([
      { ok: true, thumbprint: key.thumbprint },
      { ok: true, thumbprint: key.thumbprint },
    ]);
    expect(new Set(judged.map((proof) => proof.ok && proof.id)).size).toBe(2);
  });

  it('DK-4 are for one token alone', async () => {
    const key = await DpopKey.from(await generateDpopKey());
    await key.prove({ method: 'POST', url, token: 'token-1' }, clock.now());
    const proof = await key.prove({ method: 'POST', url, token: 'token-2' }, clock.now());
    expect(await proofs.verify(proof, { ...wanted, token: 'token-2' })).toMatchObject({ ok: true });
    expect(await proofs.verify(proof, { ...wanted, token: 'token-1' })).toMatchObject({ ok: false });
  });

  it('DK-5 show nothing of the private key, and neither does what is said of one that is none', async () => {
    const text = await generateDpopKey();
    const { d } = JSON.parse(text) as { d: string };
    const proof = await (await DpopKey.from(text)).prove({ method: 'POST', url }, clock.now());
    const [header = ''] = proof.split('.');
    expect(Buffer.from(header, 'base64url').toString()).not.toContain(d);
    for (const bad of [`${text}x`, '{}', JSON.stringify({ ...(JSON.parse(text) as object), d: d.slice(0, -2) })]) {
      const refused = await DpopKey.from(bad).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(Error);
      expect([(refused as Error).message.includes(d.slice(0, -2)), (refused as Error).cause]).toEqual([false, undefined]);
    }
  });
});

describe('nonces of servers', () => {
  it.each<readonly [id: string, fields: readonly unknown[], expected: string | undefined]>([
    ['DO-1 none', [undefined], undefined],
    ['DO-2 the latest counts', ['one', 'two', undefined], 'two'],
    ['DO-3 two in one answer', [['one', 'two']], undefined],
    ['DO-4 what cannot be one', ['a b', 'a"b', '', 'x'.repeat(1_025)], undefined],
  ])('%s', (_id, fields, expected) => {
    const origins = new DpopOrigins();
    for (const field of fields) origins.heard(url, field);
    expect(origins.nonceFor(new URL('https://up.example/other'))).toBe(expected);
    expect(origins.nonceFor(new URL('https://up.example:8443/mcp'))).toBeUndefined();
  });

  it('DO-5 so many servers are remembered, and the latest is among them', () => {
    const origins = new DpopOrigins();
    for (let i = 0; i < 5_000; i += 1) origins.heard(new URL(`https://up-${i}.example/`), 'n');
    expect(origins.nonceFor(new URL('https://up-4999.example/'))).toBe('n');
    expect(origins.nonceFor(new URL('https://up-0.example/'))).toBeUndefined();
  });
});
