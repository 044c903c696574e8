import type { Reason } from '../ladder.js';
import { Refusal } from '../refusal.js';

/** A certificate or a TLS handshake that is not in order, by the codes of Node.js and OpenSSL. */
const TLS = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO)/;
/** Bytes that are not HTTP, or not the response that their header section announced. */
const NOT_HTTP = 'INVALID_RESPONSE';

/** What is known of a request that has failed. */
export interface HttpFailure {
  readonly upstream: string;
  readonly error: Error;
  /** Whether the header section of a response had come. */
  readonly hadBegun: boolean;
  readonly timeoutMs: number;
}

/** Why a request that did not get a whole response is refused. */
export function httpFailure({ upstream, error, hadBegun, timeoutMs }: HttpFailure): Refusal {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const refuse = (reason: Reason, what: string) => new Refusal(reason, `${upstream} ${what}.`, { upstream });
  if (code === 'RESPONSE_TIMEOUT') return refuse('upstream_timeout', `did not answer within ${timeoutMs} ms`);
  if (code === 'EgressBlocked')
    return refuse(
      'upstream_unavailable',
      'is at an address that the gateway may not reach; its administrators can allow that under egress.allow',
    );
  if (TLS.test(code)) return refuse('upstream_invalid', `has no TLS certificate that can be trusted (${code})`);
  if (code === NOT_HTTP) return refuse('upstream_invalid', `answered with something that is not proper HTTP: ${error.message}`);
  if (hadBegun) return refuse('upstream_invalid', `broke off in the middle of its answer (${code})`);
  return refuse('upstream_unavailable', `could not be reached (${code})`);
}
