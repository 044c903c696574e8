import type { EventView } from '@switchyard/contracts';
import fc from 'fast-check';
import { EVENT_FIELDS } from '../events-sql.js';
import { EXPORT_FORMATS } from './export-format.js';

const eventOf = (capability: string): EventView => ({
  event_id: 'edge-1/1/1',
  tenant: 'default',
  type: 'tool.called',
  occurred_at: '2026-01-31T23:59:00.005Z',
  capability,
  rpc_code: -32001,
  teams: [capability],
  detail: { because: capability },
});
const { csv, ndjson } = EXPORT_FORMATS;

/** Fields of one record, as RFC 4180 reads it. */
function fieldsOf(line: string): string[] {
  const fields = line.replace(/\r\n$/, '').matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g);
  return [...fields].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '');
}
const capabilityCell = (line: string) => fieldsOf(line)[EVENT_FIELDS.indexOf('capability')];

const moves = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;
const controls = fc.constantFrom(
  '\n',
  '\r',
  '\u001b[2J',
  '\u009b1A',
  '\u202e',
  '\u2028',
  '"',
  ',',
  '|',
  '=',
  ';',
  '\t',
  '\\',
  '\0',
);
const hostile = fc.array(fc.oneof(controls, fc.string({ unit: 'grapheme' }))).map((parts) => parts.join(''));

describe('D5 exported events', () => {
  it.each([
    ['equals', '=1+1', "'=1+1"],
    ['plus', '+1', "'+1"],
    ['minus', '-1', "'-1"],
    ['at', '@SUM(A1)', "'@SUM(A1)"],
    ['dde', "=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"],
    ['blank-first', '  =1+1', "'  =1+1"],
    ['full-width', '＝1+1', "'＝1+1"],
    ['tab', '\t=1', '\\u0009=1'],
    ['line-feed', 'a\n=1', 'a\\u000a=1'],
    ['quote', 'a","=1', 'a","=1'],
    ['ansi', '\u001b[31mred', '\\u001b[31mred'],
    ['plain', 'get_weather', 'get_weather'],
  ])('%s: CSV has no formula, line break or control sequence', (_id, given, expected) => {
    const line = csv.line(eventOf(given));
    expect(capabilityCell(line)).toBe(expected);
    expect(fieldsOf(line)).toHaveLength(EVENT_FIELDS.length);
  });

  it('numbers of CSV stay numbers', () => {
    expect(csv.line(eventOf('a'))).toContain(',-32001,');
  });

  it('CSV has one line and as many fields as columns, whatever a name is', () => {
    fc.assert(
      fc.property(hostile, (capability) => {
        const line = csv.line(eventOf(capability));
        expect(line.slice(0, -2)).not.toMatch(/[\r\n]/);
        expect(line.slice(0, -2)).not.toMatch(moves);
        expect(fieldsOf(line)).toHaveLength(EVENT_FIELDS.length);
      }),
    );
  });

  it('NDJSON is one line that moves no terminal, and the same values', () => {
    fc.assert(
      fc.property(hostile, (capability) => {
        const line = ndjson.line(eventOf(capability));
        expect(line.slice(0, -1)).not.toMatch(/[\r\n]/);
        expect(line.slice(0, -1)).not.toMatch(moves);
        expect(JSON.parse(line)).toEqual(eventOf(capability));
      }),
    );
  });

  it('the last record of CSV has as many fields as the others', () => {
    const end = csv.end({ complete: false, events: 7, reason: 'unavailable', detail: 'a, b', next_cursor: 'abc' });
    expect(fieldsOf(end)).toEqual([
      '#export complete=false events=7 reason=unavailable next_cursor=abc',
      ...EVENT_FIELDS.slice(1).map(() => ''),
    ]);
    expect(fieldsOf(csv.head)).toEqual(EVENT_FIELDS);
  });
});
