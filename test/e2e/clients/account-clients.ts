import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { eventually, tempDir, freePort } from '@switchyard/testing';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { listenForRedirect } from './chromium.js';
import { inspectorSignedIn } from './inspector.js';
import { OAuthMemory } from './oauth-memory.js';
import type { Person } from './person.js';
import { SDKS, type Sdk } from './sdk-clients.js';
import { REPOSITORY } from '../targets/gateway-file.js';

/** An app of somebody who has let it in. */
export interface AccountClient extends AsyncDisposable {
  /** Calls `whoami`. @returns the text that the model gets */
  whoami(): Promise<string>;
  /** Everything that the app was sent, and what it keeps. */
  received(): Promise<string>;
  /** The tokens of the gateway that it has. */
  tokens(): Promise<string[]>;
}

/** What an app needs to open. */
export interface Opening {
  readonly url: string;
  readonly person: Person;
  /** Shows the person a page that the gateway asks for. */
  readonly visit: (url: URL) => void;
}

/** A kind of app, unmodified. */
export interface AppKind {
  readonly id: string;
  /** Whether it shows its user what the gateway asks for; the model is told where it does not. */
  readonly asksItsUser: boolean;
  open(opening: Opening): Promise<AccountClient>;
}

function sdkApp(sdk: Sdk, asksItsUser: boolean): AppKind {
  const id = `${sdk.id} ${asksItsUser ? 'with' : 'without'} URL elicitation`;
  return {
    id,
    asksItsUser,
    open: async ({ url, person, visit }) => {
      await using undo = new AsyncDisposableStack();
      const redirect = undo.use(await listenForRedirect());
      const oauth = new OAuthMemory({ redirectUrl: redirect.url, clientName: `${sdk.id} of ${person.name}` });
      const seen: Promise<string>[] = [];
      const watched: typeof fetch = async (input, init) => {
        const response = await fetch(input, init);
        seen.push(textOf(response));
        return response;
      };
      const options = { url, fetch: watched, oauth, ...(asksItsUser && { visit }) };
      await sdk.authorize(options, (authorizationUrl) => person.signIn(authorizationUrl), '');
      const client = undo.use(await sdk.connect(options));
      const opened = undo.move();
      return {
        whoami: () => client.callTool('whoami', {}),
        received: async () => {
          await opened.disposeAsync();
          return (await Promise.all(seen)).join('\n');
        },
        tokens: async () => oauth.issued.flatMap((set) => [set.access_token, set.refresh_token ?? '']),
        [Symbol.asyncDispose]: () => opened.disposeAsync(),
      };
    },
  };
}

/** Its header fields and body. */
async function textOf(response: Response): Promise<string> {
  const parts: Buffer[] = [];
  try {
    for await (const part of response.clone().body ?? []) parts.push(Buffer.from(part));
  } catch {
    // A stream that its client leaves.
    parts.push(Buffer.from('\n(left)'));
  }
  return `${JSON.stringify([...response.headers])}\n${Buffer.concat(parts).toString('utf8')}`;
}

const MCP_REMOTE = path.join(REPOSITORY, 'node_modules/mcp-remote/dist/proxy.js');
const AUTHORIZE = /(https?:\/\/\S+\/oauth\/authorize\?\S+)/;

const mcpRemote: AppKind = {
  id: 'mcp-remote',
  asksItsUser: true,
  open: async ({ url, person, visit }) => {
    await using undo = new AsyncDisposableStack();
    const home = undo.use(await tempDir());
    const port = await freePort();
    const { PATH = '' } = process.env;
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [MCP_REMOTE, url, String(port), '--auth-timeout', '60'],
      // It would open the browser of this machine.
      env: { PATH, HOME: home.path, MCP_REMOTE_CONFIG_DIR: home.path, BROWSER: '/bin/true' },
      stderr: 'pipe',
    });
    let said = '';
    transport.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    const client = new Client({ name: 'host-of-mcp-remote', version: '1.0.0' }, { capabilities: { elicitation: { url: {} } } });
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      visit(new URL((params as { readonly url: string }).url));
      return { action: 'accept' };
    });
    undo.defer(() => client.close());
    const connecting = client.connect(transport);
    const signingIn = eventually(() => AUTHORIZE.exec(said)?.[1] ?? false, { timeoutMs: 30_000 }).then((at) =>
      person.signIn(new URL(at)),
    );
    await Promise.all([connecting, signingIn]).catch((cause: unknown) => {
      throw new Error(`mcp-remote did not get in:\n${said}`, { cause });
    });
    const opened = undo.move();
    const texts: string[] = [];
    return {
      whoami: async () => {
        const { content } = await client.callTool({ name: 'whoami', arguments: {} });
        const text = (content as { readonly text: string }[]).map((part) => part.text).join('\n');
        texts.push(text);
        return text;
      },
      received: async () => [said, ...texts, ...(await filesIn(home.path))].join('\n'),
      tokens: async () => tokensIn(await filesIn(home.path)),
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  },
};

const inspector: AppKind = {
  id: 'MCP Inspector',
  asksItsUser: false,
  open: async ({ url, person }) => {
    await using undo = new AsyncDisposableStack();
    const home = undo.use(await tempDir());
    const port = await freePort();
    const printed: string[] = [];
    const call = async (tool: string) => {
      const place = { url, home: home.path, callbackPort: port };
      const args = ['--method', 'tools/call', '--tool-name', tool];
      const { text, output } = await inspectorSignedIn(place, (at) => person.signIn(at), args);
      printed.push(output);
      return text;
    };
    // It calls nothing that is not listed; what is not connected is in no list, and this tool says why.
    const whoami = async () => (await call('whoami')) ?? (await call('gateway_status')) ?? '';
    const opened = undo.move();
    return {
      whoami,
      received: async () => [...printed, ...(await filesIn(home.path))].join('\n'),
      tokens: async () => tokensIn(await filesIn(home.path)),
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  },
};

async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return Promise.all(files.map((file) => readFile(file, 'utf8')));
}

/** Named as tokens, in JSON or in JSON within JSON; and whatever looks like an access token of the gateway's. */
const tokensIn = (files: readonly string[]) =>
  files.flatMap((text) => [
    ...[...text.matchAll(/(?:access|refresh)_token\\*": ?\\*"([^"\\]+)/g)].map(([, token = '']) => token),
    ...[...text.matchAll(/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g)].map(([token]) => token),
  ]);

/** The apps that people use today. */
export const APPS: readonly AppKind[] = [
  sdkApp(SDKS.v1, true),
  sdkApp(SDKS.v2, true),
  sdkApp(SDKS.v1, false),
  sdkApp(SDKS.v2, false),
  mcpRemote,
  inspector,
];

/** One of each way in which somebody is asked to connect, for targets that apps cannot tell from others. */
export const ONE_OF_EACH_WAY: readonly AppKind[] = [sdkApp(SDKS.v1, true), sdkApp(SDKS.v2, false)];
