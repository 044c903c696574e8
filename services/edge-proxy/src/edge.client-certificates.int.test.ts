import { CERTIFICATE, CLIENT_CERTIFICATES, eventually, newDpopKey, startScriptedUpstream, tempDir } from '@switchyard/testing';
import { createHash, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest, type AgentOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { startTestEdge, type TestEdge, type TestEdgeOptions } from './edge.fixture.js';
import { exchange, INITIALIZE, messagesIn, type RawMessage } from './raw-client.fixture.js';
import { startTokenIssuer, type TokenIssuer } from './token-issuer.fixture.js';

type Headers = Readonly<Record<string, string>>;
const { finance, ops } = CLIENT_CERTIFICATES;
const der = (pem: string) => new X509Certificate(pem).raw;
const thumbprint = (pem: string) => createHash('sha256').update(der(pem)).digest('base64url');
const byteSequence = (pem: string) => `:${der(pem).toString('base64')}:`;

const undo = new AsyncDisposableStack();
let issuer: TokenIssuer;
let upstreamUrl: string;
let folder: string;
let edge: TestEdge;

async function edgeWith(options: TestEdgeOptions): Promise<TestEdge> {
  const started = undo.use(await startTestEdge({ authServer: issuer.url, ...options }));
  const source = { upstream: 'up', tools: ['*'] };
  await started.publish({
    upstreams: [{ name: 'up', transport: { case: 'http', value: { url: upstreamUrl } }, timeoutMs: 20_000 }],
    servers: [{ slug: 'work', sources: [source], access: [{ everyone: true }] }],
  });
  return started;
}

beforeAll(async () => {
  issuer = undo.use(await startTokenIssuer());
  const upstream = undo.adopt(await startScriptedUpstream({ name: 'up', tools: ['act'] }), (it) => it[Symbol.asyncDispose]());
  upstreamUrl = upstream.url;
  folder = undo.use(await tempDir()).path;
  const files = { 'tls.crt': CERTIFICATE.cert, 'tls.key': CERTIFICATE.key, 'clients.crt': finance.certificate };
  for (const [name, text] of Object.entries(files)) await writeFile(`${folder}/${name}`, text);
  edge = await edgeWith({
    tls: { certificate: 'tls.crt', key: 'tls.key', minVersion: 'TLSv1.2', clientCertificates: { authorities: 'clients.crt' } },
    file: `${folder}/edge.yaml`,
  });
});
afterAll(() => undo.disposeAsync());

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly message: RawMessage | undefined;
  readonly isResumed: boolean;
  readonly port: number | undefined;
}

/** A client that keeps its connection, and resumes its TLS session on the next. */
function clientWith(pair: { certificate: string; key: string } | undefined, options: AgentOptions = {}) {
  const own = pair === undefined ? {} : { cert: pair.certificate, key: pair.key };
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: CERTIFICATE.cert, ...own, ...options });
  undo.defer(() => agent.destroy());
  const send = (token: string, headers: Headers = {}, port = edge.ports[0], path = '/mcp/work'): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const sent = {
        ...{ authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...{ accept: 'application/json, text/event-stream', host: `localhost:${edge.ports[0]}` },
        ...headers,
      };
      const outbound = httpsRequest({ host: 'localhost', port, path, method: 'POST', agent, headers: sent }, (answer) => {
        const socket = answer.socket as TLSSocket;
        const facts = { isResumed: socket.isSessionReused(), port: socket.localPort };
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        answer.on('end', () => {
          const [message] = text === '' ? [] : messagesIn(text);
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, message, ...facts });
        });
      });
      outbound.on('error', reject);
      outbound.end(JSON.stringify(INITIALIZE));
    });
  /** Ends the connection, so that the next one resumes the session. */
  const reconnect = () => Object.values(agent.freeSockets).forEach((sockets) => sockets?.forEach((socket) => socket.destroy()));
  return { send, reconnect };
}

const boundTo = (pem: string, claims: Readonly<Record<string, unknown>> = {}) =>
  issuer.token(edge.url, '/mcp/work', { cnf: { 'x5t#S256': thumbprint(pem) }, ...claims });
const reasonOf = ({ message }: Pick<Answer, 'message'>) => message?.error?.data['reason'];

