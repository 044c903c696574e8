import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';

/** Where to connect, and with which key. */
export interface ConnectOptions {
  readonly url: string;
  readonly key: string;
}

const requestInit = ({ key }: ConnectOptions) => ({ headers: { authorization: `Bearer ${key}` } });

/** A connected SDK v1 client, which speaks the legacy era. */
export async function connectLegacy(
  edge: ConnectOptions,
  path: string,
): Promise<{ client: Client; transport: StreamableHTTPClientTransport } & AsyncDisposable> {
  const client = new Client({ name: 'v1-client', version: '1.2.3' });
  const transport = new StreamableHTTPClientTransport(new URL(path, edge.url), { requestInit: requestInit(edge) });
  await client.connect(transport);
  return { client, transport, [Symbol.asyncDispose]: () => client.close() };
}

/** A connected SDK v2 client, which speaks the modern era where the server does. @param onTools listens for changes of the tools */
export async function connectModern(
  edge: ConnectOptions,
  path: string,
  onTools?: () => void,
): Promise<{ client: ModernClient } & AsyncDisposable> {
  const listChanged = onTools && { tools: { autoRefresh: false, debounceMs: 0, onChanged: onTools } };
  const client = new ModernClient(
    { name: 'v2-client', version: '2.0.0' },
    { versionNegotiation: { mode: 'auto' }, ...(listChanged && { listChanged }) },
  );
  await client.connect(new ModernTransport(new URL(path, edge.url), { requestInit: requestInit(edge) }));
  return { client, [Symbol.asyncDispose]: () => client.close() };
}

/** The text of a tool's result. */
export const textOf = (result: unknown) => (result as { content: { text: string }[] }).content.map(({ text }) => text).join();
