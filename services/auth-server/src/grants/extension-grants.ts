import type { Provider } from 'oidc-provider';
import type { ProviderParts } from '../provider/provider-configuration.js';
import { ID_JAG_METADATA, JWT_BEARER, registerIdJagGrant } from './id-jag-grant.js';
import { registerTokenExchangeGrant, TOKEN_EXCHANGE, type ExchangeParts } from './token-exchange-grant.js';

type Parts = ExchangeParts & Pick<ProviderParts, 'tenant'>;

/** Grant types beyond OAuth 2.1 that are configured; clients have to authenticate for them. */
export function extensionGrantTypes({ federation, exchangeClients }: Parts): string[] {
  return [
    ...(federation?.assertions.areTaken === true ? [JWT_BEARER] : []),
    ...(exchangeClients.length > 0 ? [TOKEN_EXCHANGE] : []),
  ];
}

/** What the metadata says of them. */
export function extensionMetadata({ federation }: Parts): Record<string, readonly string[]> {
  return federation?.assertions.areTaken === true ? ID_JAG_METADATA : {};
}

/** Adds them to the library. */
export function registerExtensionGrants(provider: Provider, o: Parts): void {
  const { publicUrl, tenant, servers, services, people, dpop, federation, adapters, exchangeClients } = o;
  if (federation?.assertions.areTaken === true) {
    const { assertions } = federation;
    const { clock } = adapters;
    const certificates = o.certificates === undefined ? {} : { certificates: o.certificates };
    registerIdJagGrant(provider, { publicUrl, tenant, servers, services, people, dpop, assertions, clock, ...certificates });
  }
  if (exchangeClients.length > 0) registerTokenExchangeGrant(provider, o);
}
