/** What an upstream says when it wants a token (RFC 6750 §3, RFC 9728 §5.1). */
export interface Challenge {
  /** Where its metadata are. */
  readonly resourceMetadata?: string;
  /** Scopes that the operation needs. */
  readonly scopes?: readonly string[];
}

const PARAMETER = /([a-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi;

/** Reads the Bearer challenge in a WWW-Authenticate field; other schemes say nothing here. */
export function readChallenge(field: string | null): Challenge {
  const at = field?.search(/(^|,\s*)bearer(\s|$)/i) ?? -1;
  if (field === null || at < 0) return {};
  const found = new Map<string, string>();
  // The parameters of a scheme that follows would be another challenge's: what is said first counts.
  for (const [, name = '', quoted, plain] of field.slice(at).matchAll(PARAMETER)) {
    const key = name.toLowerCase();
    if (!found.has(key)) found.set(key, quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
  }
  const [resourceMetadata, scope] = [found.get('resource_metadata'), found.get('scope')];
  const scopes = scopesOf(scope);
  return { ...(resourceMetadata && { resourceMetadata }), ...(scopes.length > 0 && { scopes }) };
}

/** Scopes of a `scope` value (RFC 6749 §3.3), each once. */
export function scopesOf(scope: unknown): string[] {
  return typeof scope === 'string' ? [...new Set(scope.split(' ').filter((one) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(one)))] : [];
}
