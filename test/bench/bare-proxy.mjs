// The least that a proxy on our HTTP client could do: pass the body on, pass the answer back. Prints its port.
import { createServer } from 'node:http';
import { Egress } from '@switchyard/egress';

const egress = new Egress({ allowed: ['127.0.0.0/8'], connectTimeoutMs: 1_000 });
const url = new URL(process.argv[2]);

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const answer = [];
    egress.send(
      {
        url,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: Buffer.concat(chunks),
        headersTimeoutMs: 10_000,
        bodyTimeoutMs: 10_000,
      },
      {
        start: () => undefined,
        head: () => undefined,
        data: (chunk) => answer.push(chunk),
        end: () => {
          const text = Buffer.concat(answer).toString('latin1');
          response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
          response.end(text, 'latin1');
        },
        fail: (error) => response.destroy(error),
      },
    );
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
