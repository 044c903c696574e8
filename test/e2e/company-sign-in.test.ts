import { tempDir, freePort } from '@switchyard/testing';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startCompanyIdp, type CompanyIdp } from '../../services/auth-server/src/fixtures/company-idp.js';
import { listenForRedirect, lookWithChromium, signInAtCompanyWithChromium, type Journey } from './clients/chromium.js';
import { OAuthMemory } from './clients/oauth-memory.js';
import { SDKS } from './clients/sdk-clients.js';
import { SWITCHYARD } from './targets/embedded.js';
import { REPOSITORY } from './targets/gateway-file.js';
import { startNode } from './targets/logged-process.js';

const everything = path.join(REPOSITORY, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');

const gatewayFile = (port: number, issuer: string) => `gateway: { port: ${port} }
identity:
  mode: oidc
  oidc: { title: Example Corp, issuer: "${issuer}", clientId: switchyard, clientSecret: "\${env:IDP_SECRET}", teamsClaim: groups }
teams:
  finance: { claims: [finance] }
upstreams:
  everything: { command: node, args: [${JSON.stringify(everything)}, stdio] }
servers:
  books:
    title: Books
    sources: [{ upstream: everything, tools: [echo] }]
    access: [{ teams: [finance] }]
`;

describe('people with a real browser sign in at the identity provider of their company', () => {
  const undo = new AsyncDisposableStack();
  let idp: CompanyIdp;
  let url: string;

  beforeAll(async () => {
    const { path: dir } = undo.use(await tempDir());
    const port = await freePort();
    idp = undo.use(await startCompanyIdp([`http://localhost:${port}/oauth/callback/company`]));
    await writeFile(path.join(dir, 'switchyard.yaml'), gatewayFile(port, idp.issuer));
    const gateway = startNode({
      name: 'switchyard up',
      args: [SWITCHYARD, 'up'],
      env: { IDP_SECRET: idp.clientSecret },
      cwd: dir,
    });
    undo.defer(async () => void (await gateway.end('SIGTERM')));
    await gateway.written(/^Switchyard serves /m);
    url = `http://localhost:${port}/mcp/books`;
  }, 300_000);
  afterAll(() => undo.disposeAsync());

  const signInAs = (sub: string, groups: string[]) => {
    idp.who = { sub, claims: { email: `${sub}@example.com`, email_verified: true, groups } };
    idp.employees.set(sub, idp.who);
  };

  it.each(Object.values(SDKS).map((sdk) => [sdk.id, sdk] as const))(
    'C-1 %s: over the company to a call that its group allows',
    async (_id, sdk) => {
      signInAs('ana', ['finance']);
      await using redirect = await listenForRedirect();
      const oauth = new OAuthMemory({ redirectUrl: redirect.url, clientName: `${sdk.id} of the tests` });
      let journey: Journey | undefined;
      const signIn = async (authorizationUrl: URL) =>
        (journey = await signInAtCompanyWithChromium(authorizationUrl, 'Example Corp')).back;
      await sdk.authorize({ url, fetch, oauth }, signIn, '');
      expect(journey).toMatchObject({ signInHeading: 'Sign in', consentHeading: `Allow ${sdk.id} of the tests to use “Books”?` });
      expect(journey?.complaints).toEqual([]);
      await using client = await sdk.connect({ url, fetch, oauth });
      expect(await client.callTool('echo', { message: 'in' })).toBe('Echo: in');
    },
    60_000,
  );

  it('C-2 shows what to do where the company does not let somebody in', async () => {
    idp.who = undefined;
    await using redirect = await listenForRedirect();
    const oauth = new OAuthMemory({ redirectUrl: redirect.url, clientName: 'The tests' });
    let heading = '';
    const giveUp = async (authorizationUrl: URL) => {
      heading = await lookWithChromium(authorizationUrl, 'Continue with Example Corp', 'let you in', 'company-refusal');
      return new URL(`${redirect.url}?error=access_denied`);
    };
    await expect(SDKS.v2.authorize({ url, fetch, oauth }, giveUp, '')).rejects.toThrow();
    expect(heading).toBe('Your company’s sign-in did not let you in');
  }, 300_000);
});
