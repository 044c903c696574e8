import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsConfig } from '@switchyard/gateway-config';
import { ConfigError, positionInText, readConfigFile } from '@switchyard/runtime';

/** What is wrong with a file that TLS needs. */
interface TlsProblem {
  /** Key of the configuration below `tls`. */
  readonly key: readonly string[];
  /** What is wrong, and how to fix it. */
  readonly message: string;
}

/** What a listener speaks TLS with. */
export type TlsFiles = Pick<SecureContextOptions, 'cert' | 'key' | 'minVersion'> & { readonly ca?: Buffer };

/** The files of a configuration, absolute. @param folder where relative paths start */
export function tlsPaths({ certificate, key, clientCertificates }: TlsConfig, folder: string) {
  const authorities = clientCertificates?.authorities;
  return {
    certificate: path.resolve(folder, certificate),
    key: path.resolve(folder, key),
    ...(authorities === undefined ? {} : { authorities: path.resolve(folder, authorities) }),
  };
}

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Reads and checks what a listener speaks TLS with. */
export async function readTlsFiles(config: TlsConfig, folder: string, now: number): Promise<TlsFiles | TlsProblem> {
  const paths = tlsPaths(config, folder);
  const cert = await readPem(paths.certificate, ['certificate']);
  const key = await readPem(paths.key, ['key']);
  const ca =
    paths.authorities === undefined ? undefined : await readPem(paths.authorities, ['clientCertificates', 'authorities']);
  for (const read of [cert, key, ca]) if (read !== undefined && !Buffer.isBuffer(read)) return read;
  const files = { cert: cert as Buffer, key: key as Buffer, minVersion: config.minVersion };
  return problemOf(files, ca as Buffer | undefined, now) ?? { ...files, ...(ca === undefined ? {} : { ca: ca as Buffer }) };
}

async function readPem(file: string, key: readonly string[]): Promise<Buffer | TlsProblem> {
  try {
    return await readFile(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    return { key, message: `${file} cannot be read (${code}). Create it, or let this process read it.` };
  }
}

function problemOf(
  { cert, key, minVersion }: { cert: Buffer; key: Buffer; minVersion: TlsConfig['minVersion'] },
  ca: Buffer | undefined,
  now: number,
): TlsProblem | undefined {
  const [certificate] = certificatesIn(cert);
  if (certificate === undefined)
    return { key: ['certificate'], message: 'holds no certificate. Give it as PEM, beginning with -----BEGIN CERTIFICATE-----.' };
  const privateKey = keyIn(key);
  if (privateKey === undefined)
    return { key: ['key'], message: 'holds no private key that can be read. Give it as PEM, not encrypted.' };
  if (!certificate.checkPrivateKey(privateKey))
    return { key: ['key'], message: 'is not the key of the certificate. Give the one that it was requested with.' };
  if (certificate.validToDate.getTime() < now)
    return { key: ['certificate'], message: `is over since ${certificate.validToDate.toISOString()}. Renew it.` };
  if (ca !== undefined && certificatesIn(ca).length === 0)
    return { key: ['clientCertificates', 'authorities'], message: 'holds no certificate. Give those of the authorities as PEM.' };
  try {
    createSecureContext({ cert, key, minVersion, ...(ca === undefined ? {} : { ca }) });
    return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    return {
      key: ['certificate'],
      message: `cannot be used for TLS (${code}). Give a certificate with a key that is strong enough.`,
    };
  }
}

function certificatesIn(pem: Buffer): X509Certificate[] {
  try {
    return (pem.toString('latin1').match(PEM) ?? []).map((text) => new X509Certificate(text));
  } catch {
    // The one way in which it fails: one of them is none.
    return [];
  }
}

function keyIn(pem: Buffer) {
  try {
    return createPrivateKey(pem);
  } catch {
    // What is wrong with it says the sentence above; the error would quote it.
    return undefined;
  }
}

const PLAIN: TlsProblem = {
  key: [],
  message: 'has the listener speak TLS, but gateway.publicUrl begins with http. Write https there, or remove this.',
};

/** The rest of the configuration, as far as TLS goes. */
export interface TlsPlace {
  readonly publicUrl: string;
  /** File that the configuration of TLS stands in, and the keys that lead to it there. */
  readonly tlsSource: { readonly file: string; readonly path: readonly string[] };
}

/**
 * Reads what a listener speaks TLS with, when it starts.
 * @throws ConfigError with the place of what is wrong
 */
export async function requireTlsFiles(config: TlsConfig, { publicUrl, tlsSource }: TlsPlace, now: number): Promise<TlsFiles> {
  const { file, path: keys } = tlsSource;
  const read = publicUrl.startsWith('http:') ? PLAIN : await readTlsFiles(config, path.dirname(path.resolve(file)), now);
  if (!('message' in read)) return read;
  const place = [...keys, ...read.key];
  const position = positionInText(readConfigFile(file), file, place);
  throw new ConfigError([{ file, position, path: place.join('.'), message: read.message }]);
}
