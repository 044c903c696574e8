import type { ParsedCredential } from './credential-schema.js';
import { refuseHeaderName, refuseHeaderValue } from './header-checks.js';
import { oauthProblems } from './oauth-credential.js';
import type { PlacedProblem } from './placed-problem.js';
import { HOW_TO_REFERENCE, holdsReference, unknownReferences } from './secret-reference.js';

/** A text of a credential: where it stands, and what is asked of it. */
interface Text {
  readonly path: readonly PropertyKey[];
  readonly text: string;
  /** A secret has to be a reference; other texts may hold one. */
  readonly secret: boolean;
  /** Whether it goes into a header field as it is. */
  readonly field?: boolean;
}

/** What there is to check of a credential. */
interface Aspects {
  readonly texts: readonly Text[];
  /** Header fields that it writes, and where their names stand. */
  readonly writes: readonly { readonly name: string; readonly path: readonly PropertyKey[] }[];
  readonly problems: readonly PlacedProblem[];
}

type Of<Type extends ParsedCredential['type']> = Extract<ParsedCredential, { readonly type: Type }>;

const AUTHORIZATION = { name: 'Authorization', path: ['type'] };

const fieldsOf = (key: string, text: string): Text[] => [{ path: [key], text, secret: true, field: true }];

const colons = (username: string): PlacedProblem[] =>
  username.replaceAll(/\$\{[^}]*\}/g, '').includes(':')
    ? [{ path: ['username'], message: 'cannot hold ":", which ends it (RFC 7617). Remove it.' }]
    : [];

const ASPECTS: { readonly [Type in ParsedCredential['type']]: (given: Of<Type>, url: string) => Aspects } = {
  header: ({ name, value }) => ({ texts: fieldsOf('value', value), writes: [{ name, path: ['name'] }], problems: [] }),
  bearer: ({ token }) => ({ texts: fieldsOf('token', token), writes: [AUTHORIZATION], problems: [] }),
  basic: ({ username, password }) => ({
    texts: [
      { path: ['username'], text: username, secret: false },
      { path: ['password'], text: password, secret: true },
    ],
    writes: [AUTHORIZATION],
    problems: colons(username),
  }),
  mtls: ({ certificate, key }, url) => ({
    texts: [
      { path: ['certificate'], text: certificate, secret: true },
      { path: ['key'], text: key, secret: true },
    ],
    writes: [],
    problems: url.startsWith('https:')
      ? []
      : [{ path: ['type'], message: 'is shown in the TLS handshake, so url has to begin with https. Correct url.' }],
  }),
  oauth: (given, url) => ({
    texts: [
      ...(given.clientId === undefined ? [] : [{ path: ['clientId'], text: given.clientId, secret: false }]),
      ...(given.clientSecret === undefined ? [] : [{ path: ['clientSecret'], text: given.clientSecret, secret: true }]),
    ],
    writes: [AUTHORIZATION],
    problems: oauthProblems(given, url),
  }),
};

/** Everything about an upstream's credential that its shape alone does not say. @param headers those that are sent beside it */
export function findCredentialProblems(
  given: ParsedCredential,
  url: string,
  headers: Readonly<Record<string, string>>,
): PlacedProblem[] {
  const aspectsOf = ASPECTS[given.type] as (credential: ParsedCredential, url: string) => Aspects;
  const { texts, writes, problems } = aspectsOf(given, url);
  const below = ({ path, message }: PlacedProblem) => ({ path: ['credential', ...path], message });
  const twice = writes.flatMap(({ name }) =>
    Object.keys(headers)
      .filter((header) => header.toLowerCase() === name.toLowerCase())
      .map((header) => ({ path: ['headers', header], message: 'is also what credential sends. Keep one of them.' })),
  );
  if (twice.length > 0) return twice;
  const unwritable = writes.flatMap(({ name, path }) => {
    const message = refuseHeaderName(name);
    return message === undefined ? [] : [{ path: [...path], message }];
  });
  return [...problems, ...unwritable, ...texts.flatMap(textProblems)].map(below);
}

function textProblems({ path, text, secret, field = false }: Text): PlacedProblem[] {
  const problem = (message: string) => [{ path: [...path], message }];
  const refused = field ? refuseHeaderValue(text) : undefined;
  if (refused !== undefined) return problem(refused);
  const unknown = unknownReferences(text)[0];
  if (unknown !== undefined) return problem(`${unknown} is not a reference. ${HOW_TO_REFERENCE}.`);
  return secret && !holdsReference(text) ? problem(`is a secret in clear text. ${HOW_TO_REFERENCE}.`) : [];
}
