// nginx as a plain proxy in front of the same upstream: one worker, keep-alive to both sides, no logging.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startPinned } from './processes.mjs';

const config = (dir, port, upstreamPort) => `
daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi; uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi;
  keepalive_requests 1000000;
  upstream up { server 127.0.0.1:${upstreamPort}; keepalive 64; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port} reuseport;
    location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`;

export async function startNginx({ dir, core, binary, port, upstreamPort }) {
  const file = path.join(dir, 'nginx.conf');
  await writeFile(file, config(dir, port, upstreamPort));
  const { pid } = await startPinned(core, binary, ['-c', file, '-p', dir], {
    stdio: ['ignore', 'ignore', 'inherit'],
    silent: true,
  });
  return { url: `http://127.0.0.1:${port}/mcp`, pid };
}
