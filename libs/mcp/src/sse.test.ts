import fc from 'fast-check';
import { encodeSse, SSE_KEEPALIVE } from './sse-encode.js';
import { SseLimitExceeded, SseParser, type SseEvent } from './sse.js';

interface Seen {
  readonly event: string;
  readonly data: string;
  readonly id?: string;
  readonly retryMs?: number;
}

const seen = (events: readonly SseEvent[]): Seen[] => events.map((event) => ({ ...event, data: event.data.toString('utf8') }));

function parse(...chunks: readonly (string | Buffer)[]): Seen[] {
  const parser = new SseParser(1024 * 1024);
  return chunks.flatMap((chunk) => seen(parser.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)));
}

const message = (data: string): Seen => ({ event: 'message', data });

/** WHATWG HTML §9.2.6, "Interpreting an event stream": [id, stream, events]. */
const STREAMS: readonly (readonly [id: string, stream: string, events: readonly Seen[]])[] = [
  ['lf', 'data: a\n\ndata: b\n\n', [message('a'), message('b')]],
  ['cr', 'data: a\r\rdata: b\r\r', [message('a'), message('b')]],
  ['crlf', 'data: a\r\n\r\ndata: b\r\n\r\n', [message('a'), message('b')]],
  ['mixed', 'data: a\r\n\ndata: b\n\r\n', [message('a'), message('b')]],
  ['lines', 'data: a\ndata: b\ndata: c\n\n', [message('a\nb\nc')]],
  ['lines-crlf', 'data: a\r\ndata: b\r\nevent: x\r\n\r\n', [{ event: 'x', data: 'a\nb' }]],
  ['lines-cr', 'data: a\rdata: b\revent: x\r\r', [{ event: 'x', data: 'a\nb' }]],
  ['lines-empty', 'data\ndata\n\n', [message('\n')]],
  ['no-space', 'data:a\n\n', [message('a')]],
  ['one-space-only', 'data:  a \n\n', [message(' a ')]],
  ['no-colon', 'data\n\n', [message('')]],
  ['empty-data', 'data:\n\n', [message('')]],
  ['no-data', 'event: x\nid: 1\n\n', []],
  ['blank-lines', '\n\n\ndata: a\n\n\n\n', [message('a')]],
  ['unfinished', 'data: a\n\ndata: b\n', [message('a')]],
  ['comment', ': ping\n\n:\ndata: a\n: b\n\n', [message('a')]],
  ['colons', 'data: a: b:\n\n', [message('a: b:')]],
  ['type', 'event: endpoint\ndata: /x\n\ndata: y\n\n', [{ event: 'endpoint', data: '/x' }, message('y')]],
  ['type-last-wins', 'event: a\nevent: b\ndata: x\n\n', [{ event: 'b', data: 'x' }]],
  ['type-empty', 'event: a\nevent:\ndata: x\n\n', [message('x')]],
  ['type-dropped-without-data', 'event: a\n\ndata: x\n\n', [message('x')]],
  ['id', 'id: 7\ndata: x\n\ndata: y\n\n', [{ ...message('x'), id: '7' }, message('y')]],
  ['id-empty', 'id\ndata: x\n\n', [{ ...message('x'), id: '' }]],
  ['id-nul', 'id: a\u0000b\ndata: x\n\n', [message('x')]],
  ['priming', 'id: 1\ndata:\n\n', [{ ...message(''), id: '1' }]],
  ['retry', 'retry: 1500\ndata: x\n\n', [{ ...message('x'), retryMs: 1500 }]],
  ['retry-odd', 'retry: 1.5\nretry: -1\nretry: 1e3\nretry:\nretry: 99999999999999999999\ndata: x\n\n', [message('x')]],
  ['unknown-fields', 'foo: 1\nDATA: x\nEvent: y\ndata : z\ndatum\n data: q\n\n', []],
  ['bom', '\ufeffdata: a\n\n', [message('a')]],
  ['bom-twice', '\ufeff\ufeffdata: a\n\ndata: b\n\n', [message('b')]],
  ['bom-later', 'data: a\n\n\ufeffdata: b\n\n', [message('a')]],
  ['utf8', 'event: é\ndata: 😀é\n\n', [{ event: 'é', data: '😀é' }]],
];

