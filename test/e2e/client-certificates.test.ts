import { CERTIFICATE, CLIENT_CERTIFICATES, startScriptedUpstream, tempDir, freePort } from '@switchyard/testing';
import { writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import path from 'node:path';
import { SWITCHYARD } from './targets/embedded.js';
import { startNode } from './targets/logged-process.js';

const { finance, ops } = CLIENT_CERTIFICATES;

const gatewayFile = (port: number, upstream: string) => `gateway:
  port: ${port}
  tls: { certificate: tls.crt, key: tls.key, clientCertificates: { authorities: clients.crt } }
identity:
  clientCertificates: { enabled: true }
  services:
    billing: { certificateSubject: { dn: "CN=gateway-finance" }, servers: [work] }
    nightly: { certificate: "\${file:ops.crt}", servers: [work] }
upstreams: { up: { url: "${upstream}" } }
servers: { work: { sources: [{ upstream: up }], access: [{ everyone: true }] } }
`;

const INITIALIZE = {
  ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'service', version: '1' } },
};

describe('services with TLS certificates, through the whole gateway', () => {
  const undo = new AsyncDisposableStack();
  let port = 0;

  beforeAll(async () => {
    const { path: dir } = undo.use(await tempDir());
    const upstream = undo.use(await startScriptedUpstream({ name: 'up', tools: ['act'] }));
    port = await freePort();
    const files = {
      ...{ 'tls.crt': CERTIFICATE.cert, 'tls.key': CERTIFICATE.key },
      ...{ 'clients.crt': finance.certificate, 'ops.crt': ops.certificate },
      'switchyard.yaml': gatewayFile(port, upstream.url),
    };
    for (const [name, text] of Object.entries(files)) await writeFile(path.join(dir, name), text);
    const gateway = startNode({ name: 'switchyard up', args: [SWITCHYARD, 'up', '--verbose'], env: {}, cwd: dir });
    undo.defer(async () => void (await gateway.end('SIGTERM')));
    await gateway.written(/^Switchyard serves /m);
  }, 300_000);
  afterAll(() => undo.disposeAsync());

  function clientWith(pair: { certificate: string; key: string } | undefined) {
    const own = pair === undefined ? {} : { cert: pair.certificate, key: pair.key };
    const agent = new Agent({ keepAlive: true, ca: CERTIFICATE.cert, ...own });
    undo.defer(() => agent.destroy());
    const post = (target: string, body: string, headers: Record<string, string>) =>
      new Promise<{ status: number; json: Record<string, unknown> }>((resolve, reject) => {
        const outbound = request({ host: 'localhost', port, path: target, method: 'POST', agent, headers }, (answer) => {
          let text = '';
          answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
          answer.on('end', () => {
            resolve({ status: answer.statusCode ?? 0, json: JSON.parse(text.replace(/^event:.*\ndata: /, '')) as never });
          });
        });
        outbound.on('error', reject);
        outbound.end(body);
      });
    const token = async (clientId: string) => {
      const resource = `https://localhost:${port}/mcp/work`;
      const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, resource }).toString();
      return post('/oauth/token', body, { 'content-type': 'application/x-www-form-urlencoded' });
    };
    const call = (accessToken: unknown) =>
      post('/mcp/work', JSON.stringify(INITIALIZE), {
        ...{ authorization: `Bearer ${String(accessToken)}`, 'content-type': 'application/json' },
        accept: 'application/json, text/event-stream',
      });
    return { token, call };
  }

  it.each([
    ['issued by a known authority', 'billing', finance, ops],
    ['its own', 'nightly', ops, finance],
  ])('A15: a certificate %s gets a token that opens with it alone', async (_id, clientId, right, wrong) => {
    const client = clientWith(right);
    const { status, json } = await client.token(clientId);
    expect([status, json['token_type']]).toEqual([200, 'Bearer']);
    expect((await client.call(json['access_token'])).status).toBe(200);
    for (const [thief, reason] of [
      [clientWith(wrong), 'certificate_mismatch'],
      [clientWith(undefined), 'certificate_missing'],
    ] as const) {
      expect(await thief.token(clientId)).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
      expect(await thief.call(json['access_token'])).toMatchObject({ status: 401, json: { error: { data: { reason } } } });
    }
  });
});
