import type { GatewayConfig } from './gateway-schema.js';
import { holdsVaultReference } from './secret-reference.js';

/** Texts of the section `identity` that the token vault resolves, each once. All others the authorization server resolves itself. */
export function identityReferences({ identity: { providers, services, clients } }: GatewayConfig): string[] {
  const texts = [
    ...providers.flatMap(({ clientSecret, privateKey }) => [clientSecret, privateKey]),
    ...[...services, ...clients].map(({ clientSecret }) => clientSecret),
  ];
  return [...new Set(texts.filter((text) => text !== undefined && holdsVaultReference(text)))] as string[];
}
