import { EVENT_TYPES, OUTCOMES, SEVERITIES } from '@switchyard/contracts';
import { levelOf } from '../mappings/event-level.js';
import { logRecordsOf } from './otlp-record.js';

const NUMBERS = { informational: 9, low: 9, medium: 13, high: 17, critical: 21 };
const TEXTS: Readonly<Record<number, string>> = { 9: 'INFO', 13: 'WARN', 17: 'ERROR', 21: 'FATAL' };

const cases = EVENT_TYPES.flatMap((type) =>
  OUTCOMES.flatMap((outcome) => ['' as const, ...SEVERITIES].map((severity) => ({ type, outcome, severity }))),
);

describe('severities of log records', () => {
  it('are those of the level that every mapping takes, and at least ERROR of what failed', () => {
    const found = logRecordsOf(
      cases.map((event) => ({ event, text: '{}' }) as never),
      {},
    ).map(({ severityNumber, severityText }) => [severityNumber, severityText]);
    const expected = cases.map((event) => {
      const number = Math.max(NUMBERS[levelOf(event)], event.outcome === 'error' ? 17 : 0);
      return [number, TEXTS[number]];
    });
    expect(found).toEqual(expected);
  });

  it.each([
    ['a call that went well', 'tool.called', 'ok', '', 9],
    ['a denial', 'policy.denied', 'denied', '', 13],
    ['an end that nobody saw', 'tool.called', 'unknown', '', 13],
    ['a failure', 'tool.called', 'error', '', 17],
    ['a token that was used again', 'auth.grant_revoked', 'ok', 'high', 17],
    ['a failure that concerns security', 'connection.leased', 'error', 'critical', 21],
    ['all keys destroyed', 'vault.keys_destroyed', 'ok', '', 21],
  ])('%s', (_what, type, outcome, severity, number) => {
    expect(logRecordsOf([{ event: { type, outcome, severity }, text: '{}' } as never], {})[0]?.severityNumber).toBe(number);
  });
});
