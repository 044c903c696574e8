/** From one instant to another, which is not in it; milliseconds since 1970. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Which part of a time is asked of what. Parts do not overlap, and together are all of it. */
export interface UsagePlan {
  /** Of each table of counts, in the order in which they were given. */
  readonly counted: readonly (readonly Span[])[];
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
 * Splits a time: each table has the whole buckets that it has counted and none before it has, and events themselves are asked for the rest.
 * @param tables those that can answer
 */
export function planUsage(whole: Span, tables: readonly Countable[]): UsagePlan {
  let rest: readonly Span[] = [whole];
  const counted = tables.map((table) => {
    const split = taken(rest, table);
    rest = split.rest;
    return split.counted;
  });
  return { counted, events: rest };
}

function taken(spans: readonly Span[], table: Countable): { readonly counted: Span[]; readonly rest: Span[] } {
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
