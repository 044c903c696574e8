/** Legacy: revisions with `initialize`. Modern: 2026-07-28 on, stateless. */
export type Era = 'legacy' | 'modern';
