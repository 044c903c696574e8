import { createPrivateKey } from 'node:crypto';
import path from 'node:path';
import type { GatewayConfig, IdentityProviderConfig } from '@switchyard/gateway-config';
import { ConfigError, resolveReferences, type ReferenceSource } from '@switchyard/runtime';

/**
 * Puts the secrets of identity providers in the place of their references.
 * @param file the gateway's file: relative paths start from its folder
 * @throws ConfigError where a reference leads nowhere, or a private key is none
 */
export function resolveIdentitySecrets(
  config: GatewayConfig,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): GatewayConfig {
  const source = { env, directory: path.dirname(path.resolve(file)) };
  const providers = config.identity.providers.map((provider) => resolved(provider, source, file));
  return { ...config, identity: { ...config.identity, providers } };
}

function resolved(provider: IdentityProviderConfig, source: ReferenceSource, file: string): IdentityProviderConfig {
  const { clientSecret, privateKey } = provider;
  const resolve = (key: string, text: string) => {
    const result = resolveReferences(text, source);
    const message = result.ok ? (key === 'privateKey' ? refuseKey(result.text) : undefined) : result.message;
    if (message !== undefined) throw new ConfigError([{ file, path: `identity (${provider.name}).${key}`, message }]);
    return result.ok ? result.text : '';
  };
  return {
    ...provider,
    ...(clientSecret === undefined ? {} : { clientSecret: resolve('clientSecret', clientSecret) }),
    ...(privateKey === undefined ? {} : { privateKey: resolve('privateKey', privateKey) }),
  };
}

function refuseKey(pem: string): string | undefined {
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPrivateKey(pem);
    if (type === 'rsa' || (type === 'ec' && details?.namedCurve === 'prime256v1')) return undefined;
  } catch {
    // What is wrong with it says the sentence below; the error would quote it.
  }
  return 'is not a private key that can be used. Give a P-256 or RSA key as PEM (PKCS #8).';
}
