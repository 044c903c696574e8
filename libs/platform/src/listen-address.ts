import { z } from 'zod';

/**
 * Schema of where a service listens, with defaults.
 * @param what description of the listener
 */
export function listenAddress(host: string, port: number, what: string) {
  return z
    .strictObject({
      host: z.string().min(1).default(host).describe('Address that the listener binds to.'),
      port: z.int().min(0).max(65_535).default(port).describe('Port of the listener. 0 picks a free one.'),
    })
    .prefault({})
    .describe(what);
}
