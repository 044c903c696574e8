import { createPrivateKey, createPublicKey } from 'node:crypto';
import path from 'node:path';
import {
  holdsVaultReference,
  type GatewayConfig,
  type IdentityProviderConfig,
  type ServiceClientConfig,
} from '@switchyard/gateway-config';
import { ConfigError, resolveReferences, type ReferenceSource } from '@switchyard/runtime';
import { refuseCertificates } from '../clients/certificate-metadata.js';

/**
 * Puts the secrets and keys of identity providers and services in the place of their references, except of those that the vault resolves.
 * @param file the gateway's file: relative paths start from its folder
 * @throws ConfigError where a reference leads nowhere, or what it leads to cannot be used
 */
export function resolveIdentitySecrets(
  config: GatewayConfig,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): GatewayConfig {
  const source = { env, directory: path.dirname(path.resolve(file)) };
  const providers = config.identity.providers.map((provider) => resolved(provider, source, file));
  const services = config.identity.services.map((service) => resolvedService(service, source, file));
  return { ...config, identity: { ...config.identity, providers, services } };
}

function resolvedService(service: ServiceClientConfig, source: ReferenceSource, file: string): ServiceClientConfig {
  const { name, clientSecret, publicKey, certificate } = service;
  const resolve = (key: string, text: string, refuse: (resolved: string) => string | undefined) => {
    if (key === 'clientSecret' && holdsVaultReference(text)) return text;
    const result = resolveReferences(text, source);
    const message = result.ok ? refuse(result.text) : result.message;
    if (message !== undefined) throw new ConfigError([{ file, path: `identity.services.${name}.${key}`, message }]);
    return result.ok ? result.text : '';
  };
  return {
    ...service,
    ...(clientSecret === undefined ? {} : { clientSecret: resolve('clientSecret', clientSecret, refuseShortSecret) }),
    ...(publicKey === undefined ? {} : { publicKey: resolve('publicKey', publicKey, refusePublicKey) }),
    ...(certificate === undefined ? {} : { certificate: resolve('certificate', certificate, refuseCertificates) }),
  };
}

// RFC 6749 §10.10: what is long enough cannot be guessed, however fast.
const refuseShortSecret = (text: string) =>
  text.length < 32 ? 'is shorter than 32 characters, so it could be guessed. Give a random one.' : undefined;

function refusePublicKey(pem: string): string | undefined {
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPublicKey(pem);
    if (type === 'rsa' && (details?.modulusLength ?? 0) >= 2048) return undefined;
    if (type === 'ed25519' || (type === 'ec' && details?.namedCurve === 'prime256v1')) return undefined;
  } catch {
    // What is wrong with it says the sentence below.
  }
  return 'is not a public key that can be used. Give a P-256, Ed25519 or RSA (2048 bits) key as PEM (SPKI).';
}

function resolved(provider: IdentityProviderConfig, source: ReferenceSource, file: string): IdentityProviderConfig {
  const { clientSecret, privateKey } = provider;
  const resolve = (key: string, text: string) => {
    // What the vault keeps is had when it is needed: the vault may start later, or be told it later.
    if (holdsVaultReference(text)) return text;
    const result = resolveReferences(text, source);
    const message = result.ok ? (key === 'privateKey' ? refusePrivateKey(result.text) : undefined) : result.message;
    if (message !== undefined) throw new ConfigError([{ file, path: `identity (${provider.name}).${key}`, message }]);
    return result.ok ? result.text : '';
  };
  return {
    ...provider,
    ...(clientSecret === undefined ? {} : { clientSecret: resolve('clientSecret', clientSecret) }),
    ...(privateKey === undefined ? {} : { privateKey: resolve('privateKey', privateKey) }),
  };
}

/** Why a text is no key that the gateway can show itself with; undefined where it is one. */
export function refusePrivateKey(pem: string): string | undefined {
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPrivateKey(pem);
    if (type === 'rsa' || (type === 'ec' && details?.namedCurve === 'prime256v1')) return undefined;
  } catch {
    // What is wrong with it says the sentence below; the error would quote it.
  }
  return 'is not a private key that can be used. Give a P-256 or RSA key as PEM (PKCS #8).';
}
