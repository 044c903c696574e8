import { z } from 'zod';

/** Place in the bucket `emitters` of how far a boot of an emitter is. Names of emitters have no slash. */
export const emitterProgressKey = (emitter: string, epoch: number): string => `progress/${emitter}/${epoch}`;

/** How far a boot of an emitter says that it is. */
export const emitterProgress = z.object({
  /** Sequence of the last event that it has recorded. */
  written: z.int().min(0),
  /** Sequence up to which the stream has confirmed all of them. */
  forwarded: z.int().min(0),
  /** When it said so, milliseconds since 1970, by its own clock. */
  at_ms: z.number(),
  /** Bytes that wait in the spool, of all boots. */
  waiting_bytes: z.int().min(0).optional(),
  /** When the oldest event that waits was recorded, milliseconds since 1970; absent where none waits. */
  oldest_at_ms: z.number().optional(),
});
export type EmitterProgress = z.infer<typeof emitterProgress>;

/** Reads such a key. @returns undefined where it is none */
export function parseEmitterProgressKey(key: string): { readonly emitter: string; readonly epoch: number } | undefined {
  const match = /^progress\/([^/]+)\/(\d+)$/.exec(key);
  return match?.[1] === undefined ? undefined : { emitter: match[1], epoch: Number(match[2]) };
}
