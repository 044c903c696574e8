/**
 * Writes the state of a listing as an opaque cursor. Whoever holds it can read and change it: put nothing secret in, and validate what
 * comes back (MCP 2026-07-28, "Pagination").
 */
export function encodeCursor(state: object): string {
  return Buffer.from(JSON.stringify(state)).toString('base64url');
}

/** Reads a cursor. Returns undefined for what `encodeCursor` cannot have written; the caller validates the rest. */
export function decodeCursor(text: string): unknown {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) return undefined;
  try {
    const state: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof state === 'object' && state !== null ? state : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
