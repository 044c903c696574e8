/** Legacy: revisions with `initialize`. Modern: 2026-07-28 on, stateless. */
export type Era = 'legacy' | 'modern';

/** Revisions with a handshake, newest first. Kept apart from the modern ones, so that none of those is ever offered in `initialize`. */
export const LEGACY_REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;

/** Revisions in which every request describes itself, newest first. */
export const MODERN_REVISIONS = ['2026-07-28'] as const;

const FIRST_MODERN_REVISION = '2026-07-28';
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Whether a revision, known or not, belongs to the modern era: revisions are dates, and dates sort as text. */
export function isModern(revision: string): boolean {
  return DATE.test(revision) && revision >= FIRST_MODERN_REVISION;
}

/** Whether the gateway speaks this modern revision. */
export function isServedModern(revision: string): boolean {
  return MODERN_REVISIONS.some((known) => known === revision);
}

/** Whether the gateway speaks this legacy revision. */
export function isServedLegacy(revision: string): boolean {
  return LEGACY_REVISIONS.some((known) => known === revision);
}

/**
 * The revision to answer `initialize` with: the one asked for where it is legacy and known, else the newest legacy one
 * (MCP 2025-11-25, "Version Negotiation"), even where a modern one was asked for.
 */
export function negotiateLegacy(requested: string | undefined): string {
  return requested !== undefined && isServedLegacy(requested) ? requested : LEGACY_REVISIONS[0];
}
