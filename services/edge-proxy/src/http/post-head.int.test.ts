import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { readPostHead } from './post-head.js';

const REQUEST = 'POST /mcp/demo HTTP/1.1';
const FIELDS = ['Host: gateway.example.com', 'Content-Type: application/json', 'Content-Length: 2'];
const head = (...lines: string[]) => lines.join('\r\n');
const withFields = (...more: string[]) => head(REQUEST, ...FIELDS, ...more);

describe('the header section of a posted message', () => {
  it.each([
    ['PH-1 as clients write it', withFields(), { host: 'gateway.example.com', 'content-length': '2' }],
    ['PH-2 names in capitals and small letters', withFields('ACCEPT: a', 'mcp-Name: b'), { accept: 'a', 'mcp-name': 'b' }],
    ['PH-3 no space before a value, several, tabs', withFields('a:1', 'b:   2', 'c:\t3\t '), { a: '1', b: '2', c: '3' }],
    ['PH-4 empty values', withFields('a:', 'b: ', 'c:\t', 'd:'), { a: '', b: '', c: '', d: '' }],
    ['PH-5 colons and spaces in values', withFields('a: b: c  d'), { a: 'b: c  d' }],
    ['PH-6 a connection that is to stand', withFields('Connection: Keep-Alive'), { connection: 'Keep-Alive' }],
    ['PH-44 one that is to close', withFields('Connection: close'), { connection: 'close' }],
    ['PH-7 one letter', withFields('a: b'), { a: 'b' }],
    ['PH-8 the server that joins all', head('POST /mcp HTTP/1.1', ...FIELDS), { host: 'gateway.example.com' }],
  ])('is read: %s', (_id, text, expected) => {
    expect(readPostHead(text)).toMatchObject({ headers: expected, contentLength: 2 });
  });

  it.each([
    ['PH-20 another method', head('PUT /mcp/demo HTTP/1.1', ...FIELDS)],
    ['PH-21 a method in small letters', head('post /mcp/demo HTTP/1.1', ...FIELDS)],
    ['PH-22 another path', head('POST /oauth/token HTTP/1.1', ...FIELDS)],
    ['PH-23 a path below', head('POST /mcp/demo/messages HTTP/1.1', ...FIELDS)],
    ['PH-24 a query', head('POST /mcp/demo?a=b HTTP/1.1', ...FIELDS)],
    ['PH-25 a path that could be normalised', head('POST /mcp/../mcp/demo HTTP/1.1', ...FIELDS)],
    ['PH-26 a whole URL', head('POST http://gateway.example.com/mcp/demo HTTP/1.1', ...FIELDS)],
    ['PH-27 an older version', head('POST /mcp/demo HTTP/1.0', ...FIELDS)],
    ['PH-28 two spaces in the request line', head('POST  /mcp/demo HTTP/1.1', ...FIELDS)],
    ['PH-29 a line before the request line', head('', REQUEST, ...FIELDS)],
    ['PH-30 no Host', head(REQUEST, 'Content-Length: 2')],
    ['PH-31 two Hosts', withFields('Host: other.example.com')],
    ['PH-32 no length', head(REQUEST, 'Host: a')],
    ['PH-33 two lengths', withFields('Content-Length: 2')],
    ['PH-34 a length with a sign', head(REQUEST, 'Host: a', 'Content-Length: +2')],
    ['PH-35 a list of lengths', head(REQUEST, 'Host: a', 'Content-Length: 2, 2')],
    ['PH-36 a length in hexadecimal digits', head(REQUEST, 'Host: a', 'Content-Length: 0x2')],
    ['PH-37 an empty length', head(REQUEST, 'Host: a', 'Content-Length:')],
    ['PH-38 both framings', withFields('Transfer-Encoding: chunked')],
    ['PH-39 a framing of an unusual name', withFields('transfer-ENCODING: identity')],
    ['PH-40 an expectation', withFields('Expect: 100-continue')],
    ['PH-41 another protocol', withFields('Upgrade: h2c')],
    ['PH-42 trailer fields', withFields('Trailer: a')],
    ['PH-43 what the client takes in trailers', withFields('TE: trailers')],
    ['PH-45 fields of one hop', withFields('Connection: keep-alive, x-more')],
    ['PH-46 a field twice', withFields('Accept: a', 'accept: b')],
    ['PH-47 a folded field', withFields('Accept: a', ' b')],
    ['PH-48 a space before the colon', withFields('Accept : a')],
    ['PH-49 no colon', withFields('Accept')],
    ['PH-50 no name', withFields(': a')],
    ['PH-51 a bare line feed', withFields('a: b\nTransfer-Encoding: chunked')],
    ['PH-52 a bare carriage return', withFields('a: b\rTransfer-Encoding: chunked')],
    ['PH-53 a NUL', withFields('a: b\0c')],
    ['PH-54 bytes beyond ASCII', withFields('a: \u00e4')],
    ['PH-55 a name beyond ASCII', withFields('\u00e4: a')],
    ['PH-56 a name that objects have already', withFields('__proto__: a')],
    ['PH-57 names of what objects can', withFields('constructor: a', 'toString: b')],
    ['PH-58 more fields than anybody needs', withFields(...Array.from({ length: 101 }, (_, index) => `x-${index}: a`))],
  ])('is left to node:http: %s', (_id, text) => {
    expect(readPostHead(text)).toBeUndefined();
  });
});

