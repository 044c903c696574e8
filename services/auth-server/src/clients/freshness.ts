const SECOND_MS = 1_000;

/** Bounds for what a publisher asks for: shorter would make every refresh of a token fetch, longer would keep what was taken back. */
export const FRESH = { leastMs: 60 * SECOND_MS, unsaidMs: 3_600 * SECOND_MS, mostMs: 86_400 * SECOND_MS } as const;

/** Header fields of an answer, by name in lower case. */
export type AnswerFields = Readonly<Record<string, string | readonly string[] | undefined>>;

/** How long an answer may be used without asking again, in milliseconds (RFC 9111 §4.2, §5.2.2; for a private cache). */
export function freshForMs(fields: AnswerFields, nowMs: number): number {
  return Math.min(FRESH.mostMs, Math.max(FRESH.leastMs, saidMs(fields, nowMs)));
}

function saidMs(fields: AnswerFields, nowMs: number): number {
  const directives = textOf(fields['cache-control'])
    .toLowerCase()
    .split(',')
    .map((part) => part.trim());
  if (directives.some((name) => name === 'no-store' || name === 'no-cache')) return 0;
  const seconds = directives.map((part) => /^max-age="?(\d{1,10})"?$/.exec(part)?.[1]).find((value) => value !== undefined);
  const ageMs = (Number(textOf(fields['age'])) || 0) * SECOND_MS;
  if (seconds !== undefined) return Number(seconds) * SECOND_MS - ageMs;
  const expires = textOf(fields['expires']);
  if (expires === '') return FRESH.unsaidMs;
  // An invalid date is one in the past (§5.3).
  const [from, until] = [Date.parse(textOf(fields['date'])), Date.parse(expires)];
  return Number.isNaN(until) ? 0 : until - (Number.isNaN(from) ? nowMs : from) - ageMs;
}

const textOf = (value: AnswerFields[string]) => (value === undefined ? '' : [value].flat().join(','));
