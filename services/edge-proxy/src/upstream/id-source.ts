import { randomBytes } from 'node:crypto';

/**
 * Makes JSON-RPC ids for requests to upstreams, as JSON text. Ids of this process are told apart from those of every other by a
 * random start, because several edges may share one upstream session, in which an id is never used twice (MCP 2025-11-25, "Requests").
 */
export class IdSource {
  readonly #boot = randomBytes(6).toString('base64url');
  #last = 0;

  next(): string {
    this.#last += 1;
    return `"${this.#boot}-${this.#last}"`;
  }
}
