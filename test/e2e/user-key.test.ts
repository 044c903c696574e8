import { eventually, startScriptedUpstream, tempDir, type ScriptedUpstream, freePort } from '@switchyard/testing';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchChromium, SCREENSHOTS } from './clients/chromium.js';
import { OAuthMemory } from './clients/oauth-memory.js';
import { SDKS, type McpClient } from './clients/sdk-clients.js';
import { signInWithForms } from './clients/sign-in.js';
import { SWITCHYARD } from './targets/embedded.js';
import { startNode, type LoggedProcess } from './targets/logged-process.js';

const HELP = 'https://tracker.example/settings/tokens';

const gatewayFile = (port: number, url: string) => `gateway: { port: ${port} }
upstreams:
  tracker: { url: "${url}", credential: { type: user-key, name: X-Tracker-Key, label: Personal access token, helpUrl: "${HELP}" } }
servers:
  work: { sources: [{ upstream: tracker }], access: [{ everyone: true }] }
`;

/** A server that lets in whoever shows a key that it knows. */
async function startKeyed(keys: ReadonlySet<string>, behind: ScriptedUpstream) {
  const shown: (string | undefined)[] = [];
  const server: Server = createServer((request, response) => {
    const key = request.headers['x-tracker-key'];
    shown.push(typeof key === 'string' ? key : undefined);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (!keys.has(String(key))) return void response.writeHead(401).end();
      const { host: _host, connection: _connection, ...headers } = request.headers as Record<string, string>;
      const init = { method: request.method ?? 'GET', headers, ...(chunks.length > 0 && { body: Buffer.concat(chunks) }) };
      fetch(behind.url, init)
        .then(async (answer) => {
          const body = Buffer.from(await answer.arrayBuffer());
          response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(body);
        })
        .catch(() => response.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    shown,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('people enter keys of their own for an upstream, in a real browser', () => {
  const undo = new AsyncDisposableStack();
  const keys = new Set(['canary-key-of-ana', 'canary-key-of-bea', 'canary-key-of-ana-2']);
  let keyed: Awaited<ReturnType<typeof startKeyed>>;
  let gateway: LoggedProcess;
  let browser: Browser;
  let origin: string;
  let adminKey: string;
  const complaints: string[] = [];
  const clients = new Map<string, McpClient>();
  const pages = new Map<string, Page>();

  beforeAll(async () => {
    const { path: dir } = undo.use(await tempDir());
    const behind = undo.use(await startScriptedUpstream({ name: 'tracker', tools: ['act'] }));
    keyed = undo.use(await startKeyed(keys, behind));
    const port = await freePort();
    origin = `http://localhost:${port}`;
    await writeFile(path.join(dir, 'switchyard.yaml'), gatewayFile(port, keyed.url));
    gateway = startNode({ name: 'switchyard up', args: [SWITCHYARD, 'up', '--verbose'], env: {}, cwd: dir });
    undo.defer(async () => void (await gateway.end('SIGTERM')));
    await gateway.written(/^Switchyard serves /m);
    const cli = await readFile(path.join(dir, '.switchyard/cli.json'), 'utf8');
    adminKey = (JSON.parse(cli) as { readonly key: string }).key;
    browser = await launchChromium();
    undo.defer(() => browser.close());
    for (const name of ['ana', 'bea']) {
      const memory = new OAuthMemory({ redirectUrl: 'http://127.0.0.1:33418/callback', clientName: 'keys' });
      const options = { url: `${origin}/mcp/work`, fetch: globalThis.fetch, oauth: memory };
      await SDKS.v2.authorize(options, signInWithForms, `${name}@example.com`);
      clients.set(name, undo.use(await SDKS.v2.connect(options)));
      const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
      page.on('console', (message) => void complaints.push(message.text()));
      page.on('pageerror', (error) => void complaints.push(error.message));
      pages.set(name, page);
    }
  }, 300_000);
  afterAll(() => undo.disposeAsync(), 60_000);

  /** What comes of a call: its text, also where it is an error. */
  const call = (name: string): Promise<string> =>
    clients
      .get(name)!
      .callTool('act', {})
      .catch((error: unknown) => String((error as Error).message));

  const shoot = async (page: Page, name: string) => {
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
      await page.screenshot({ path: path.join(SCREENSHOTS, `${name}-${width}.png`), fullPage: true });
    }
  };

  /** Opens a page of connections, signing in where that is asked. */
  async function open(name: string, address: string): Promise<Page> {
    const page = pages.get(name)!;
    await page.goto(address);
    const email = page.getByLabel('E-mail address');
    if ((await email.count()) === 0) return page;
    await email.fill(`${name}@example.com`);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('Your account at this gateway').waitFor();
    return page;
  }

  const heading = (page: Page) => page.getByRole('heading', { level: 1 }).innerText();

  it('UK-1 a call says where, the form takes the key, and the call goes on with it', async () => {
    for (const name of ['ana', 'bea']) {
      expect(await call(name)).toContain(`${origin}/connect/tracker`);
      const page = await open(name, `${origin}/connect/tracker`);
      expect(await heading(page)).toBe('Connect tracker');
      const field = page.getByLabel('Personal access token');
      expect([await field.getAttribute('type'), await field.inputValue()]).toEqual(['password', '']);
      expect(await page.getByRole('link', { name: 'Where to find it' }).getAttribute('href')).toBe(HELP);
      if (name === 'ana') await shoot(page, 'key-form');
      await field.fill(`canary-key-of-${name}`);
      await page.getByRole('button', { name: 'Connect tracker' }).click();
      await page.getByRole('heading', { name: 'tracker is connected' }).waitFor();
      if (name === 'ana') await shoot(page, 'key-connected');
      const before = keyed.shown.length;
      expect(await call(name)).toBe('tracker: act');
      expect(new Set(keyed.shown.slice(before))).toEqual(new Set([`canary-key-of-${name}`]));
    }
  }, 300_000);

  it('UK-2 what cannot be a key is said beside the field', async () => {
    const page = await open('ana', `${origin}/connect/tracker?replace=default`);
    await page.getByLabel('Personal access token').fill('café');
    await page.getByRole('button', { name: 'Replace the key' }).click();
    expect(await page.getByRole('alert').innerText()).toContain('holds characters that no key has');
    await shoot(page, 'key-problem');
    expect(await call('ana')).toBe('tracker: act');
  });

  it('UK-3 a key that the upstream refuses has ended, is not tried again, and another takes its place', async () => {
    keys.delete('canary-key-of-ana');
    expect(await call('ana')).toContain(`${origin}/connect/tracker`);
    const before = keyed.shown.length;
    expect(await call('ana')).toContain(`${origin}/connect/tracker`);
    expect(keyed.shown.slice(before)).toEqual([]);
    expect(await call('bea')).toBe('tracker: act');
    const page = await open('ana', `${origin}/connect/tracker`);
    await page.getByText('has ended: connect it again').waitFor();
    await shoot(page, 'key-ended');
    await page.getByLabel('Personal access token').fill('canary-key-of-ana-2');
    await page.getByRole('button', { name: 'Connect tracker' }).click();
    await page.getByRole('heading', { name: 'tracker is connected' }).waitFor();
    expect(await call('ana')).toBe('tracker: act');
  }, 300_000);

  it('UK-4 of several one is chosen; who disconnects is asked again', async () => {
    const page = await open('ana', `${origin}/connect/tracker`);
    await page.getByLabel('Connect another account').fill('work');
    await page.getByLabel('Personal access token').fill('canary-key-of-bea');
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await page.getByRole('heading', { name: 'tracker is connected' }).waitFor();
    const list = await open('ana', `${origin}/connect/tracker`);
    await shoot(list, 'key-several');
    await list.getByRole('button', { name: 'Use this one' }).click();
    await list.getByText('work · connected · used for calls').waitFor();
    const before = keyed.shown.length;
    expect(await call('ana')).toBe('tracker: act');
    expect(keyed.shown.slice(before)).toContain('canary-key-of-bea');
    await list.getByRole('button', { name: 'Disconnect' }).first().click();
    await list.getByRole('heading', { name: 'Your connection to tracker' }).waitFor();
    await list.getByRole('button', { name: 'Disconnect' }).click();
    await list.getByRole('heading', { name: 'Connect tracker' }).waitFor();
    expect(await call('ana')).toContain(`${origin}/connect/tracker`);
  }, 300_000);

  it('UK-5 an administrator ends somebody’s, and the edge uses it no more within a second', async () => {
    const api = async (method: string, route: string): Promise<unknown> => {
      const response = await fetch(`${origin}/api/v1/people${route}`, {
        method,
        headers: { authorization: `Bearer ${adminKey}` },
      });
      expect(response.ok).toBe(true);
      return response.status === 204 ? undefined : response.json();
    };
    const { people } = (await api('GET', '')) as { readonly people: readonly { readonly id: string; readonly email: string }[] };
    const bea = people.find(({ email }) => email === 'bea@example.com')?.id ?? '';
    expect(await call('bea')).toBe('tracker: act');
    expect(await api('GET', `/${bea}/connections`)).toMatchObject({ connections: [{ upstream: 'tracker', state: 'connected' }] });
    await api('DELETE', `/${bea}/connections`);
    const endedAt = performance.now();
    let lastUseMs = 0;
    await eventually(async () => {
      const beganAt = performance.now();
      const isAsked = (await call('bea')).includes('/connect/tracker');
      if (!isAsked) lastUseMs = beganAt - endedAt;
      return isAsked;
    });
    expect(lastUseMs).toBeLessThan(1_000);
    expect(await api('GET', `/${bea}/connections`)).toEqual({ connections: [] });
  });

  it('UK-6 no page complained, and no key is in the log', () => {
    expect(complaints.filter((text) => !text.includes('status of 400'))).toEqual([]);
    expect(gateway.output()).not.toContain('canary-key');
  });
});
