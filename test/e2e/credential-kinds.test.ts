import {
  CERTIFICATE,
  CLIENT_CERTIFICATES,
  startScriptedUpstream,
  tempDir,
  type ScriptedUpstream,
  freePort,
} from '@switchyard/testing';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { startExchangingServer, type ExchangingServer } from '../../services/auth-server/src/fixtures/exchanging-server.js';
import { OAuthMemory } from './clients/oauth-memory.js';
import { SDKS, type McpClient } from './clients/sdk-clients.js';
import { signInWithForms } from './clients/sign-in.js';
import { SWITCHYARD } from './targets/embedded.js';
import { startNode, type LoggedProcess } from './targets/logged-process.js';

const SECRETS = {
  FINANCE_KEY: 'canary-key-of-finance',
  OPS_KEY: 'canary-key-of-ops',
  PASSWORD: 'canary-pass-word',
  CLIENT_SECRET: 'canary-client',
};

interface Addresses {
  readonly port: number;
  readonly plain: string;
  readonly tls: string;
  readonly tokens: string;
  readonly exchange: string;
}

const gatewayFile = ({ port, plain, tls, tokens, exchange }: Addresses) => `gateway: { port: ${port} }
teams:
  finance: { emails: [ana@example.com] }
  ops: { emails: [bea@example.com, ana@example.com] }
upstreams:
  teams: { url: "${plain}", credential: { type: bearer, perTeam: { finance: "\${env:FINANCE_KEY}", ops: "\${env:OPS_KEY}" } } }
  claims: { url: "${plain}", headers: { X-Beside: beside }, credential: { type: user-claims } }
  basic: { url: "${plain}", credential: { type: basic, username: gateway, password: "\${env:PASSWORD}" } }
  service: { url: "${plain}", credential: { type: client-credentials, tokenUrl: "${tokens}", clientId: gw, clientSecret: "\${env:CLIENT_SECRET}" } }
  exchanged: { url: "${plain}", credential: { type: token-exchange, issuer: "${exchange}", clientId: gateway, clientSecret: "\${env:EXCHANGE_SECRET}" } }
  tls: { url: "${tls}", credential: { type: mtls, certificate: "\${file:client.pem}", key: "\${file:client.key}" } }
servers:
${['teams', 'claims', 'basic', 'service', 'exchanged', 'tls'].map((name) => `  ${name}: { sources: [{ upstream: ${name} }], access: [{ everyone: true }] }`).join('\n')}
`;

const listen = async (server: Server) => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};
const stop = (server: Server) => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve)));

