import { Egress, EgressBlocked, NO_FIELDS, withField, type EgressControl } from '@switchyard/egress';
import type { AnswerFields } from './freshness.js';

/** A whole answer to a GET. */
export interface SmallAnswer {
  readonly status: number;
  readonly fields: AnswerFields;
  readonly body: Buffer;
}

/** Why there is none. */
export type NoAnswer = 'address_not_allowed' | 'too_large' | 'too_slow' | 'unreachable';

/** What an anonymous stranger may make this server do: connect to these addresses, read so much, wait so long. */
export interface FetchLimits {
  /** CIDR ranges that may be reached although they are special-purpose. */
  readonly allowed: readonly string[];
  readonly limitBytes: number;
  /** For all of it: connecting, TLS, and the last byte. */
  readonly timeoutMs: number;
}

/**
 * Gets something small from an address that somebody unknown has given. Addresses are checked before anything is sent to them; redirects
 * are not followed. Nothing is kept of the connection: there is no end to the names that strangers can think of.
 */
export async function fetchSmall(url: URL, limits: FetchLimits): Promise<SmallAnswer | { readonly failed: NoAnswer }> {
  const egress = new Egress({ allowed: limits.allowed, connectTimeoutMs: limits.timeoutMs });
  try {
    return await get(egress, url, limits);
  } catch (error) {
    if (error instanceof GivenUp) return { failed: error.why };
    return { failed: error instanceof EgressBlocked ? 'address_not_allowed' : 'unreachable' };
  } finally {
    await egress.close();
  }
}

class GivenUp extends Error {
  override readonly name = 'GivenUp';
  readonly why: NoAnswer;

  constructor(why: NoAnswer) {
    super(why);
    this.why = why;
  }
}

const FIELDS = withField(withField(NO_FIELDS, 'accept', 'application/json'), 'accept-encoding', 'identity');

function get(egress: Egress, url: URL, { limitBytes, timeoutMs }: FetchLimits): Promise<SmallAnswer> {
  const answered = Promise.withResolvers<SmallAnswer>();
  const chunks: Buffer[] = [];
  let [status, fields, bytes]: [number, AnswerFields, number] = [0, {}, 0];
  let control: EgressControl | undefined;
  const giveUp = (why: NoAnswer) => {
    const error = new GivenUp(why);
    control?.abort(error);
    answered.reject(error);
  };
  const late = setTimeout(giveUp, timeoutMs, 'too_slow');
  const limits = { headersTimeoutMs: timeoutMs, bodyTimeoutMs: timeoutMs };
  egress.send(
    { url, method: 'GET', fields: FIELDS, ...limits },
    {
      start: (given) => (control = given),
      head: (code, headers) => {
        [status, fields] = [code, headers];
        if (Number(headers['content-length']) > limitBytes) giveUp('too_large');
      },
      data: (chunk) => {
        bytes += chunk.length;
        if (bytes > limitBytes) return giveUp('too_large');
        chunks.push(chunk);
      },
      end: () => answered.resolve({ status, fields, body: Buffer.concat(chunks) }),
      fail: answered.reject,
    },
  );
  return answered.promise.finally(() => clearTimeout(late));
}
