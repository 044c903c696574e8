/** What a receiver that could not be asked is said to be, by the code or the name of the error: one row each. */
const REASONS: Readonly<Record<string, string>> = {
  EgressBlocked: 'address_not_allowed',
  ENOTFOUND: 'name_unknown',
  EAI_AGAIN: 'name_unknown',
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_cut',
  UND_ERR_SOCKET: 'connection_cut',
  EPIPE: 'connection_cut',
  EHOSTUNREACH: 'no_route',
  ENETUNREACH: 'no_route',
  ETIMEDOUT: 'no_answer_in_time',
  UND_ERR_CONNECT_TIMEOUT: 'no_answer_in_time',
  TimeoutError: 'no_answer_in_time',
  CERT_HAS_EXPIRED: 'certificate_expired',
  CERT_NOT_YET_VALID: 'certificate_expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate_not_trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate_not_trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate_not_trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate_not_trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate_not_trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate_of_another',
  ERR_SSL_WRONG_VERSION_NUMBER: 'no_tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'no_tls',
  ENOSPC: 'disk_full',
  EACCES: 'not_permitted',
  EPERM: 'not_permitted',
  EROFS: 'not_permitted',
  ENOTDIR: 'no_folder',
  EEXIST: 'no_folder',
};
const MOST_CAUSES = 8;

interface Failure {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
  /** Of an AggregateError: one for each address of a name. */
  readonly errors?: readonly unknown[];
}

/** Why nothing was answered, as far as whoever configured it can do something about it: of what caused the error, the innermost known. */
export function whyUnreachable(error: unknown): string {
  let reason = 'unreachable';
  let cause = error;
  for (let depth = 0; depth < MOST_CAUSES && typeof cause === 'object' && cause !== null; depth += 1) {
    const failure: Failure = cause;
    reason = REASONS[String(failure.code)] ?? REASONS[String(failure.name)] ?? reason;
    cause = failure.errors?.[0] ?? failure.cause;
  }
  return reason;
}
