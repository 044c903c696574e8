import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Kind } from './kind.js';

/** A client certificate (RFC 8446 section 4.4.2): settings `certificate`, PEM, with those that vouch for it behind it, and `key`, PEM. */
export const mtls: Kind = {
  problems: ({ certificate = '', key = '' }) => {
    const leaf = read(() => new X509Certificate(certificate));
    const own: KeyObject | undefined = read(() => createPrivateKey(key));
    const problems = [
      ...(leaf === undefined ? ['the client certificate is none in PEM. Correct what it refers to.'] : []),
      ...(own === undefined
        ? ['the key of the client certificate is no private key in PEM without a passphrase. Correct what it refers to.']
        : []),
    ];
    if (leaf === undefined || own === undefined || leaf.checkPrivateKey(own)) return problems;
    return ['the key is not that of the client certificate. Correct what one of them refers to.'];
  },
  show: ({ certificate = '', key = '' }) => ({ tlsCertificate: certificate, tlsKey: key }),
};

/** Node's errors quote what they could not read. */
function read<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
