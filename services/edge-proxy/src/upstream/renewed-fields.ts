import { Refusal } from '../refusal.js';
import { challengeOf } from './challenge.js';
import type { ShownForStream } from './http-event-stream.js';
import type { Renew } from './link.js';
import { outboundFields } from './outbound-fields.js';

/** What a request for a stream shows with the credential that there is by now, asked for when the upstream answers 401. */
export function renewedFields(
  request: Parameters<typeof outboundFields>[0] & Parameters<Renew>[0],
  upstream: string,
  renew: Renew,
) {
  return async (field: string | string[] | undefined): Promise<ShownForStream | undefined> => {
    const challenge = challengeOf(401, field);
    const credential = challenge && (await renew(request, upstream, challenge));
    if (credential === undefined || credential instanceof Refusal) return undefined;
    return { credential, fields: outboundFields({ ...request, credential }, 'stream') };
  };
}
