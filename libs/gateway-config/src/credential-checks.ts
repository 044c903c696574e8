import { clientCredentialsProblems } from './client-credentials.js';
import type { ParsedCredential } from './credential-schema.js';
import { refuseHeaderName, refuseHeaderValue } from './header-checks.js';
import { idJagProblems } from './id-jag.js';
import { oauthProblems } from './oauth-credential.js';
import type { PlacedProblem } from './placed-problem.js';
import { tokenExchangeProblems } from './token-exchange.js';
import { userKeyProblems } from './user-key-credential.js';
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
type Given = { readonly username?: string | undefined; readonly password?: string | undefined };

const AUTHORIZATION = { name: 'Authorization', path: ['type'] };

/** One for all, or one for each team. */
function either(given: object, perTeam: object | undefined, keys: readonly string[]): PlacedProblem[] {
  const stands = keys.filter((key) => (given as Record<string, unknown>)[key] !== undefined);
  const [first = ''] = stands;
  if (perTeam !== undefined && stands.length > 0)
    return [{ path: [first], message: 'cannot stand beside perTeam. Keep one of them.' }];
  if (perTeam !== undefined && Object.keys(perTeam).length === 0)
    return [{ path: ['perTeam'], message: 'names no team. Name one, or remove it.' }];
  const missing = keys.filter((key) => !stands.includes(key));
  if (perTeam !== undefined || missing.length === 0) return [];
  return [{ path: [], message: `needs ${missing.join(' and ')}, or perTeam. Add it.` }];
}

const fieldsOf = (key: string, value: string | undefined, perTeam: Readonly<Record<string, string>> = {}): Text[] => [
  ...(value === undefined ? [] : [{ path: [key], text: value, secret: true, field: true }]),
  ...Object.entries(perTeam).map(([team, text]) => ({ path: ['perTeam', team], text, secret: true, field: true })),
];

const accountTexts = (path: readonly PropertyKey[], { username, password }: Given): Text[] => [
  ...(username === undefined ? [] : [{ path: [...path, 'username'], text: username, secret: false }]),
  ...(password === undefined ? [] : [{ path: [...path, 'password'], text: password, secret: true }]),
];

const colons = (path: readonly PropertyKey[], { username }: Given): PlacedProblem[] =>
  username?.replaceAll(/\$\{[^}]*\}/g, '').includes(':') === true
    ? [{ path: [...path, 'username'], message: 'cannot hold ":", which ends it (RFC 7617). Remove it.' }]
    : [];

/** Who the gateway is at an authorization server. */
const clientTexts = (given: Of<'client-credentials'> | Of<'token-exchange'> | Of<'id-jag'>): Text[] => [
  { path: ['clientId'], text: given.clientId, secret: false },
  ...(['clientSecret', 'privateKey'] as const).flatMap((key) => {
    const text = given[key];
    return text === undefined ? [] : [{ path: [key], text, secret: true }];
  }),
];

const ASPECTS: { readonly [Type in ParsedCredential['type']]: (given: Of<Type>, url: string) => Aspects } = {
  header: (given) => ({
    texts: fieldsOf('value', given.value, given.perTeam),
    writes: [{ name: given.name, path: ['name'] }],
    problems: either(given, given.perTeam, ['value']),
  }),
  bearer: (given) => ({
    texts: fieldsOf('token', given.token, given.perTeam),
    writes: [AUTHORIZATION],
    problems: either(given, given.perTeam, ['token']),
  }),
  basic: (given) => {
    const accounts: [PropertyKey[], Given][] = [
      [[], given],
      ...Object.entries(given.perTeam ?? {}).map(([team, own]): [PropertyKey[], Given] => [['perTeam', team], own]),
    ];
    return {
      texts: accounts.flatMap(([path, own]) => accountTexts(path, own)),
      writes: [AUTHORIZATION],
      problems: [
        ...either(given, given.perTeam, ['username', 'password']),
        ...accounts.flatMap(([path, own]) => colons(path, own)),
      ],
    };
  },
  'client-credentials': (given, url) => ({
    texts: [
      ...clientTexts(given),
      ...(given.assertionFile === undefined ? [] : [{ path: ['assertionFile'], text: given.assertionFile, secret: false }]),
    ],
    writes: [AUTHORIZATION],
    problems: clientCredentialsProblems(given, url),
  }),
  'token-exchange': (given, url) => ({
    texts: clientTexts(given),
    writes: [AUTHORIZATION],
    problems: tokenExchangeProblems(given, url),
  }),
  'id-jag': (given, url) => ({
    texts: clientTexts(given),
    writes: [AUTHORIZATION],
    problems: idJagProblems(given, url),
  }),
  'user-claims': ({ audience = '' }) => ({
    texts: [{ path: ['audience'], text: audience, secret: false }],
    writes: [],
    problems: [],
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
  'user-key': (given, url) => ({
    texts: [],
    writes: [{ name: given.name, path: ['name'] }],
    problems: userKeyProblems(given, url),
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