describe('SseParser', () => {
  it.each(STREAMS)('%s', (_id, stream, events) => {
    expect(parse(stream)).toEqual(events);
  });

  it.each(STREAMS)('%s, byte by byte', (_id, stream, events) => {
    expect(parse(...[...Buffer.from(stream)].map((byte) => Buffer.from([byte])))).toEqual(events);
  });

  it('does not mind where chunks break', () => {
    const stream = Buffer.from(STREAMS.map(([, text]) => text.replaceAll('\ufeff', '')).join('\n\n'));
    const whole = parse(stream);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (places) => {
        const ends = [0, ...places.sort((a, b) => a - b), stream.length];
        expect(parse(...ends.slice(1).map((end, index) => stream.subarray(ends[index], end)))).toEqual(whole);
      }),
    );
  });

  it('hands over what is complete at once, a CR included, and not again at the LF', () => {
    const parser = new SseParser(100);
    expect(seen(parser.push(Buffer.from('data: a\r\n\r')))).toEqual([message('a')]);
    expect(seen(parser.push(Buffer.from('')))).toEqual([]);
    expect(seen(parser.push(Buffer.from('\ndata: b\n\n')))).toEqual([message('b')]);
  });

  it('remembers id and retry of events without data', () => {
    const parser = new SseParser(100);
    expect(parser.push(Buffer.from('id: 9\nretry: 250\n\n'))).toEqual([]);
    expect([parser.lastEventId, parser.retryMs]).toEqual(['9', 250]);
  });

  it('takes one event up to its limit', () => {
    const line = `data: ${'x'.repeat(94)}\n\n`;
    expect(seen(new SseParser(100).push(Buffer.from(line)))).toHaveLength(1);
    expect(() => new SseParser(99).push(Buffer.from(line))).toThrow(SseLimitExceeded);
  });

  it.each([
    ['limit-endless-line', 'data: xxxxxxxxxxxxxx'],
    ['limit-endless-comment', ':xxxxxxxxxxxxxxxxxxx'],
    ['limit-endless-data', 'data: xxxxxxxxxxxx\n'],
    ['limit-empty-data', 'data\n'],
  ])('%s: ends a stream that has no end, and stays so', (_id, piece) => {
    const parser = new SseParser(1_000);
    const endless = () => {
      for (let round = 0; round < 5_000; round += 1)
        parser.push(Buffer.from(piece.startsWith('data\n') || round === 0 || piece.endsWith('\n') ? piece : 'xxxxxxxx'));
    };
    expect(endless).toThrow(SseLimitExceeded);
    expect(() => parser.push(Buffer.from('\n\ndata: a\n\n'))).toThrow(SseLimitExceeded);
  });

  it('counts lines without data as well', () => {
    expect(parse('data\n'.repeat(4))).toEqual([]);
    expect(() => new SseParser(19).push(Buffer.from('data\n'.repeat(5)))).toThrow(SseLimitExceeded);
    expect(seen(new SseParser(20).push(Buffer.from(`${'data\n'.repeat(5)}\n`)))).toEqual([message('\n'.repeat(4))]);
  });

  it('does not count comments, of which an idle stream has many', () => {
    const parser = new SseParser(100);
    parser.push(Buffer.from('data: a\n'));
    for (let round = 0; round < 1_000; round += 1) parser.push(Buffer.from(': keep-alive\n'));
    expect(seen(parser.push(Buffer.from('\n')))).toEqual([message('a')]);
  });

  it('gathers a long line from many chunks', () => {
    const data = Array.from({ length: 100_000 }, (_, index) => index.toString(36)).join('-');
    const stream = Buffer.from(`data: ${data}\n\n`);
    const chunks = Array.from({ length: Math.ceil(stream.length / 7_777) }, (_, index) =>
      stream.subarray(7_777 * index, 7_777 * (index + 1)),
    );
    expect(parse(...chunks)).toEqual([message(data)]);
  });

  it('counts each event for itself', () => {
    const parser = new SseParser(100);
    const events = Array.from({ length: 1_000 }, () => parser.push(Buffer.from(`data: ${'x'.repeat(80)}\n\n`)));
    expect(events.flat()).toHaveLength(1_000);
  });
});

describe('encodeSse', () => {
  it.each([
    ['plain', { data: 'a' }, 'data: a\n\n'],
    ['all', { event: 'message', data: 'a', id: '1', retryMs: 10 }, 'event: message\nid: 1\nretry: 10\ndata: a\n\n'],
    ['buffer', { data: Buffer.from('é') }, 'data: é\n\n'],
    ['empty', { data: '', id: '1' }, 'id: 1\ndata: \n\n'],
    ['lines', { data: 'a\nb\r\nc\rd' }, 'data: a\ndata: b\ndata: c\ndata: d\n\n'],
  ])('%s', (_id, event, text) => {
    expect(encodeSse(event).toString('utf8')).toBe(text);
  });

  it.each([
    ['event-line', { event: 'a\ndata: b', data: '' }],
    ['id-line', { id: 'a\rb', data: '' }],
    ['id-nul', { id: 'a\u0000', data: '' }],
    ['retry-fraction', { retryMs: 1.5, data: '' }],
    ['retry-negative', { retryMs: -1, data: '' }],
  ])('%s: refuses what would become another field', (_id, event) => {
    expect(() => encodeSse(event)).toThrow(RangeError);
  });

  it('is read back as it was written, line breaks as \\n', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.constantFrom('', '\n', '\r', '\r\n'), (text, end) => {
        const data = `${text}${end}${text}`;
        expect(parse(SSE_KEEPALIVE, encodeSse({ data: Buffer.from(data) }))).toEqual([message(data.replace(/\r\n|\r/g, '\n'))]);
      }),
    );
  });
});