describe('beside node:http', () => {
  let server: Server;
  /** By the port that the client sends from. */
  const asked = new Map<number | undefined, (request: IncomingMessage | undefined) => void>();

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.get(request.socket.remotePort)?.(request);
      response.end();
    });
    server.on('clientError', (_error, socket: Socket) => {
      asked.get(socket.remotePort)?.(undefined);
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => new Promise((resolve) => server.close(resolve)));

  async function readByNodeHttp(text: string): Promise<IncomingMessage | undefined> {
    const { promise, resolve } = Promise.withResolvers<IncomingMessage | undefined>();
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    asked.set(socket.localPort, resolve);
    socket.write(`${text}\r\n\r\n{}`, 'latin1');
    const request = await promise;
    socket.destroy();
    return request;
  }

  const character = fc.constantFrom(...'ab:; ,\t\r\n\0-"\u00e4\u007f/?');
  const line = fc.oneof(
    fc.constantFrom(
      ...FIELDS,
      'Content-Length: 2',
      'Content-Length:2 ',
      'Host: b',
      'Transfer-Encoding: chunked',
      'A: b',
      'Connection: keep-alive',
    ),
    fc.array(character, { maxLength: 12 }).map((characters) => characters.join('')),
    fc
      .tuple(fc.constantFrom('X', 'accept', 'x y', ''), fc.array(character, { maxLength: 8 }))
      .map(([name, value]) => `${name}: ${value.join('')}`),
  );
  const section = fc
    .tuple(
      fc.constantFrom(
        REQUEST,
        REQUEST,
        REQUEST,
        'POST /mcp HTTP/1.1',
        'POST /mcp/demo HTTP/1.0',
        'POST /mcp/demo  HTTP/1.1',
        'POST\t/mcp/demo HTTP/1.1',
      ),
      fc.array(line, { maxLength: 3 }),
      fc.array(line, { maxLength: 3 }),
    )
    .map(([start, before, behind]) => head(start, ...before, ...FIELDS, ...behind));

  it('PH-60 what is read here, node:http reads in the same way', async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(section, async (text) => {
        const own = readPostHead(text);
        if (own === undefined) return;
        taken += 1;
        const other = await readByNodeHttp(text);
        expect(other).toMatchObject({ method: 'POST', url: own.target, rawHeaders: own.rawHeaders, headers: own.headers });
      }),
      { numRuns: 5_000 },
    );
    expect(taken).toBeGreaterThan(200);
  });
});
