import { EVENTS_STREAM } from '@switchyard/contracts';
import { LEAST_RETENTION_DAYS, retentionDays, retentionSection } from './audit-retention.js';

describe('audit.retention', () => {
  it.each([
    ['RT1 unless given', {}, { events: 400, lines: 400, payloads: 90, usage: 1095 }],
    ['RT2 lines as long as events', { events: '90d' }, { events: 90, lines: 90, payloads: 90, usage: 1095 }],
    ['RT3 each its own', { events: '2y', lines: '26w', usage: '30d' }, { events: 730, lines: 182, payloads: 90, usage: 30 }],
    ['RT4 for good', { events: 'forever', usage: 'forever' }, { events: 0, lines: 0, payloads: 90, usage: 0 }],
  ])('%s', (_id, given, days) => {
    expect(retentionDays(retentionSection.parse(given))).toEqual(days);
  });

  it.each([
    ['RT5 an unknown key', { event: '400d' }, 'Unrecognized key'],
    ['RT6 no unit', { events: '400' }, 'must be a number of days'],
    ['RT7 a number', { events: 400 }, 'expected string'],
    ['RT8 nothing', { usage: '0d' }, 'must be a number of days'],
    ['RT9 less than the stream keeps', { lines: '6d' }, 'is 6 days. Write 7d or more'],
    ['RT10 too long', { usage: '101y' }, 'more than a hundred years'],
    ['RT11 hours', { events: '48h' }, 'must be a number of days'],
    ['RT12 a negative one', { events: '-1d' }, 'must be a number of days'],
  ])('%s is refused', (_id, given, message) => {
    const { error } = retentionSection.safeParse(given);
    expect(error?.issues.map((issue) => issue.message).join()).toContain(message);
  });

  it('D11 is longer than the stream keeps what the database can be rebuilt from', () => {
    expect(LEAST_RETENTION_DAYS * 86_400_000).toBeGreaterThan(2 * EVENTS_STREAM.maxAgeMs);
  });
});
