import fc from 'fast-check';
import { encodeSse } from './sse-encode.js';
import { SseParser } from './sse.js';

interface Seen {
  readonly event: string;
  readonly data: string;
  readonly id?: string;
  readonly retryMs?: number;
}

/** The parser of WHATWG HTML §9.2.6, step by step over decoded text; of `retry` only what fits a number exactly. */
function reference(bytes: Buffer): { events: Seen[]; lastEventId: string } {
  const lines = new TextDecoder('utf-8').decode(bytes).split(/\r\n|\r|\n/);
  const events: Seen[] = [];
  let lastEventId = '';
  let event = '';
  let data: string[] = [];
  let own: { id?: string; retryMs?: number } = {};
  // What follows the last line end is no line yet.
  for (const line of lines.slice(0, -1)) {
    if (line === '') {
      if (data.length > 0) events.push({ event: event === '' ? 'message' : event, data: data.join('\n'), ...own });
      event = '';
      data = [];
      own = {};
      continue;
    }
    const [, name = line, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (name === 'event') event = value;
    if (name === 'data') data.push(value);
    if (name === 'id' && !value.includes('\0')) {
      lastEventId = value;
      own = { ...own, id: value };
    }
    if (name === 'retry' && /^[0-9]+$/.test(value) && Number.isSafeInteger(Number(value)))
      own = { ...own, retryMs: Number(value) };
  }
  return { events, lastEventId };
}

function parse(bytes: Buffer, cuts: readonly number[]): { events: Seen[]; lastEventId: string } {
  const parser = new SseParser(1024 * 1024);
  const ends = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const events = ends.slice(1).flatMap((end, index) => parser.push(Buffer.from(bytes.subarray(ends[index], end))));
  return { events: events.map((one) => ({ ...one, data: one.data.toString('utf8') })), lastEventId: parser.lastEventId };
}

const LINE_END = fc.constantFrom('\n', '\r', '\r\n');
const NAME = fc.constantFrom('data', 'event', 'id', 'retry', '', 'dat', 'datas', 'Data', ' data', '\ufeffdata', 'retry ', 'é');
const VALUE = fc.oneof(
  fc.constantFrom('', ' ', '  x', '0', '007', '15e1', '99999999999999999999', '\0', 'a\0b', '{"jsonrpc":"2.0"}', ':', '\ufeff'),
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replace(/[\r\n]/g, '')),
);
const LINE = fc.tuple(NAME, fc.constantFrom(':', ': ', '', ' :'), VALUE).map((parts) => parts.join(''));
const PIECE = fc.oneof({ weight: 4, arbitrary: LINE }, { weight: 2, arbitrary: fc.constant('') }, fc.string({ maxLength: 5 }));
const STREAM = fc
  .tuple(fc.boolean(), fc.array(fc.tuple(PIECE, LINE_END), { maxLength: 25 }), fc.string({ maxLength: 5 }))
  .map(([bom, lines, rest]) => Buffer.from(`${bom ? '\ufeff' : ''}${lines.flat().join('')}${rest}`));
const BYTES = fc
  .array(fc.oneof(fc.constantFrom(...Buffer.from('data: \r\n\n\ridevent')), fc.nat(255)), { maxLength: 60 })
  .map((bytes) => Buffer.from(bytes));
const CUTS = fc.array(fc.nat(1_000), { maxLength: 30 });

describe('SseParser, for all streams', () => {
  it('reads what the standard’s parser reads, wherever chunks break', () => {
    fc.assert(
      fc.property(STREAM, CUTS, (bytes, cuts) => {
        expect(parse(bytes, cuts)).toEqual(reference(bytes));
      }),
      { numRuns: 3_000 },
    );
  });

  it('does so for bytes that are no text', () => {
    fc.assert(
      fc.property(BYTES, CUTS, (bytes, cuts) => {
        expect(parse(bytes, cuts)).toEqual(reference(bytes));
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads what encodeSse writes, with all its fields, wherever chunks break', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 });
    const lines = fc.string({ unit: fc.constantFrom('a', 'ü', '\r', '\n'), maxLength: 12 });
    const oneLine = text.map((value) => value.replace(/[\r\n\0]/g, ''));
    const output = fc.record(
      { event: oneLine.filter((value) => value !== ''), data: fc.oneof(text, lines), id: oneLine, retryMs: fc.nat() },
      { requiredKeys: ['data'] },
    );
    fc.assert(
      fc.property(fc.array(output, { maxLength: 5 }), CUTS, (outputs, cuts) => {
        const { events } = parse(Buffer.concat(outputs.map((one) => encodeSse(one))), cuts);
        const expected = outputs.map((one) => ({
          ...one,
          event: one.event ?? 'message',
          data: one.data.replace(/\r\n|\r/g, '\n'),
        }));
        expect(events).toEqual(expected);
      }),
    );
  });
});
