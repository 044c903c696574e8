import type { KekConfig } from './kek-schema.js';

/** Something about the key-encryption key that cannot be, or is not safe. */
export interface KekProblem {
  /** Within `kek`. */
  readonly path: readonly string[];
  readonly message: string;
}

const localKeyInProduction =
  'is a key file on the local disk, which production does not take: whoever copies the disk has the key and what it protects. ' +
  'Use a key management service (transit, awsKms or gcpKms), or say `profile: development`.';
const clearText =
  'is http, so whoever is on the network between sees data keys and tokens, which production does not take. Use https, or an agent on localhost.';

const kinds = ['file', 'transit', 'awsKms', 'gcpKms'] as const;
const isLoopback = (host: string) => host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);

function givenOf(options: object | undefined): string[] {
  return Object.entries(options ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [name]));
}

/** Exactly one of several keys. */
function oneOf(path: readonly string[], names: readonly string[], options: object | undefined): KekProblem[] {
  const given = givenOf(options).filter((name) => names.includes(name));
  if (given.length === 1) return [];
  if (given.length === 0) return [{ path, message: `says none of ${names.join(', ')}. Add one of them.` }];
  return given.slice(1).map((name) => ({
    path: [...path, name],
    message: `stands beside ${given[0]}, but there can be only one of ${names.join(', ')}. Remove all but one.`,
  }));
}

function clearTextIn(path: readonly string[], url: string | undefined): KekProblem[] {
  if (url === undefined || !url.startsWith('http:') || isLoopback(new URL(url).hostname)) return [];
  return [{ path, message: clearText }];
}

function combinations(kek: KekConfig): KekProblem[] {
  const { transit, awsKms, gcpKms } = kek;
  return [
    ...oneOf([], kinds, kek),
    ...(kek.createIfMissing && kek.file === undefined
      ? [{ path: ['createIfMissing'], message: 'is for `file` alone; key services make their keys themselves. Remove it.' }]
      : []),
    ...(transit ? oneOf(['transit', 'auth'], ['token', 'appRole', 'kubernetes'], transit.auth) : []),
    ...(awsKms ? oneOf(['awsKms', 'credentials'], ['accessKey', 'webIdentity', 'container'], awsKms.credentials) : []),
    ...(gcpKms ? oneOf(['gcpKms', 'credentials'], ['serviceAccountFile', 'metadataServer'], gcpKms.credentials) : []),
  ];
}

// The endpoints for containers and machines (169.254.…, metadata.google.internal) are http by design, and on the machine itself.
function unsafe({ file, transit, awsKms, gcpKms }: KekConfig): KekProblem[] {
  return [
    ...(file === undefined ? [] : [{ path: ['file'], message: localKeyInProduction }]),
    ...clearTextIn(['transit', 'address'], transit?.address),
    ...clearTextIn(['awsKms', 'endpoint'], awsKms?.endpoint),
    ...clearTextIn(['awsKms', 'credentials', 'webIdentity', 'stsEndpoint'], awsKms?.credentials.webIdentity?.stsEndpoint),
    ...clearTextIn(['gcpKms', 'endpoint'], gcpKms?.endpoint),
  ];
}

/** Everything that is wrong with a key-encryption key as a whole. */
export function kekProblems(kek: KekConfig, profile: 'development' | 'production'): KekProblem[] {
  return [...combinations(kek), ...(profile === 'production' ? unsafe(kek) : [])];
}
