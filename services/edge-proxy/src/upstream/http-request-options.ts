import { Refusal } from '../refusal.js';
import type { OutboundRequest, Renew, UpstreamMessage } from './link.js';
import type { UpstreamHttp } from './upstream-http.js';

/** What all requests to one upstream have in common. */
export interface HttpRequestOptions {
  readonly http: UpstreamHttp;
  readonly upstream: string;
  readonly url: URL;
  /** Longest message taken from an upstream. */
  readonly resultLimitBytes: number;
  /** Absent: a refused credential is refused. */
  readonly renew?: Renew | undefined;
  /** Answers what the upstream asks of us on the response's stream. */
  readonly onServerRequest: (request: OutboundRequest, message: UpstreamMessage, answered: () => void) => void;
  /** Sessions whose client is being asked on a stream other than a call's. */
  readonly asked?: ReadonlyMap<string, number>;
}

/** Tells the vault of a credential that came in the place of another and is refused too: whatever else it has is not tried. */
export const lastOf =
  (renew: Renew): Renew =>
  async (...refused) => {
    const other = await renew(...refused);
    return other instanceof Refusal ? other : undefined;
  };
