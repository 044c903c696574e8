import { FormBrowser, tempDir, type ShownPage } from '@switchyard/testing';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { connectWithChromium } from './clients/chromium.js';
import { OAuthMemory } from './clients/oauth-memory.js';
import { SDKS } from './clients/sdk-clients.js';
import { signInWithForms } from './clients/sign-in.js';
import { SWITCHYARD } from './targets/embedded.js';
import { freePorts } from './targets/free-ports.js';
import { REPOSITORY } from './targets/gateway-file.js';
import { startNode } from './targets/logged-process.js';

const gatewayFile = (port: number, url: string) => `gateway: { port: ${port} }
identity: { mode: dev }
upstreams:
  notes: { url: "${url}", credential: { type: oauth } }
servers:
  work:
    title: Work
    sources: [{ upstream: notes }]
    access: [{ everyone: true, tools: ["*"] }]
`;

const shown = (result: ShownPage | URL): ShownPage => {
  if (result instanceof URL) throw new Error(`no page, but a way to ${result.href}`);
  return result;
};
const sentTo = (result: ShownPage | URL): URL => {
  if (result instanceof URL) return result;
  throw new Error(`a page (${result.status}), not a way elsewhere: ${result.text}`);
};

describe('people use their own accounts at an upstream', () => {
  const undo = new AsyncDisposableStack();
  let publicUrl: string;
  let notes: URL;

  beforeAll(async () => {
    const { path: dir } = undo.use(await tempDir());
    const upstream = startNode({
      name: 'notes',
      args: [path.join(REPOSITORY, 'test/e2e/targets/account-upstream.mjs')],
      env: {},
      cwd: dir,
    });
    undo.defer(async () => void (await upstream.end('SIGKILL')));
    await upstream.written(/^listening at /m);
    notes = new URL(/^listening at (\S+)/m.exec(upstream.output())?.[1] ?? '');
    const [port = 0] = await freePorts(1);
    publicUrl = `http://localhost:${port}`;
    await writeFile(path.join(dir, 'switchyard.yaml'), gatewayFile(port, notes.href));
    const gateway = startNode({ name: 'switchyard up', args: [SWITCHYARD, 'up'], env: {}, cwd: dir });
    undo.defer(async () => void (await gateway.end('SIGTERM')));
    await gateway.written(/^Switchyard serves /m);
  }, 60_000);
  afterAll(() => undo.disposeAsync());

  /** Opens the page that the call named, signs in at the gateway, agrees, signs in at the upstream, and comes back. */
  const connect = async (connectUrl: string, email: string, account: string) => {
    const browser = new FormBrowser(publicUrl);
    const signIn = shown(await browser.open(connectUrl));
    const page = shown(await browser.submit(signIn, { email, do: 'sign-in' }));
    expect(page.text).toContain(email);
    const there = new FormBrowser(notes.origin);
    const form = shown(await there.open(sentTo(await browser.submit(page, { do: 'connect' }))));
    return shown(await browser.open(sentTo(await there.submit(form, { account }))));
  };

  it('U-1 two people: each is told where to connect, connects, and is themselves at the upstream', async () => {
    const url = `${publicUrl}/mcp/work`;
    const people = { 'ana@example.com': 'ana-at-notes', 'ben@example.com': 'ben-at-notes' };
    const clients = [];
    for (const [email, account] of Object.entries(people)) {
      const oauth = new OAuthMemory({ redirectUrl: 'http://127.0.0.1:5123/callback', clientName: 'The tests' });
      await SDKS.v1.authorize({ url, fetch, oauth }, signInWithForms, email);
      const client = await SDKS.v1.connect({ url, fetch, oauth });
      clients.push({ client, account });
      const said = await client.callTool('whoami', {}).catch((error: unknown) => JSON.stringify(error) + String(error));
      expect(said).toContain(`${publicUrl}/connect/notes`);
      const done = await connect(`${publicUrl}/connect/notes`, email, account);
      expect(done.text).toContain('notes is connected');
    }
    for (const { client, account } of clients) expect(await client.callTool('whoami', {})).toBe(account);
    await Promise.all(clients.map(({ client }) => client[Symbol.asyncDispose]()));
  }, 60_000);

  it('U-2 somebody connects with a real browser', async () => {
    const journey = await connectWithChromium(`${publicUrl}/connect/notes`, 'cleo@example.com', 'cleo-at-notes');
    expect(journey).toEqual({ askedHeading: 'Connect notes', doneHeading: 'notes is connected', complaints: [] });
  }, 60_000);
});
