import type { Engine } from '../../../services/analytics/src/engine/engine.js';

/** Which events to make. */
export interface Generation {
  readonly rows: number;
  /** When the first one happens, milliseconds since 1970. */
  readonly firstMs: number;
  /** How many are there already. */
  readonly made: number;
}

export function generateEvents(
  engine: Pick<Engine, 'command'>,
  generation: Generation,
  onProgress: (made: number) => Promise<boolean>,
): Promise<void>;
