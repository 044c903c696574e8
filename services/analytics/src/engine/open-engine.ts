import type { EngineConfig } from '../config.js';
import { EmbeddedEngine } from './embedded-engine.js';
import type { Engine } from './engine.js';
import { HttpEngine } from './http-engine.js';

/** Opens the engine that the configuration names. @throws EngineError */
export function openEngine(config: EngineConfig): Promise<Engine> {
  return config.kind === 'http' ? HttpEngine.open(config) : EmbeddedEngine.open(config.path);
}
