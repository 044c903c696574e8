// A minimal MCP upstream of revision 2026-07-28, written on raw sockets so that it costs next to nothing: answers every call with a
// small result under the id that it was given. Prints its port.
import { createServer } from 'node:net';

const result = '"result":{"content":[{"type":"text","text":"hello from the upstream"}],"resultType":"complete"}';
const discover =
  '"result":{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"resultType":"complete","ttlMs":0,"cacheScope":"private"}';

const END_OF_HEAD = Buffer.from('\r\n\r\n');

function answer(body) {
  const id = /"id":("[^"]*"|\d+)/.exec(body)?.[1] ?? 'null';
  const text = `{"jsonrpc":"2.0","id":${id},${body.includes('"server/discover"') ? discover : result}}`;
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
}

const server = createServer((socket) => {
  let buffered = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
    for (;;) {
      const head = buffered.indexOf(END_OF_HEAD);
      if (head < 0) return;
      const length = Number(/content-length: *(\d+)/i.exec(buffered.toString('latin1', 0, head))?.[1] ?? 0);
      const end = head + 4 + length;
      if (buffered.length < end) return;
      socket.write(answer(buffered.toString('latin1', head + 4, end)));
      buffered = buffered.subarray(end);
    }
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
