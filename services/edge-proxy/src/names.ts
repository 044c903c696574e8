import { exposedName } from '@switchyard/mcp';
import type { CapabilityKind, CompiledSource } from './catalog.js';

/** A capability as its upstream names it. */
export interface NamedCapability {
  readonly kind: CapabilityKind;
  /** Tool or prompt name; for resources the URI. */
  readonly name: string;
}

/** Name under which a server offers an upstream's tool or prompt. Resources keep their URI. */
export function nameOnServer(source: CompiledSource, capability: NamedCapability): string {
  return capability.kind === 'resource' ? capability.name : exposedName(source.outerPrefix + source.prefix, capability.name);
}
