import { presetOf } from './identity-presets.js';
import type { ParsedIdentity, ParsedIdentityProvider } from './identity-section.js';
import { isLoopbackHost } from './loopback.js';
import { holdsReference, refuseMixedReferences, unknownReferences } from './secret-reference.js';
import type { PlacedProblem } from './placed-problem.js';

const WRITE = 'Write ${env:NAME}, ${file:PATH} or ${secret:NAME}';

/** Everything about the section `identity` that its shape alone does not say. */
export function findIdentityProblems({ mode, oidc, providers }: ParsedIdentity): PlacedProblem[] {
  if (oidc !== undefined && providers !== undefined)
    return [{ path: ['providers'], message: 'cannot stand beside identity.oidc. Move that one here, under a name of its own.' }];
  const given = Object.entries(providers ?? {}).map(([name, entry]) => ({ path: ['providers', name], entry }));
  if (oidc !== undefined) given.push({ path: ['oidc'], entry: oidc });
  if (mode === 'dev' && given.length > 0)
    return [{ path: ['mode'], message: 'is dev, so nobody would be sent to the identity provider below it. Write mode: oidc.' }];
  if (mode === 'oidc' && given.length === 0)
    return [
      {
        path: ['mode'],
        message: 'is oidc, but no identity provider is given. Add identity.oidc: { issuer, clientId, clientSecret }.',
      },
    ];
  return given.flatMap(({ path, entry }) =>
    providerProblems(entry).map((problem) => ({ ...problem, path: [...path, ...problem.path] })),
  );
}

function providerProblems(entry: ParsedIdentityProvider): PlacedProblem[] {
  const issuer = refuseIssuer(entry);
  return [
    ...(issuer === undefined ? [] : [{ path: ['issuer'], message: issuer }]),
    ...credentialProblems(entry),
    ...presetOf(entry.preset)
      .mustRequire.filter((claim) => entry.require[claim] === undefined)
      .map((claim) => ({
        path: ['require'],
        message: `does not say what ${claim} must be, so anybody with an account there could sign in. Add for example ${claim}: [example.com].`,
      })),
  ];
}

function refuseIssuer({ issuer, preset }: ParsedIdentityProvider): string | undefined {
  const { issuerExample, sharedIssuer } = presetOf(preset);
  const url = URL.parse(issuer);
  if (url === null || !/^https?:$/.test(url.protocol)) return `must be an https URL. Write for example ${issuerExample}.`;
  // OpenID Connect Discovery §4.1, Core §2: no query, no fragment.
  if (url.search !== '' || url.hash !== '' || url.username !== '')
    return `cannot hold a query, fragment or user. Write for example ${issuerExample}.`;
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) return `must use https. Write for example ${issuerExample}.`;
  if (issuer.includes('/.well-known/'))
    return `is the address of the discovery document. Write only the part before /.well-known/.`;
  if (sharedIssuer?.test(url.pathname))
    return `is shared by many organisations. Write the one of yours, for example ${issuerExample}.`;
  return undefined;
}

function credentialProblems({ clientSecret, privateKey, privateKeyId }: ParsedIdentityProvider): PlacedProblem[] {
  if (clientSecret === undefined && privateKey === undefined)
    return [{ path: [], message: `needs clientSecret or privateKey. ${WRITE} as its value.` }];
  if (clientSecret !== undefined && privateKey !== undefined)
    return [{ path: ['privateKey'], message: 'cannot stand beside clientSecret. Keep one of them.' }];
  if (privateKeyId !== undefined && privateKey === undefined)
    return [{ path: ['privateKeyId'], message: 'says nothing without privateKey. Remove it.' }];
  const [key, text] =
    clientSecret === undefined ? (['privateKey', privateKey ?? ''] as const) : (['clientSecret', clientSecret] as const);
  const message = refuseSecret(text);
  return message === undefined ? [] : [{ path: [key], message }];
}

function refuseSecret(text: string): string | undefined {
  const [unknown] = unknownReferences(text);
  if (unknown !== undefined) return `${unknown} is not a reference. ${WRITE}.`;
  if (!holdsReference(text)) return `is a secret in clear text. ${WRITE} instead.`;
  return refuseMixedReferences(text);
}
