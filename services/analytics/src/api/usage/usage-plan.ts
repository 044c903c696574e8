/** From one instant to another, which is not in it; milliseconds since 1970. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Which part of a time is asked of what. Parts do not overlap, and together are all of it. */
export interface UsagePlan {
  readonly days: readonly Span[];
  readonly minutes: readonly Span[];
  readonly events: readonly Span[];
}

/** A table of counts that can answer a question. */
export interface Countable {
  readonly bucketMs: number;
  /** Beginnings of buckets that have events which may not be counted yet. */
  readonly uncounted: ReadonlySet<number>;
}

/** More conditions than that are no help to the database. */
const SPANS_LIMIT = 40;

/**
 * Splits a time: whole days that are counted, whole minutes that are, and events themselves for the rest.
 * @param days undefined where counts by day cannot answer
 * @param minutes undefined where counts by minute cannot answer
 */
export function planUsage(whole: Span, days: Countable | undefined, minutes: Countable | undefined): UsagePlan {
  const byDay = taken([whole], days);
  const byMinute = taken(byDay.rest, minutes);
  return { days: byDay.counted, minutes: byMinute.counted, events: byMinute.rest };
}

function taken(spans: readonly Span[], table: Countable | undefined): { readonly counted: Span[]; readonly rest: Span[] } {
  if (table === undefined) return { counted: [], rest: [...spans] };
  const counted = spans.flatMap((span) => countedIn(span, table));
  return { counted, rest: without(spans, counted) };
}

/** Whole buckets of a span that are counted. */
function countedIn({ fromMs, toMs }: Span, { bucketMs, uncounted }: Countable): Span[] {
  const whole = { fromMs: Math.ceil(fromMs / bucketMs) * bucketMs, toMs: Math.floor(toMs / bucketMs) * bucketMs };
  if (whole.fromMs >= whole.toMs) return [];
  const starts = [...uncounted].filter((start) => start >= whole.fromMs && start < whole.toMs).sort((a, b) => a - b);
  const holes = joined(starts.map((start) => ({ fromMs: start, toMs: start + bucketMs })));
  const few = holes.length <= SPANS_LIMIT ? holes : [{ fromMs: holes[0]?.fromMs ?? 0, toMs: holes.at(-1)?.toMs ?? 0 }];
  return without([whole], few);
}

/** Puts neighbours together. @param sorted by their beginning */
function joined(sorted: readonly Span[]): Span[] {
  const spans: { fromMs: number; toMs: number }[] = [];
  for (const { fromMs, toMs } of sorted) {
    const last = spans.at(-1);
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
    else spans.push({ fromMs, toMs });
  }
  return spans;
}

/** What is in some spans and in none of the holes, which are sorted. */
function without(spans: readonly Span[], holes: readonly Span[]): Span[] {
  return spans.flatMap((span) => {
    const left: Span[] = [];
    let fromMs = span.fromMs;
    for (const hole of holes) {
      if (hole.toMs <= fromMs || hole.fromMs >= span.toMs) continue;
      if (hole.fromMs > fromMs) left.push({ fromMs, toMs: hole.fromMs });
      fromMs = hole.toMs;
    }
    return fromMs < span.toMs ? [...left, { fromMs, toMs: span.toMs }] : left;
  });
}