describe('what upstreams are shown, through the whole gateway', () => {
  const undo = new AsyncDisposableStack();
  const certified: string[] = [];
  let tokenRequests = 0;
  let upstream: ScriptedUpstream;
  let exchanging: ExchangingServer;
  let gateway: LoggedProcess;
  let origin: string;

  beforeAll(async () => {
    const { path: dir } = undo.use(await tempDir());
    upstream = undo.use(await startScriptedUpstream({ name: 'up', tools: ['act'] }));
    const issuer = createServer((_request, response) => {
      tokenRequests += 1;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ access_token: `canary-token-${tokenRequests}`, token_type: 'Bearer', expires_in: 3600 }));
    });
    undo.defer(async () => void (await stop(issuer)));
    // Shows whose certificate it was, and passes on.
    const tls = createTlsServer({ ...CERTIFICATE, requestCert: true, rejectUnauthorized: false }, (request, response) => {
      certified.push(String((request.socket as TLSSocket).getPeerCertificate().subject?.CN));
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { host: _host, connection: _connection, ...headers } = request.headers as Record<string, string>;
        const init = { method: request.method ?? 'GET', headers, ...(chunks.length > 0 && { body: Buffer.concat(chunks) }) };
        fetch(upstream.url, init)
          .then(async (answer) => {
            const body = Buffer.from(await answer.arrayBuffer());
            response.writeHead(answer.status, Object.fromEntries(answer.headers));
            response.end(body);
          })
          .catch(() => response.destroy());
      });
    });
    undo.defer(async () => void (await stop(tls)));
    const port = await freePort();
    origin = `http://localhost:${port}`;
    const tokens = `http://127.0.0.1:${await listen(issuer)}/token`;
    exchanging = undo.use(await startExchangingServer(origin));
    const addresses = {
      ...{ port, plain: upstream.url, tls: `https://localhost:${await listen(tls)}/mcp` },
      ...{ tokens, exchange: exchanging.issuer },
    };
    await writeFile(path.join(dir, 'switchyard.yaml'), gatewayFile(addresses));
    await writeFile(path.join(dir, 'client.pem'), CLIENT_CERTIFICATES.finance.certificate);
    await writeFile(path.join(dir, 'client.key'), CLIENT_CERTIFICATES.finance.key);
    await writeFile(path.join(dir, 'ca.pem'), CERTIFICATE.cert);
    const env = { ...SECRETS, EXCHANGE_SECRET: exchanging.clientSecret, NODE_EXTRA_CA_CERTS: path.join(dir, 'ca.pem') };
    gateway = startNode({ name: 'switchyard up', args: [SWITCHYARD, 'up', '--verbose'], env, cwd: dir });
    undo.defer(async () => void (await gateway.end('SIGTERM')));
    await gateway.written(/^Switchyard serves /m);
  }, 300_000);
  afterAll(() => undo.disposeAsync());

  async function signIn(person: string, slug: string): Promise<McpClient> {
    const memory = new OAuthMemory({ redirectUrl: 'http://127.0.0.1:33418/callback', clientName: 'kinds' });
    const options = { url: `${origin}/mcp/${slug}`, fetch: globalThis.fetch, oauth: memory };
    await SDKS.v2.authorize(options, signInWithForms, `${person}@example.com`);
    return SDKS.v2.connect(options);
  }

  /** Calls once as a person. @returns the header fields of every request that the upstream received meanwhile */
  async function shownFor(person: string, slug: string) {
    await using client = await signIn(person, slug);
    const before = upstream.received.length;
    expect(await client.callTool('act', {})).toBe('up: act');
    return upstream.received.slice(before).map(({ headers }) => headers);
  }

  const claimsOf = (headers: Readonly<Record<string, string | string[] | undefined>>) =>
    JSON.parse(Buffer.from(String(headers['x-switchyard-user']).split('.')[1] ?? '', 'base64url').toString()) as Record<
      string,
      unknown
    >;

  it('KE-1 each team’s key for its members, the first where somebody is in several', async () => {
    const keys = async (person: string) => new Set((await shownFor(person, 'teams')).map(({ authorization }) => authorization));
    expect(await keys('ana')).toEqual(new Set([`Bearer ${SECRETS.FINANCE_KEY}`]));
    expect(await keys('bea')).toEqual(new Set([`Bearer ${SECRETS.OPS_KEY}`]));
  });

  it('KE-2 who is in no team is told so, and the upstream hears nothing', async () => {
    await using client = await signIn('emil', 'teams');
    const before = upstream.received.length;
    await expect(client.callTool('act', {})).rejects.toMatchObject({ data: { reason: 'credential_unavailable' } });
    await expect(client.callTool('act', {})).rejects.toThrow(/you are in none of them\. Ask the gateway’s administrators/);
    expect(upstream.received.length).toBe(before);
  });

  it('KE-3 each person’s own signed claims, beside fixed header fields, and keys that verify them', async () => {
    const response = await fetch(`${origin}/.well-known/switchyard-user-jwks.json`);
    const { keys } = (await response.json()) as { keys: { kid: string }[] };
    for (const person of ['ana', 'bea', 'ana']) {
      const shown = await shownFor(person, 'claims');
      for (const headers of shown) {
        expect(claimsOf(headers)).toMatchObject({
          iss: origin,
          aud: upstream.url,
          email: `${person}@example.com`,
          tenant: 'default',
        });
        expect([headers['x-beside'], headers.authorization]).toEqual(['beside', undefined]);
        const { kid } = JSON.parse(
          Buffer.from(String(headers['x-switchyard-user']).split('.')[0] ?? '', 'base64url').toString(),
        ) as { kid: string };
        expect(keys.map((key) => key.kid)).toContain(kid);
      }
      expect(shown.length).toBeGreaterThan(0);
    }
    expect(claimsOf((await shownFor('ana', 'claims'))[0] ?? {})['teams']).toEqual(['finance', 'ops']);
  });

  it('KE-4 user name and password', async () => {
    const expected = `Basic ${Buffer.from(`gateway:${SECRETS.PASSWORD}`).toString('base64')}`;
    expect(new Set((await shownFor('bea', 'basic')).map(({ authorization }) => authorization))).toEqual(new Set([expected]));
  });

  it('KE-5 a token that the gateway has got for itself, once for everybody', async () => {
    for (const person of ['ana', 'bea'])
      expect(new Set((await shownFor(person, 'service')).map(({ authorization }) => authorization))).toEqual(
        new Set(['Bearer canary-token-1']),
      );
    expect(tokenRequests).toBe(1);
  });

  it('KE-6 a client certificate', async () => {
    await shownFor('ana', 'tls');
    expect(new Set(certified)).toEqual(new Set([CLIENT_CERTIFICATES.finance.name]));
  });

  it('KE-8 a token of each person’s own, for what the gateway states of them, and none of the gateway’s', async () => {
    for (const person of ['ana', 'bea']) exchanging.accounts.add(`${person}@example.com`);
    for (const person of ['ana', 'bea']) {
      const shown = await shownFor(person, 'exchanged');
      expect(shown.length).toBeGreaterThan(0);
      const whose = shown.map(({ authorization }) => exchanging.given.get(String(authorization).replace(/^Bearer /, '')));
      expect(new Set(whose)).toEqual(new Set([`${person}@example.com`]));
    }
    await using client = await signIn('emil', 'exchanged');
    const before = upstream.received.length;
    await expect(client.callTool('act', {})).rejects.toThrow(/does not accept what this gateway states of you/);
    expect(upstream.received.length).toBe(before);
  });

  it('KE-7 nothing of it is in the log', () => {
    expect(gateway.output()).not.toMatch(/canary-|BEGIN .*PRIVATE/);
    for (const token of exchanging.given.keys()) expect(gateway.output()).not.toContain(token);
  });
});
