import { createPrivateKey, type KeyObject } from 'node:crypto';

/** Algorithms of client assertions (RFC 7518 section 3.1), by what the key is. */
const ALGORITHMS = {
  ec: { name: 'ECDSA', namedCurve: 'P-256' },
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
} as const;

type KeyType = keyof typeof ALGORITHMS;

const isKnown = (type: string | undefined): type is KeyType => type !== undefined && Object.hasOwn(ALGORITHMS, type);

/** The key in a PEM text; undefined where there is none that signs ES256 or RS256. */
function readKey(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem);
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
    return isKnown(type) && (type === 'rsa' || details?.namedCurve === 'prime256v1') ? key : undefined;
  } catch {
    // Node's errors quote what they could not read.
    return undefined;
  }
}

/** Whether a text is a private key that client assertions can be signed with. */
export const isAssertionKey = (pem: string): boolean => readKey(pem) !== undefined;

/** The key that client assertions are signed with. @throws Error where it is none; `isAssertionKey` tells */
export function assertionKey(pem: string): CryptoKey {
  const key = readKey(pem);
  const type = key?.asymmetricKeyType;
  if (key === undefined || !isKnown(type)) throw new Error('this is no key for client assertions');
  return key.toCryptoKey(ALGORITHMS[type], false, ['sign']) as CryptoKey;
}
