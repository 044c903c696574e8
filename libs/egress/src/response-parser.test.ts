import fc from 'fast-check';
import { InvalidResponse, ResponseParser, type ResponseHeaders } from './response-parser.js';

interface Seen {
  status: number;
  headers: ResponseHeaders;
  body: string;
  ended: boolean | undefined;
}

/** Reads one response from its bytes, in pieces. @param closed whether the peer then closes */
function read(pieces: readonly Buffer[], closed = false): Seen {
  const seen: Seen = { status: 0, headers: {}, body: '', ended: undefined };
  const parser = new ResponseParser({
    head: (status, headers) => Object.assign(seen, { status, headers }),
    data: (chunk) => (seen.body += chunk.toString('latin1')),
    end: (reusable) => (seen.ended = reusable),
  });
  parser.expect();
  for (const piece of pieces) parser.push(piece);
  if (closed) parser.finish();
  return seen;
}

const bytes = (text: string) => Buffer.from(text, 'latin1');
const lines = (...text: string[]) => text.join('\r\n');

const whole: readonly (readonly [id: string, text: string, status: number, body: string, reusable: boolean])[] = [
  ['fixed length', lines('HTTP/1.1 200 OK', 'Content-Length: 2', '', 'hi'), 200, 'hi', true],
  ['no reason phrase', lines('HTTP/1.1 200', 'content-length: 0', '', ''), 200, '', true],
  ['asked to close', lines('HTTP/1.1 200 OK', 'connection: Close', 'content-length: 2', '', 'hi'), 200, 'hi', false],
  ['HTTP/1.0', lines('HTTP/1.0 200 OK', 'content-length: 2', '', 'hi'), 200, 'hi', false],
  ['HTTP/1.0 that stays', lines('HTTP/1.0 200 OK', 'connection: keep-alive', 'content-length: 2', '', 'hi'), 200, 'hi', true],
  ['no content', lines('HTTP/1.1 204 No Content', '', ''), 204, '', true],
  ['not modified with a length', lines('HTTP/1.1 304 Not Modified', 'content-length: 9', '', ''), 304, '', true],
  ['equal lengths', lines('HTTP/1.1 200 OK', 'content-length: 1', 'content-length: 1', '', 'x'), 200, 'x', true],
  [
    'interim first',
    lines('HTTP/1.1 103 Early Hints', 'link: x', '', 'HTTP/1.1 201 Created', 'content-length: 1', '', 'x'),
    201,
    'x',
    true,
  ],
  [
    'chunked',
    lines('HTTP/1.1 200 OK', 'transfer-encoding: chunked', '', '2;a=b', 'hi', 'a', '0123456789', '0', '', ''),
    200,
    'hi0123456789',
    true,
  ],
  [
    'chunked with trailer',
    lines('HTTP/1.1 200 OK', 'transfer-encoding: CHUNKED', '', '1', 'x', '0', 'a: b', '', ''),
    200,
    'x',
    true,
  ],
];

describe('a response', () => {
  it.each(whole)('%s: is read whole, however it is cut', (_id, text, status, body, reusable) => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: text.length }), { maxLength: 6 }), (cuts) => {
        const ordered = [0, ...cuts.sort((a, b) => a - b), text.length];
        const pieces = ordered.slice(1).map((end, index) => bytes(text.slice(ordered[index], end)));
        expect(read(pieces)).toMatchObject({ status, body, ended: reusable });
      }),
      { numRuns: 50 },
    );
  });

  it('without a length ends with the connection', () => {
    expect(read([bytes(lines('HTTP/1.1 200 OK', '', 'until the end'))])).toMatchObject({
      body: 'until the end',
      ended: undefined,
    });
    expect(read([bytes(lines('HTTP/1.1 200 OK', '', 'until the end'))], true)).toMatchObject({
      body: 'until the end',
      ended: false,
    });
  });

  it('has its fields by lower-case name, several values apart', () => {
    const { headers } = read([
      bytes(lines('HTTP/1.1 200 OK', 'Set-Cookie: a', 'set-cookie:  b ', 'X:', 'content-length: 0', '', '')),
    ]);
    expect(headers).toEqual({ 'set-cookie': ['a', 'b'], x: '', 'content-length': '0' });
  });

  it.each([
    ['not HTTP at all', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['HTTP/2', lines('HTTP/2 200', '', '')],
    ['a protocol change', lines('HTTP/1.1 101 Switching Protocols', '', '')],
    ['both framing fields', lines('HTTP/1.1 200 OK', 'content-length: 2', 'transfer-encoding: chunked', '', '0', '', '')],
    ['unlike lengths', lines('HTTP/1.1 200 OK', 'content-length: 1', 'content-length: 2', '', 'xx')],
    ['lengths in one field', lines('HTTP/1.1 200 OK', 'content-length: 1, 1', '', 'x')],
    ['a signed length', lines('HTTP/1.1 200 OK', 'content-length: +1', '', 'x')],
    ['another coding', lines('HTTP/1.1 200 OK', 'transfer-encoding: gzip, chunked', '', '0', '', '')],
    ['a coding in HTTP/1.0', lines('HTTP/1.0 200 OK', 'transfer-encoding: chunked', '', '0', '', '')],
    ['a folded field', lines('HTTP/1.1 200 OK', 'a: b', ' c', 'content-length: 0', '', '')],
    ['white space before the colon', lines('HTTP/1.1 200 OK', 'content-length : 1', '', 'x')],
    ['a bare line feed in the head', 'HTTP/1.1 200 OK\ncontent-length: 1\r\n\r\nx'],
    ['a carriage return in a field', lines('HTTP/1.1 200 OK', 'a: b\rc', 'content-length: 0', '', '')],
    ['a chunk size that is none', lines('HTTP/1.1 200 OK', 'transfer-encoding: chunked', '', '0x2', 'hi', '0', '', '')],
    ['a chunk longer than its size', lines('HTTP/1.1 200 OK', 'transfer-encoding: chunked', '', '1', 'hi', '0', '', '')],
    ['a bare line feed after a chunk size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n'],
    ['a head without end', `HTTP/1.1 200 OK\r\na: ${'x'.repeat(70_000)}`],
    ['more than the response', lines('HTTP/1.1 200 OK', 'content-length: 1', '', 'xHTTP/1.1 200 OK')],
    ['more after the last chunk', lines('HTTP/1.1 200 OK', 'transfer-encoding: chunked', '', '0', '', 'HTTP/1.1 200 OK', '')],
  ])('%s is refused', (_id, text) => {
    expect(() => read([bytes(text)])).toThrow(InvalidResponse);
  });

  it('never throws anything else, whatever comes', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .constantFrom(
          'HTTP/1.1 200 OK\r\n',
          'content-length: 3\r\n',
          'transfer-encoding: chunked\r\n',
          '\r\n',
          '3\r\n',
          'abc',
          '0\r\n\r\n',
        )
        .map(bytes),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        try {
          read(
            pieces.map((part) => Buffer.from(part)),
            true,
          );
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidResponse);
        }
      }),
      { numRuns: 500 },
    );
  });
});
