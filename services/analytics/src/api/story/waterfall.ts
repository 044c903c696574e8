import type { EventView, StoryStep } from '@switchyard/contracts';

/** A stretch of time, before it is known when the story begins. */
type Stretch = Omit<StoryStep, 'start_us'> & { readonly startUs: number; readonly order: number };

/** Where a story begins, how long it is, and what took time in it. */
export interface Waterfall {
  readonly startedAtMs: number;
  readonly durationUs: number;
  readonly steps: readonly StoryStep[];
}

/** Stages at the end of an exchange, whose place is known from there; all others come before them, one behind the other. */
const CLOSING = ['upstream', 'render'] as const;

/** Lays out when what took time. An event is recorded at the end of what it tells, so its beginning is its time less its duration. */
export function waterfallOf(events: readonly EventView[]): Waterfall {
  const stretches = events.flatMap(stretchesOf);
  const startUs = Math.min(...stretches.map((stretch) => stretch.startUs));
  const endUs = Math.max(...stretches.map((stretch) => stretch.startUs + stretch.duration_us));
  const steps = stretches
    .map(({ startUs: at, order: _order, ...step }) => ({ ...step, start_us: at - startUs }))
    .sort((a, b) => RANK[a.kind] - RANK[b.kind] || a.start_us - b.start_us);
  return { startedAtMs: Math.floor(startUs / 1000), durationUs: endUs - startUs, steps };
}

const RANK: Readonly<Record<StoryStep['kind'], number>> = { request: 0, stage: 1, hop: 2 };

function stretchesOf(event: EventView, order: number): Stretch[] {
  const isHop = event.type === 'proxy.hop';
  const durationUs = (isHop ? event.upstream_us : event.duration_us) ?? 0;
  const startUs = Date.parse(event.occurred_at) * 1000 - durationUs;
  const whole: Stretch = {
    event_id: event.event_id,
    label: labelOf(event),
    kind: isHop ? 'hop' : 'request',
    startUs,
    duration_us: durationUs,
    order,
    ...(event.outcome === undefined ? {} : { outcome: event.outcome }),
  };
  return [whole, ...stagesOf(event, whole)];
}

function stagesOf(
  { event_id, stage_us: stages = {} }: EventView,
  { startUs, duration_us: durationUs, order }: Stretch,
): Stretch[] {
  const closingUs = CLOSING.reduce((sum, stage) => sum + (stages[stage] ?? 0), 0);
  const opening = Object.keys(stages).filter((stage) => !(CLOSING as readonly string[]).includes(stage));
  const closingAtUs = startUs + Math.max(0, durationUs - closingUs);
  const laid = (names: readonly string[], fromUs: number) => {
    let atUs = fromUs;
    return names.flatMap((label): Stretch[] => {
      const tookUs = stages[label] ?? 0;
      const stretch: Stretch = { event_id, label, kind: 'stage', startUs: atUs, duration_us: tookUs, order };
      atUs += tookUs;
      return tookUs === 0 ? [] : [stretch];
    });
  };
  return [...laid(opening, startUs), ...laid(CLOSING, closingAtUs)];
}

function labelOf({ type, method, upstream, capability, upstream_capability: asked, attempt = 1 }: EventView): string {
  if (type !== 'proxy.hop') return [method ?? type, capability].filter(Boolean).join(' ');
  const named = [upstream, method, asked].filter(Boolean).join(' ');
  return attempt > 1 ? `${named} (attempt ${attempt})` : named;
}
