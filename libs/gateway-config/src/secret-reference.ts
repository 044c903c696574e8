const REFERENCE = /\$\{([^}]*)\}/g;
const ACCEPTED = /^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^\s].*|secret:[A-Za-z0-9][A-Za-z0-9_.-]{0,127})$/;
const KIND = /^(env|file|secret|input):/;

// Names whose values are secrets by convention: Authorization, Cookie, X-Api-Key, GITHUB_TOKEN, DB_PASSWORD and so on.
const SECRET_NAME =
  /^((proxy-)?authorization|cookie|apikey)$|(^|[-_])(x?-?api|access|auth|client|private)?(key|token|secret|password|passwd|credential|credentials|pat)s?$/i;
const SECRET_FLAG = /^--?(.*[-_])?(token|secret|password|passwd|pat|(api|access|auth|private)[-_]?key)$/i;

/** How to write a secret; the end of every refusal about one. */
export const HOW_TO_REFERENCE = 'Write ${env:NAME}, ${file:PATH} or ${secret:NAME} instead';

/** References in a text that are not `${env:NAME}`, `${file:PATH}` or `${secret:NAME}`. */
export function unknownReferences(text: string): string[] {
  return [...text.matchAll(REFERENCE)].filter(([, body]) => !ACCEPTED.test(body ?? '')).map(([whole]) => whole);
}

/** Whether a text holds a reference, usable or not, in a place where none is replaced. */
export function holdsReference(text: string): boolean {
  return [...text.matchAll(REFERENCE)].some(([, body]) => KIND.test(body ?? ''));
}

/** Whether a text holds a reference that only the token vault can resolve. */
export const holdsVaultReference = (text: string): boolean => text.includes('${secret:');

/** Why a text cannot be resolved in one place; undefined where it can. */
export const refuseMixedReferences = (text: string): string | undefined =>
  holdsVaultReference(text) && /\$\{(env|file):/.test(text)
    ? 'is resolved in two places: ${secret:NAME} by the token vault, ${env:NAME} and ${file:PATH} by the authorization server. Keep one kind.'
    : undefined;

/** Whether a text holds something written as a reference is, usable or not. */
export const holdsAnyReference = (text: string): boolean => text.search(REFERENCE) !== -1;

/** Why a value under this name cannot stand as written; undefined when it can. */
export function refuseSecretValue(name: string, value: string): string | undefined {
  const unknown = unknownReferences(value)[0];
  if (unknown) return `${unknown} is not a reference. ${HOW_TO_REFERENCE}.`;
  if (SECRET_NAME.test(name) && !holdsReference(value)) return `is a secret in clear text. ${HOW_TO_REFERENCE}.`;
  return undefined;
}

/** Index of the first argument that gives a secret in clear text, as in `--token abc` or `--api-key=abc`; -1 when none does. */
export function indexOfSecretArgument(args: readonly string[]): number {
  return args.findIndex((argument, index) => {
    const [flag, value] = argument.split(/=(.*)/s);
    if (value) return SECRET_FLAG.test(flag ?? '');
    return SECRET_FLAG.test(args[index - 1] ?? '') && !argument.startsWith('-');
  });
}
