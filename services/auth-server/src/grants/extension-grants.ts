import type { Provider } from 'oidc-provider';
import type { ProviderParts } from '../provider/provider-configuration.js';
import { ID_JAG_METADATA, JWT_BEARER, registerIdJagGrant } from './id-jag-grant.js';

type Parts = Pick<ProviderParts, 'publicUrl' | 'tenant' | 'servers' | 'services' | 'adapters' | 'federation'>;

/** Grant types beyond OAuth 2.1 that are configured; clients have to authenticate for them. */
export function extensionGrantTypes({ federation }: Parts): string[] {
  return federation?.assertions.areTaken === true ? [JWT_BEARER] : [];
}

/** What the metadata says of them. */
export function extensionMetadata({ federation }: Parts): Record<string, readonly string[]> {
  return federation?.assertions.areTaken === true ? ID_JAG_METADATA : {};
}

/** Adds them to the library. */
export function registerExtensionGrants(provider: Provider, { federation, adapters: { clock }, ...o }: Parts): void {
  if (federation?.assertions.areTaken === true) registerIdJagGrant(provider, { ...o, assertions: federation.assertions, clock });
}
