import { KIND_SCOPES, MCP_SCOPE, type ScopedKind } from '@switchyard/oauth';

/** What a caller's token was given for. Found out once, when the token is verified. */
export interface CallerScopes {
  /** Kinds of capabilities, as bits. */
  readonly kinds: number;
  /** Every scope by name; undefined: no scope binds this caller. */
  readonly names: ReadonlySet<string> | undefined;
}

/** Each kind's bit. */
export const KIND_BITS: Readonly<Record<ScopedKind, number>> = { tool: 1, prompt: 2, resource: 4 };
const ALL_KINDS = 7;

/** Of an API key: it is made for servers, and cannot ask for more. */
export const UNBOUND: CallerScopes = { kinds: ALL_KINDS, names: undefined };

/** Of somebody who has not signed in: what nothing stands guard over. */
export const UNASKED: CallerScopes = { kinds: ALL_KINDS, names: new Set() };

/** Of a token. @param names its scopes */
export function tokenScopes(names: readonly string[]): CallerScopes {
  const kinds = (Object.keys(KIND_BITS) as ScopedKind[])
    .filter((kind) => names.includes(KIND_SCOPES[kind]))
    .reduce((bits, kind) => bits | KIND_BITS[kind], 0);
  return { kinds: names.includes(MCP_SCOPE) ? ALL_KINDS : kinds, names: new Set(names) };
}
