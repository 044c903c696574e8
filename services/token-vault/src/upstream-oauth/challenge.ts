/** Signatures of our proofs of possession (RFC 9449 §4.2). */
export const DPOP_ALGORITHM = 'ES256';

/** What an upstream says when it wants a token (RFC 6750 §3, RFC 9728 §5.1). */
export interface Challenge {
  /** Where its metadata are. */
  readonly resourceMetadata?: string;
  /** Scopes that the operation needs. */
  readonly scopes?: readonly string[];
  /** Whether it takes tokens that are bound to a key (RFC 9449 §7.1), and whether no others. Absent: it does not say. */
  readonly bound?: 'taken' | 'only';
}

const PARAMETER = /([a-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi;

const placeOf = (scheme: string, field: string) => field.search(new RegExp(`(^|,\\s*)${scheme}(\\s|,|$)`, 'i'));

/** Reads the Bearer and DPoP challenges in a WWW-Authenticate field; other schemes say nothing here. */
export function readChallenge(field: string | null): Challenge {
  if (field === null) return {};
  const [bearer, dpop] = [placeOf('bearer', field), placeOf('dpop', field)];
  const places = [bearer, dpop].filter((place) => place >= 0);
  if (places.length === 0) return {};
  const found = parametersFrom(field, Math.min(...places));
  const [resourceMetadata, scope] = [found.get('resource_metadata'), found.get('scope')];
  const scopes = scopesOf(scope);
  const algorithms = parametersFrom(field, dpop).get('algs')?.split(' ');
  const takesBound = dpop >= 0 && (algorithms === undefined || algorithms.includes(DPOP_ALGORITHM));
  return {
    ...(resourceMetadata && { resourceMetadata }),
    ...(scopes.length > 0 && { scopes }),
    ...(takesBound && { bound: bearer < 0 ? 'only' : 'taken' }),
  };
}

/** The parameters of a scheme that follows would be another challenge's: what is said first counts. */
function parametersFrom(field: string, place: number): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', quoted, plain] of field.slice(Math.max(0, place)).matchAll(PARAMETER)) {
    const key = name.toLowerCase();
    if (!found.has(key)) found.set(key, quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
  }
  return found;
}

/** Scopes of a `scope` value (RFC 6749 §3.3), each once. */
export function scopesOf(scope: unknown): string[] {
  return typeof scope === 'string' ? [...new Set(scope.split(' ').filter((one) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(one)))] : [];
}
