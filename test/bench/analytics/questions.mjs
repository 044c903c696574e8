// The questions that an audit trail is asked most, asked as the API asks them: by its own classes, within its limits.
import { exportEvents } from '../../../services/analytics/dist/api/export/export-events.js';
import { EXPORT_FORMATS } from '../../../services/analytics/dist/api/export/export-format.js';
import { tellStory } from '../../../services/analytics/dist/api/story/request-stories.js';
import { DAYS } from './generated-columns.mjs';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const all = { kind: 'all' };
const iso = (ms) => new Date(ms).toISOString();
/** Blueprint: one person's month. */
const PERSON_MONTH_MS = 200;
/** What people take for at once; of what they wait for, a few seconds. */
const AT_ONCE_MS = 1_000;
const busy = 'user10@example.com';
const quiet = 'user4000@example.com';

/**
 * @param firstMs when the first event happened
 * @param requestId of a call in the middle
 * @returns what is asked, of what, within which budget; `ask` resolves to how many rows the answer has
 */
export function questions({ firstMs, requestId }) {
  const endMs = firstMs + DAYS * DAY_MS;
  const last = (days) => ({ from: iso(endMs - days * DAY_MS), to: iso(endMs) });
  const middle = { from: iso(firstMs + 45 * DAY_MS), to: iso(firstMs + 75 * DAY_MS) };
  // An hour at noon on a Wednesday, as far as there is one: the busiest.
  const noon = firstMs + 45 * DAY_MS + 13 * HOUR_MS;
  const events = (query) => async (api) => (await api.trail.page(all, { limit: 100, ...query }, undefined)).events.length;
  const usage = (query) => async (api) => (await api.usage.figures(all, query)).rows.length;
  return [
    { name: 'the last 50 events', budgetMs: AT_ONCE_MS, ask: events({ limit: 50 }) },
    { name: "a busy person's month: newest 100", budgetMs: PERSON_MONTH_MS, ask: events({ principal: busy, ...middle }) },
    { name: "a quiet person's month: newest 100", budgetMs: PERSON_MONTH_MS, ask: events({ principal: quiet, ...middle }) },
    {
      name: "a busy person's month: by tool",
      budgetMs: PERSON_MONTH_MS,
      ask: usage({ principal: busy, group_by: ['capability'], ...middle }),
    },
    { name: 'a request id', budgetMs: AT_ONCE_MS, ask: events({ request_id: requestId }) },
    {
      name: 'a tool and an outcome, 7 days',
      budgetMs: AT_ONCE_MS,
      ask: events({ capability: 'tool_30', outcome: 'error', ...last(7) }),
    },
    {
      name: 'full text among errors, 30 days',
      budgetMs: AT_ONCE_MS,
      ask: events({ q: 'certificate', outcome: 'error', ...middle }),
    },
    { name: 'full text, 30 days', budgetMs: AT_ONCE_MS, ask: events({ q: '"hold-4711"', ...middle }) },
    {
      name: 'usage by team and day, 90 days',
      budgetMs: AT_ONCE_MS,
      ask: usage({ group_by: ['team'], interval: 'day', ...last(DAYS) }),
    },
    {
      name: 'p95 by server and hour, 24 hours',
      budgetMs: AT_ONCE_MS,
      ask: usage({ group_by: ['server'], interval: 'hour', from: iso(endMs - 31 * HOUR_MS), to: iso(endMs - 7 * HOUR_MS) }),
    },
    {
      name: 'top 10 tools, 30 days',
      budgetMs: AT_ONCE_MS,
      ask: async (api) => (await api.usage.top(all, { by: 'capability', measure: 'calls', limit: 10, ...middle })).rows.length,
    },
    {
      name: 'cost by team and month',
      budgetMs: AT_ONCE_MS,
      ask: async (api) => {
        const { months } = await api.usage.cost(all, { from: iso(firstMs).slice(0, 7), to: iso(endMs).slice(0, 7) });
        return months.reduce((sum, { teams }) => sum + teams.length, 0);
      },
    },
    {
      name: 'the story of a call',
      budgetMs: AT_ONCE_MS,
      ask: async (api) => (await tellStory(api.trail, all, requestId)).events.length,
    },
    {
      name: 'NDJSON of an hour',
      isLong: true,
      ask: async ({ trail }) => {
        const filters = { from: iso(noon), to: iso(noon + HOUR_MS) };
        const format = EXPORT_FORMATS.ndjson;
        const text = await exportEvents({
          trail,
          scope: all,
          filters,
          after: undefined,
          format,
          onFault: (error) => console.error(error),
        });
        let lines = 0;
        for await (const part of text) lines += part.split('\n').length - 1;
        return lines - 1;
      },
    },
  ];
}
