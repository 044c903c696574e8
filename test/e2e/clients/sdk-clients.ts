import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
  UnauthorizedError as UnauthorizedV2,
} from '@modelcontextprotocol/client';
import { UnauthorizedError as UnauthorizedV1 } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type { OAuthMemory } from './oauth-memory.js';
import type { SignIn } from './sign-in.js';

/** How a client gets in: with what is sent along, or through OAuth. */
export interface ConnectOptions {
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  readonly apiKey?: string;
  readonly oauth?: OAuthMemory;
  /** Shows its user a page that the server asks for; given, the client says that it can (MCP "Elicitation", URL mode). */
  readonly visit?: (url: URL) => void;
}

/** As much of the two SDKs' clients as the tests use. */
export interface McpClient extends AsyncDisposable {
  toolNames(): Promise<string[]>;
  /** @returns the text of the result @throws the SDK's error, with `code` and `data` of the gateway's */
  callTool(name: string, args: Record<string, unknown>): Promise<string>;
}

/** One of the SDKs. */
export interface Sdk {
  readonly id: string;
  /** What its client calls itself. */
  readonly clientName: string;
  connect(options: ConnectOptions): Promise<McpClient>;
  /** The whole OAuth flow up to tokens: discovery, registration, authorization, code for tokens. */
  authorize(options: ConnectOptions & { readonly oauth: OAuthMemory }, signIn: SignIn, email: string): Promise<void>;
}

const capabilitiesOf = ({ visit }: ConnectOptions) => (visit === undefined ? {} : { elicitation: { url: {} } });

/** The user agrees to see the page, which says nothing about what they do there. */
function agree({ visit }: ConnectOptions, params: object): { readonly action: 'accept' } {
  const { url } = params as { readonly url: string };
  visit?.(new URL(url));
  return { action: 'accept' };
}

const textOf = (result: unknown) => (result as { content: { text: string }[] }).content.map(({ text }) => text).join('\n');
const headersOf = ({ apiKey }: ConnectOptions) => (apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` });

async function browse({ authorizationUrl }: OAuthMemory, signIn: SignIn, email: string): Promise<URL> {
  if (authorizationUrl === undefined) throw new Error('the SDK sent nobody to sign in');
  return signIn(authorizationUrl, email);
}

/** Connects without tokens, which the gateway answers with where to get them. */
async function challenged(connecting: Promise<unknown>, refusal: abstract new (...args: never[]) => Error): Promise<void> {
  const error = await connecting.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof refusal)) throw new Error('a client without a token was not told to sign in', { cause: error });
}

function transportV1(options: ConnectOptions): TransportV1 {
  const { url, fetch, oauth } = options;
  const init = { requestInit: { headers: headersOf(options) }, fetch };
  return new TransportV1(new URL(url), oauth === undefined ? init : { ...init, authProvider: oauth });
}

const v1: Sdk = {
  id: 'SDK v1',
  clientName: 'e2e-v1',
  connect: async (options) => {
    const client = new ClientV1({ name: v1.clientName, version: '1.0.0' }, { capabilities: capabilitiesOf(options) });
    if (options.visit) client.setRequestHandler(ElicitRequestSchema, ({ params }) => agree(options, params));
    await client.connect(transportV1(options));
    return {
      toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
      callTool: async (name, args) => textOf(await client.callTool({ name, arguments: args })),
      [Symbol.asyncDispose]: () => client.close(),
    };
  },
  authorize: async (options, signIn, email) => {
    const transport = transportV1(options);
    const client = new ClientV1({ name: v1.clientName, version: '1.0.0' });
    await challenged(client.connect(transport), UnauthorizedV1);
    const back = await browse(options.oauth, signIn, email);
    await transport.finishAuth(back.searchParams.get('code') ?? '');
  },
};

function transportV2(options: ConnectOptions): TransportV2 {
  const { url, fetch, oauth } = options;
  const init = { requestInit: { headers: headersOf(options) }, fetch };
  return new TransportV2(new URL(url), oauth === undefined ? init : { ...init, authProvider: oauth });
}

const clientV2 = (options: ConnectOptions) =>
  new ClientV2(
    { name: v2.clientName, version: '2.0.0' },
    { capabilities: capabilitiesOf(options), versionNegotiation: { mode: 'auto' } },
  );

const v2: Sdk = {
  id: 'SDK v2',
  clientName: 'e2e-v2',
  connect: async (options) => {
    const client = clientV2(options);
    if (options.visit) client.setRequestHandler('elicitation/create', ({ params }) => agree(options, params));
    await client.connect(transportV2(options));
    return {
      toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
      callTool: async (name, args) => textOf(await client.callTool({ name, arguments: args })),
      [Symbol.asyncDispose]: () => client.close(),
    };
  },
  authorize: async (options, signIn, email) => {
    const transport = transportV2(options);
    await challenged(clientV2(options).connect(transport), UnauthorizedV2);
    const back = await browse(options.oauth, signIn, email);
    await transport.finishAuth(back.searchParams);
  },
};

/** The clients that agents are built with today and tomorrow. */
export const SDKS = { v1, v2 } as const;

/** Calls a tool that the token is not enough for: the SDK is told so, has the person asked, and calls again. @returns the text of the result */
export async function callSteppingUp(
  options: ConnectOptions & { readonly oauth: OAuthMemory },
  call: { readonly name: string; readonly arguments: Record<string, unknown> },
  signIn: SignIn,
  email: string,
): Promise<string> {
  const transport = transportV2(options);
  const client = clientV2(options);
  await client.connect(transport);
  try {
    await challenged(client.callTool(call), UnauthorizedV2);
    const back = await browse(options.oauth, signIn, email);
    await transport.finishAuth(back.searchParams);
    return textOf(await client.callTool(call));
  } finally {
    await client.close();
  }
}