describe('tokens that are bound to a TLS certificate', () => {
  it('A15: the right certificate opens, on every request of a connection, also with a token that is known already', async () => {
    const token = boundTo(finance.certificate);
    const { send } = clientWith(finance);
    const answers = [await send(token), await send(token), await send(boundTo(finance.certificate)), await send(token)];
    expect(answers.map(({ status, message }) => [status, message?.error])).toEqual(Array(4).fill([200, undefined]));
    expect(new Set(answers.map(({ port }) => port)).size).toBe(1);
  });

  it.each<[id: string, pair: typeof finance | typeof ops | undefined, headers: () => Headers, reason: string]>([
    ['stolen, used without a certificate', undefined, () => ({}), 'certificate_missing'],
    ['stolen, used with another certificate', ops, () => ({}), 'certificate_mismatch'],
    [
      'a forged Client-Cert from outside, without a certificate',
      undefined,
      () => ({ 'client-cert': byteSequence(finance.certificate) }),
      'certificate_missing',
    ],
    [
      'a forged Client-Cert from outside, with another certificate',
      ops,
      () => ({ 'client-cert': byteSequence(finance.certificate), 'client-cert-chain': byteSequence(finance.certificate) }),
      'certificate_mismatch',
    ],
    [
      'forged fields of other proxies',
      undefined,
      () => ({ 'x-forwarded-client-cert': `Hash=${thumbprint(finance.certificate)}`, 'x-ssl-client-cert': finance.name }),
      'certificate_missing',
    ],
    [
      'a forged field of ours',
      undefined,
      () => ({ 'x-switchyard-client-certificate': `${Date.now()}.1.${der(finance.certificate).toString('base64url')}.AAAA` }),
      'certificate_missing',
    ],
  ])('A15: %s: 401, invalid_token, on record; also once the token is known', async (_id, pair, headers, reason) => {
    const token = boundTo(finance.certificate);
    const thief = clientWith(pair);
    for (const time of ['first', 'then']) {
      if (time === 'then') expect((await clientWith(finance).send(token)).status).toBe(200);
      edge.events.length = 0;
      const answer = await thief.send(token, headers());
      expect([answer.status, reasonOf(answer)]).toEqual([401, reason]);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token".*resource_metadata=".*\/mcp\/work"/);
      expect(await edge.event(({ type }) => type === 'auth.rejected')).toMatchObject({
        reason,
        outcome: 'denied',
        http_status: 401,
      });
    }
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'A15: a resumed session (%s) is the certificate that it began with',
    async (version) => {
      const only = { minVersion: version, maxVersion: version };
      const right = clientWith(finance, only);
      const wrong = clientWith(ops, only);
      const token = boundTo(finance.certificate);
      for (const isResumed of [false, true, true]) {
        expect(await right.send(token)).toMatchObject({ status: 200, isResumed });
        const answer = await wrong.send(token);
        expect([answer.status, reasonOf(answer), answer.isResumed]).toEqual([401, 'certificate_mismatch', isResumed]);
        right.reconnect();
        wrong.reconnect();
      }
    },
  );

  it('A15: an unbound token needs none, and says nothing of one', async () => {
    const token = issuer.token(edge.url, '/mcp/work');
    for (const pair of [undefined, finance, ops]) expect((await clientWith(pair).send(token)).status).toBe(200);
  });

  it('A15: a token that is bound to a key as well needs both; one that is bound in a way that is not known opens nothing', async () => {
    const key = newDpopKey();
    const bound = { 'x5t#S256': thumbprint(finance.certificate) };
    const token = boundTo(finance.certificate, { cnf: { ...bound, jkt: key.thumbprint } });
    const proof = () => ({
      authorization: `DPoP ${token}`,
      dpop: key.proof({ method: 'POST', url: `${edge.url}/mcp/work`, token }),
    });
    expect((await clientWith(finance).send('', proof())).status).toBe(200);
    expect(reasonOf(await clientWith(ops).send('', proof()))).toBe('certificate_mismatch');
    expect(reasonOf(await clientWith(finance).send(token))).toBe('token_bound');
    for (const cnf of [{ ...bound, 'x5t#S1': 'x' }, { 'x5t#S256': 7 }, {}, 'text', null])
      expect(reasonOf(await clientWith(finance).send(boundTo(finance.certificate, { cnf })))).toBe('token_invalid');
  });
});

describe('a listener that asks for certificates, beside the public one', () => {
  it('A15: asks, and the public one does not', async () => {
    const own = { listen: { host: 'localhost', port: 0 } };
    const tls = { certificate: 'tls.crt', key: 'tls.key', minVersion: 'TLSv1.2', clientCertificates: own } as const;
    const other = await edgeWith({ tls, file: `${folder}/edge.yaml` });
    const token = issuer.token(other.url, '/mcp/work', { cnf: { 'x5t#S256': thumbprint(finance.certificate) } });
    const host = { host: `localhost:${other.ports[0]}` };
    const answers = await Promise.all(other.ports.map((port) => clientWith(finance).send(token, host, port)));
    expect(answers.map((answer) => [answer.status, reasonOf(answer)])).toEqual([
      [401, 'certificate_missing'],
      [200, undefined],
    ]);
  });
});

describe('certificates that a proxy names (RFC 9440)', () => {
  const proxies = { addresses: ['127.0.0.1/32', '::1/128'], verified: true };
  const call = async (proxied: TestEdge, pem: string, headers: Headers) => {
    const token = issuer.token(proxied.url, '/mcp/work', { cnf: { 'x5t#S256': thumbprint(pem) } });
    const sent = { authorization: `Bearer ${token}`, ...headers };
    const { status, messages } = await exchange(proxied.url, { path: '/mcp/work', body: INITIALIZE, headers: sent });
    return [status, messages[0]?.error?.data['reason']];
  };

  it('A15: a listed proxy is believed, as often as it says so', async () => {
    const proxied = await edgeWith({ certificateProxies: proxies });
    for (let i = 0; i < 2; i += 1)
      expect(await call(proxied, finance.certificate, { 'client-cert': byteSequence(finance.certificate) })).toEqual([
        200,
        undefined,
      ]);
    const metadata = await (await fetch(`${proxied.url}/.well-known/oauth-protected-resource/mcp/work`)).json();
    expect(metadata).toMatchObject({ tls_client_certificate_bound_access_tokens: true });
  });

  it.each<[id: string, headers: Headers, reason: string]>([
    ['none', {}, 'certificate_missing'],
    ['another', { 'client-cert': byteSequence(ops.certificate) }, 'certificate_mismatch'],
    [
      'two',
      { 'client-cert': `${byteSequence(finance.certificate)}, ${byteSequence(finance.certificate)}` },
      'certificate_missing',
    ],
    ['PEM', { 'client-cert': der(finance.certificate).toString('base64') }, 'certificate_missing'],
    ['bytes that are none', { 'client-cert': ':AAAA:' }, 'certificate_missing'],
    [
      'the certificate and more',
      { 'client-cert': `:${Buffer.concat([der(finance.certificate), Buffer.from([0])]).toString('base64')}:` },
      'certificate_missing',
    ],
  ])('A15: a listed proxy names %s: 401', async (_id, headers, reason) => {
    const proxied = await edgeWith({ certificateProxies: proxies });
    expect(await call(proxied, finance.certificate, headers)).toEqual([401, reason]);
  });

  it('A15: nobody else is believed', async () => {
    const proxied = await edgeWith({ certificateProxies: { addresses: ['10.0.0.0/8', 'fd00::/8'], verified: true } });
    const headers = { 'client-cert': byteSequence(finance.certificate) };
    expect(await call(proxied, finance.certificate, headers)).toEqual([401, 'certificate_missing']);
  });
});

describe('what the authorization server is told', () => {
  const TLS = { certificate: 'tls.crt', key: 'tls.key', minVersion: 'TLSv1.2' } as const;
  let authServer: string;
  let told: IncomingHttpHeaders[] = [];
  const forged = { 'client-cert': byteSequence(finance.certificate), 'x-switchyard-client-certificate': 'x' };
  const lastTold = () => String(told.at(-1)?.['x-switchyard-client-certificate']).split('.');

  beforeAll(async () => {
    const service = createServer((request, response) => {
      told.push(request.headers);
      response.end('{}');
    });
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    undo.defer(() => void (service.closeAllConnections(), service.close()));
    authServer = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  });
  beforeEach(() => (told = []));

  it('A15: the certificate of the connection, authenticated, and nothing that outsiders say of one', async () => {
    const tls = { ...TLS, clientCertificates: {} };
    const other = await edgeWith({ authServer, tls, file: `${folder}/edge.yaml` });
    const host = { host: `localhost:${other.ports[0]}` };
    for (const pair of [undefined, ops]) await clientWith(pair).send('', { ...forged, ...host }, other.ports[0], '/oauth/token');
    expect(told.map((headers) => headers['client-cert'])).toEqual([undefined, undefined]);
    expect(told[0]?.['x-switchyard-client-certificate']).toBeUndefined();
    const [saidAt, verified, raw, mac] = lastTold();
    expect([verified, raw]).toEqual(['0', der(ops.certificate).toString('base64url')]);
    expect([saidAt, mac]).toEqual([expect.stringMatching(/^\d+$/), expect.stringMatching(/^[\w-]{43}$/)]);
  });

  it('A15: a connection that an authority has verified counts until the authorities change, and not until ours is renewed', async () => {
    const own = undo.use(await tempDir()).path;
    const write = async (files: Readonly<Record<string, string>>) => {
      for (const [name, text] of Object.entries(files)) await writeFile(`${own}/${name}`, text);
    };
    await write({ 'tls.crt': CERTIFICATE.cert, 'tls.key': CERTIFICATE.key, 'clients.crt': finance.certificate });
    const tls = { ...TLS, clientCertificates: { authorities: 'clients.crt' } };
    const other = await edgeWith({ authServer, tls, file: `${own}/edge.yaml` });
    const { send } = clientWith(finance);
    const host = { host: `localhost:${other.ports[0]}` };
    const verified = async () => {
      const { port } = await send('', host, other.ports[0], '/oauth/token');
      return [lastTold()[1], port];
    };
    const reloads = () => other.logged().split('TLS uses new files').length - 1;
    const [first, port] = await verified();
    expect(first).toBe('1');
    await write({ 'tls.crt': `${CERTIFICATE.cert}\n` });
    await eventually(() => reloads() === 1);
    expect(await verified()).toEqual(['1', port]);
    await write({ 'clients.crt': ops.certificate });
    await eventually(() => reloads() === 2);
    expect(await verified()).toEqual(['0', port]);
  });
});
