import { KIND_SCOPES, MCP_SCOPE } from '@switchyard/oauth';
import { isAppPage } from '../app-resources.js';
import { type CallerScopes, KIND_BITS } from '../caller-scopes.js';
import type { CompiledSource } from '../catalog.js';
import type { NamedCapability } from '../names.js';
import { nameForRules } from './authorize.js';

/**
 * Whether a caller's token was given for this. Access rules have been asked before: a scope never grants what they do not.
 * @returns undefined where it was; else every scope that the operation needs, those that the caller has among them (RFC 6750 §3.1)
 */
export function scopesFor(
  { kinds, names }: CallerScopes,
  source: CompiledSource,
  capability: NamedCapability,
): readonly string[] | undefined {
  const hasKind = (kinds & bitsOf(capability)) !== 0;
  if (hasKind && (names === undefined || source.guards.length === 0)) return undefined;
  const { kind, name } = capability;
  const visibleName = nameForRules(kind, source, name);
  const guards = source.guards.filter(({ covers }) => covers[kind](visibleName)).map(({ scope }) => scope);
  if (hasKind && guards.every((scope) => names?.has(scope))) return undefined;
  return [names?.has(MCP_SCOPE) === true ? MCP_SCOPE : KIND_SCOPES[kind], ...guards];
}

/** The page of a tool (the extension "MCP Apps") goes with its tool. */
function bitsOf(capability: NamedCapability): number {
  const own = KIND_BITS[capability.kind];
  return isAppPage(capability) ? own | KIND_BITS.tool : own;
}
