import { isAssertionKey } from '../client-credentials/assertion-key.js';
import { serviceSettings } from '../client-credentials/service-tokens.js';
import type { Kind } from './kind.js';

/** A token that the gateway gets for itself (RFC 6749 section 4.4): asked for when it is needed, so that settings alone show nothing. */
export const clientCredentials: Kind = {
  problems: (settings) => {
    const given = serviceSettings.safeParse(settings);
    if (!given.success) return ['the settings of the OAuth client cannot be used. Run the same version of all services.'];
    const { private_key: key } = given.data;
    if (key === undefined || isAssertionKey(key)) return [];
    return ['the private key of the OAuth client is none in PEM without a passphrase, P-256 or RSA. Correct what it refers to.'];
  },
  show: () => ({}),
};
