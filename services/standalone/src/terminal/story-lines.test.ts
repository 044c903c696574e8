import type { RequestStory } from '@switchyard/contracts';
import { storyLines } from './story-lines.js';

const hostile = 'ec\u001b[2Jho\u009b1A\u202e\r\nx';
const story: RequestStory = {
  request_id: 'r-1',
  started_at: '2026-01-31T23:59:00.000Z',
  duration_us: 60_000,
  events: [
    {
      event_id: 'edge-1/1/1',
      tenant: 'default',
      type: 'tool.called',
      occurred_at: '2026-01-31T23:59:00.060Z',
      emitter: 'edge-1',
      outcome: 'ok',
      principal_name: hostile,
      capability: hostile,
      duration_us: 60_000,
    },
  ],
  waterfall: [
    { event_id: 'edge-1/1/1', label: `tools/call ${hostile}`, kind: 'request', start_us: 0, duration_us: 60_000, outcome: 'ok' },
    { event_id: 'edge-1/1/1', label: 'upstream', kind: 'stage', start_us: 30_000, duration_us: 15_000 },
  ],
};

describe('a story on a terminal', () => {
  it('is aligned, with bars to scale', () => {
    const [, , head, , stage] = storyLines(story, undefined).slice(3);
    expect(stage).toMatch(/^ {2}upstream +30\.0 +15\.0 +█{8}$/u);
    expect(stage?.indexOf('█')).toBe((head?.length ?? 0) + 2 + 16);
  });

  it('D5 has nothing in it that a terminal obeys, whatever names are', () => {
    for (const line of storyLines(story, undefined)) expect(line).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u);
  });
});
