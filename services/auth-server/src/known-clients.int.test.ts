import { systemClock } from '@switchyard/runtime';
import { SqliteState } from '@switchyard/state';
import { tempDir, type TempDir } from '@switchyard/testing';
import path from 'node:path';
import { startServers, type RunningServers } from './fixtures/running-server.js';
import { shown, TestBrowser } from './fixtures/test-browser.js';
import { TestClient } from './fixtures/test-client.js';

/** What widely used MCP clients register, and where they then want the answer. Ports and ids are theirs to choose. */
const CLIENTS: readonly (readonly [id: string, metadata: Record<string, unknown>, usesRedirect: string])[] = [
  [
    'claude.ai',
    { client_name: 'Claude', redirect_uris: ['https://claude.ai/api/mcp/auth_callback'] },
    'https://claude.ai/api/mcp/auth_callback',
  ],
  [
    'claude.com',
    { client_name: 'Claude', redirect_uris: ['https://claude.com/api/mcp/auth_callback'] },
    'https://claude.com/api/mcp/auth_callback',
  ],
  [
    'Claude Code',
    { client_name: 'Claude Code (work)', redirect_uris: ['http://localhost:51234/callback'] },
    'http://localhost:51234/callback',
  ],
  [
    'Claude Code, another port at the next start',
    { client_name: 'Claude Code (work)', redirect_uris: ['http://localhost:51234/callback'] },
    'http://localhost:60999/callback',
  ],
  [
    'ChatGPT',
    { client_name: 'ChatGPT', redirect_uris: ['https://chatgpt.com/connector_platform_oauth_redirect'] },
    'https://chatgpt.com/connector_platform_oauth_redirect',
  ],
  [
    'ChatGPT, one address for each connector',
    { client_name: 'ChatGPT', redirect_uris: ['https://chatgpt.com/connector/oauth/AbC_dEf-1234'] },
    'https://chatgpt.com/connector/oauth/AbC_dEf-1234',
  ],
  [
    'Cursor',
    { client_name: 'Cursor', redirect_uris: ['cursor://anysphere.cursor-mcp/oauth/callback'] },
    'cursor://anysphere.cursor-mcp/oauth/callback',
  ],
  [
    'Cursor, older',
    { client_name: 'Cursor', redirect_uris: ['cursor://anysphere.cursor-retrieval/oauth/user-work/callback'] },
    'cursor://anysphere.cursor-retrieval/oauth/user-work/callback',
  ],
  ...[
    'https://vscode.dev/redirect',
    'https://insiders.vscode.dev/redirect',
    'http://127.0.0.1:49152/',
    'http://localhost:33418/',
  ].map(
    (redirectUri) =>
      [
        `VS Code, ${redirectUri}`,
        {
          client_name: 'Visual Studio Code',
          redirect_uris: [
            'https://insiders.vscode.dev/redirect',
            'https://vscode.dev/redirect',
            'http://localhost/',
            'http://127.0.0.1/',
            'http://localhost:33418/',
            'http://127.0.0.1:33418/',
          ],
          client_uri: 'https://code.visualstudio.com',
          grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
          response_types: ['code'],
          application_type: 'native',
        },
        redirectUri,
      ] as const,
  ),
  [
    'MCP Inspector',
    {
      client_name: 'MCP Inspector',
      redirect_uris: ['http://localhost:6274/oauth/callback', 'http://localhost:6274/oauth/callback/debug'],
    },
    'http://localhost:6274/oauth/callback/debug',
  ],
];

describe('clients that people use', () => {
  let dir: TempDir;
  let state: SqliteState;
  let servers: RunningServers;

  beforeAll(async () => {
    dir = await tempDir();
    state = SqliteState.open(path.join(dir.path, 'state.sqlite'));
    servers = await startServers({ states: [state], clock: systemClock, dir: dir.path });
  });
  afterAll(async () => {
    await servers.close();
    await state.close();
    await dir[Symbol.asyncDispose]();
  });

  it.each(CLIENTS)('A4 %s: registers, signs in and refreshes', async (_id, metadata, redirectUri) => {
    const client = new TestClient(servers.publicUrl, servers.urls);
    expect((await client.register(metadata)).status).toBe(201);
    const tokens = await client.redeem(await client.obtainCode({ redirect_uri: redirectUri }));
    expect(tokens.status).toBe(200);
    expect((await client.refresh(String(tokens.json['refresh_token']))).status).toBe(200);
  });

  it.each([
    ['another path of a host', 'https://claude.ai/api/mcp/auth_callback2'],
    ['a host below it', 'https://x.claude.ai/api/mcp/auth_callback'],
    ['a host that ends alike', 'https://evilclaude.ai/api/mcp/auth_callback'],
    ['its port', 'https://claude.ai:444/api/mcp/auth_callback'],
    ['loopback', 'http://localhost/api/mcp/auth_callback'],
  ])('A4 an answer goes nowhere else: %s', async (_id, redirectUri) => {
    const client = new TestClient(servers.publicUrl, servers.urls);
    await client.register({ redirect_uris: ['https://claude.ai/api/mcp/auth_callback'] });
    const browser = new TestBrowser(servers.publicUrl, servers.urls);
    const page = shown(await browser.open(client.authorizationUrl({ redirect_uri: redirectUri }).url));
    expect([page.status, page.text.includes('The answer would go to the wrong place')]).toEqual([400, true]);
  });
});
