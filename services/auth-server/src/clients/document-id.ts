const LIMIT_CHARACTERS = 2_048;

/**
 * Whether a client id is the address of a client's own description (OAuth Client ID Metadata Document, draft-00 §3): an https URL with a
 * path, without user, password, fragment, query or dot segments, in the one spelling that URLs are compared in.
 */
export function isDocumentId(clientId: string): boolean {
  if (!clientId.startsWith('https://') || clientId.length > LIMIT_CHARACTERS) return false;
  const url = URL.parse(clientId);
  // Dot segments, capitals in the host, a default port and backslashes do not survive parsing; an empty path becomes a slash.
  if (url === null || url.href !== clientId || url.pathname === '/') return false;
  return url.username === '' && url.password === '' && !/[?#]/.test(clientId) && !/%2e/i.test(url.pathname);
}

/** Whether a client id is meant to be the address of a description, right or wrong. */
export function looksLikeDocumentId(clientId: string): boolean {
  return /^https?:/i.test(clientId);
}
