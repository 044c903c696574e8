// The least that a gateway in node:http could do: read the request, answer a constant. Prints its port.
import { createServer } from 'node:http';

const body = Buffer.from(
  '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"hello from the upstream"}],"resultType":"complete"}}',
);

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
