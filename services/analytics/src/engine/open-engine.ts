import type { EngineConfig } from '../config.js';
import type { Engine } from './engine.js';
import { HttpEngine } from './http-engine.js';

/** Opens the engine that the configuration names. @throws EngineError */
export async function openEngine(config: EngineConfig): Promise<Engine> {
  if (config.kind === 'http') return HttpEngine.open(config);
  // Only here, because half a gigabyte comes with it, and installations that have a server leave that out.
  const { EmbeddedEngine } = await import('./embedded-engine.js');
  return EmbeddedEngine.open(config.path);
}
