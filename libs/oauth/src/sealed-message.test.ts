import { decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose';
import { generateSealingKey, openSealed, sealingKeyFrom, sealTo } from './sealed-message.js';

const plaintext = new TextEncoder().encode('Bearer canary-4711');

describe('sealed messages', () => {
  it('opens for the recipient what was sealed to it, and shows nothing on the way', async () => {
    const key = await generateSealingKey();
    const sealed = await sealTo(key.publicJwk, plaintext);
    expect(decodeProtectedHeader(sealed)).toMatchObject({ alg: 'ECDH-ES', enc: 'A256GCM', epk: { crv: 'X25519' } });
    expect(Buffer.from(sealed, 'base64url').includes('canary')).toBe(false);
    expect(Buffer.from(await openSealed(key.privateKey, sealed)).toString()).toBe('Bearer canary-4711');
  });

  it('gives away only the public half', async () => {
    expect(Object.keys(JSON.parse((await generateSealingKey()).publicJwk) as object)).toEqual(['kty', 'crv', 'x']);
  });

  it('opens at every process that has the secret of the key', async () => {
    const [one, other] = await Promise.all([sealingKeyFrom(Buffer.alloc(32, 7)), sealingKeyFrom(Buffer.alloc(32, 7))]);
    expect(one.publicJwk).toBe(other.publicJwk);
    expect(one.publicJwk).not.toBe((await sealingKeyFrom(Buffer.alloc(32, 8))).publicJwk);
    const sealed = await sealTo(one.publicJwk, plaintext);
    expect(Buffer.from(await openSealed(other.privateKey, sealed)).toString()).toBe('Bearer canary-4711');
  });

  it('does not open with another key, nor when altered', async () => {
    const [key, other] = [await generateSealingKey(), await generateSealingKey()];
    const sealed = await sealTo(key.publicJwk, plaintext);
    await expect(openSealed(other.privateKey, sealed)).rejects.toThrow();
    const [header, encryptedKey, iv, text = '', tag] = sealed.split('.');
    const altered = [header, encryptedKey, iv, (text.startsWith('A') ? 'B' : 'A') + text.slice(1), tag].join('.');
    await expect(openSealed(key.privateKey, altered)).rejects.toThrow();
  });

  it('refuses to seal to a key of another kind', async () => {
    const { publicKey } = await generateKeyPair('ES256');
    await expect(sealTo(JSON.stringify(await exportJWK(publicKey)), plaintext)).rejects.toThrow('not an X25519 public key');
  });
});
