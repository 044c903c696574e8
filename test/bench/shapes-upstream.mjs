// node shapes-upstream.mjs modern|legacy
// An MCP upstream on raw sockets, so that it costs next to nothing: `hello` answers small, `big` with 1 MiB, `steps` with a stream of ten
// progress notifications before the result. Prints its port.
import { createServer } from 'node:net';

const isModern = process.argv[2] === 'modern';
const done = isModern ? ',"resultType":"complete"' : '';
const textResult = (text) => `{"content":[{"type":"text","text":"${text}"}]${done}}`;
const tools = ['hello', 'big', 'steps'].map((name) => ({ name, inputSchema: { type: 'object' } }));
const STEPS = 10;

const RESULTS = {
  'server/discover': `{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"${done}}`,
  initialize: '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"up","version":"1"}}',
  'tools/list': `{"tools":${JSON.stringify(tools)}${done}${isModern ? ',"ttlMs":60000,"cacheScope":"private"' : ''}}`,
  hello: textResult('hello from the upstream'),
  big: textResult('0123456789abcdef'.repeat(65_536)),
};
delete RESULTS[isModern ? 'initialize' : 'server/discover'];

const END_OF_HEAD = Buffer.from('\r\n\r\n');
const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;
const event = (message) => chunk(`data: ${message}\n\n`);

function json(status, text, fields = '') {
  return `HTTP/1.1 ${status}\r\n${fields}content-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
}

/** One write for each event, as servers do it. */
function stream(socket, id, token) {
  socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n');
  for (let step = 1; step <= STEPS; step += 1)
    socket.write(
      event(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":${step}}}`),
    );
  socket.write(`${event(`{"jsonrpc":"2.0","id":${id},"result":${RESULTS.hello}}`)}0\r\n\r\n`);
}

function answer(socket, request, body) {
  if (request !== 'POST') return socket.write('HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n');
  const id = /"id":("[^"]*"|\d+)/.exec(body)?.[1];
  if (id === undefined) return socket.write('HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n');
  const method = /"method":"([^"]*)"/.exec(body)?.[1];
  const name = method === 'tools/call' ? /"name":"([^"]*)"/.exec(body)?.[1] : method;
  if (name === 'steps') return stream(socket, id, /"progressToken":("[^"]*"|\d+)/.exec(body)?.[1] ?? 'null');
  const result = RESULTS[name];
  if (result !== undefined)
    return socket.write(
      json('200 OK', `{"jsonrpc":"2.0","id":${id},"result":${result}}`, method === 'initialize' ? 'mcp-session-id: s\r\n' : ''),
    );
  const error = `{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"no such method"}}`;
  return socket.write(json(isModern ? '404 Not Found' : '200 OK', error));
}

const server = createServer((socket) => {
  let buffered = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => {
    buffered = buffered.length === 0 ? data : Buffer.concat([buffered, data]);
    for (;;) {
      const head = buffered.indexOf(END_OF_HEAD);
      if (head < 0) return;
      const fields = buffered.toString('latin1', 0, head);
      const end = head + 4 + Number(/content-length: *(\d+)/i.exec(fields)?.[1] ?? 0);
      if (buffered.length < end) return;
      answer(socket, fields.slice(0, fields.indexOf(' ')), buffered.toString('latin1', head + 4, end));
      buffered = buffered.subarray(end);
    }
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
