import { REVISION_2024_11_05 } from './revisions/2024-11-05.js';
import { REVISION_2025_03_26 } from './revisions/2025-03-26.js';
import { REVISION_2025_06_18 } from './revisions/2025-06-18.js';
import { REVISION_2025_11_25 } from './revisions/2025-11-25.js';
import { REVISION_2026_07_28 } from './revisions/2026-07-28.js';
import type { RevisionTable } from './revisions/revision-table.js';

const LEGACY_TABLES = [REVISION_2025_11_25, REVISION_2025_06_18, REVISION_2025_03_26, REVISION_2024_11_05] as const;
const MODERN_TABLES = [REVISION_2026_07_28] as const;

/** What each revision that the gateway speaks has, newest first. */
export const REVISION_TABLES: readonly RevisionTable[] = [...MODERN_TABLES, ...LEGACY_TABLES];

/** Revisions with a handshake, newest first. Kept apart from the modern ones, so that none of those is ever offered in `initialize`. */
export const LEGACY_REVISIONS: readonly string[] = LEGACY_TABLES.map(({ revision }) => revision);

/** Revisions in which every request describes itself, newest first. */
export const MODERN_REVISIONS: readonly string[] = MODERN_TABLES.map(({ revision }) => revision);

const FIRST_MODERN_REVISION = REVISION_2026_07_28.revision;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

const byRevision: ReadonlyMap<string, RevisionTable> = new Map(REVISION_TABLES.map((table) => [table.revision, table]));

/** What a revision has; undefined for one that the gateway does not speak. */
export function revisionOf(version: string): RevisionTable | undefined {
  return byRevision.get(version);
}

/** Whether a revision, known or not, belongs to the modern era: revisions are dates, and dates sort as text. */
export function isModern(revision: string): boolean {
  return DATE.test(revision) && revision >= FIRST_MODERN_REVISION;
}

/** Whether the gateway speaks this modern revision. */
export function isServedModern(revision: string): boolean {
  return byRevision.get(revision)?.era === 'modern';
}

/** Whether the gateway speaks this legacy revision. */
export function isServedLegacy(revision: string): boolean {
  return byRevision.get(revision)?.era === 'legacy';
}

/**
 * The revision to answer `initialize` with: the one asked for where it is legacy and known, else the newest legacy one
 * (MCP 2025-11-25, "Version Negotiation"), even where a modern one was asked for.
 */
export function negotiateLegacy(requested: string | undefined): string {
  return requested !== undefined && isServedLegacy(requested) ? requested : REVISION_2025_11_25.revision;
}
