/** Scope of everything that its holder may do at the server; holds those of the kinds. */
export const MCP_SCOPE = 'mcp';

/** Scope of the gateway's own API: to see and end what one is signed in to. */
export const ACCOUNT_SCOPE = 'account';

/** What scopes tell apart. */
export type ScopedKind = 'tool' | 'prompt' | 'resource';

/** Scopes of one kind of capability each. */
export const KIND_SCOPES: Readonly<Record<ScopedKind, string>> = {
  tool: 'mcp:tools',
  prompt: 'mcp:prompts',
  resource: 'mcp:resources',
};

/** Scopes that there are at every server, widest first. */
export const MCP_SCOPES: readonly string[] = [MCP_SCOPE, ...Object.values(KIND_SCOPES)];

/** Name of a scope that stands guard over some capabilities of one server. */
export const guardScope = (slug: string, name: string) => `${MCP_SCOPE}:${slug}:${name}`;

/**
 * The scopes that a request settles on: what it asks for of what there is, without what a wider one holds; everything usual where it asks for
 * nothing of it, as most clients do (RFC 6749 §3.3).
 * @param asked separated by spaces
 * @param offered scopes of the server beside those that there are everywhere
 */
export function settleScopes(asked: string, offered: ReadonlySet<string>): string[] {
  const wanted = [...new Set(asked.split(' '))].filter((name) => MCP_SCOPES.includes(name) || offered.has(name));
  if (wanted.length === 0) return [MCP_SCOPE];
  const isHeld = (name: string) => name !== MCP_SCOPE && MCP_SCOPES.includes(name);
  return wanted.includes(MCP_SCOPE) ? wanted.filter((name) => !isHeld(name)) : wanted;
}
