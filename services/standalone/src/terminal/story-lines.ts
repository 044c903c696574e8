import type { EventView, RequestStory, StoryStep } from '@switchyard/contracts';
import { oneLine, tableLines } from './table.js';

const BAR_CHARACTERS = 32;

/** A story as people read it: who and how it ended, then the waterfall, then the events. */
export function storyLines(story: RequestStory, widthCharacters: number | undefined): string[] {
  const width = { widthCharacters };
  const steps = [STEP_HEAD, ...story.waterfall.map((step) => stepRow(step, story.duration_us))];
  return [
    ...tableLines(
      facts(story).map(([name, value]) => [name, oneLine(value)]),
      width,
    ),
    '',
    ...tableLines(steps, width),
    '',
    ...tableLines([EVENT_HEAD, ...story.events.map(eventRow)], width),
    ...(story.truncated ? ['There are more events than are shown.'] : []),
  ];
}

function facts({ request_id, started_at, duration_us, events }: RequestStory): (readonly [string, string])[] {
  const own = events.findLast(({ duration_us: took }) => took !== undefined) ?? events.at(-1);
  const who = [own?.principal_name ?? own?.principal_subject, own?.on_behalf_of && `by ${own.on_behalf_of}`];
  const client = [own?.client_name, own?.client_version];
  const all: readonly (readonly [string, string | undefined])[] = [
    ['request', request_id],
    ['began', `${started_at}, ${milliseconds(duration_us)} ms`],
    ['outcome', [own?.outcome, own?.reason, own?.origin && `(${own.origin})`].filter(Boolean).join(' ')],
    ['who', who.filter(Boolean).join(' ')],
    ['client', client.filter(Boolean).join(' ')],
    ['server', own?.server],
    ['rule', own?.rule],
  ];
  return all.filter((fact): fact is readonly [string, string] => fact[1] !== undefined && fact[1] !== '');
}

const STEP_HEAD = ['WHAT', 'AT MS', 'MS', 'OUTCOME', ''];
const INDENT: Readonly<Record<StoryStep['kind'], string>> = { request: '', stage: '  ', hop: '  ' };

function stepRow({ label, kind, start_us, duration_us, outcome = '' }: StoryStep, wholeUs: number): string[] {
  const figures = [start_us, duration_us].map((us) => milliseconds(us).padStart(9));
  return [`${INDENT[kind]}${oneLine(label)}`, ...figures, oneLine(outcome), bar(start_us, duration_us, wholeUs)];
}

/** Where in the whole, and how much of it; at least one mark. */
function bar(startUs: number, durationUs: number, wholeUs: number): string {
  const scale = BAR_CHARACTERS / Math.max(wholeUs, 1);
  const from = Math.min(BAR_CHARACTERS - 1, Math.floor(startUs * scale));
  const long = Math.min(BAR_CHARACTERS - from, Math.max(1, Math.round(durationUs * scale)));
  return `${' '.repeat(from)}${'█'.repeat(long)}`;
}

const EVENT_HEAD = ['TIME', 'TYPE', 'OUTCOME', 'EMITTER', 'WHAT', 'REASON'];

function eventRow(event: EventView): string[] {
  const what = event.capability ?? event.upstream_capability ?? event.method ?? '';
  const cells = [
    event.occurred_at,
    event.type,
    event.outcome,
    event.emitter,
    [event.upstream, what].filter(Boolean).join(': '),
    event.reason,
  ];
  return cells.map((cell) => oneLine(cell ?? ''));
}

const milliseconds = (us: number) => (us / 1000).toFixed(1);
