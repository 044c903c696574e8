import { Client, ProtocolError, SdkError, SdkErrorCode, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { z } from 'zod';
import { CliError } from '../terminal/cli-error.js';
import { notAnswering, type GatewayAccess } from './find-gateway.js';
import { parseJsonText } from './json-text.js';

/** Why a request was refused, as far as it is shown. */
const refusal = z.object({ message: z.string(), data: z.object({ reason: z.string() }).optional() });
const refusalBody = z.object({ error: refusal });

type Refusal = z.output<typeof refusal>;

const NEXT_STEP: Readonly<Record<string, string>> = {
  server_unknown: '`switchyard list` shows the servers.',
  capability_unknown: '`switchyard list <server>` shows what a server offers.',
  token_malformed: 'Check --key, or make a key with `switchyard key create`.',
  token_invalid: 'Check --key, or make a key with `switchyard key create`.',
  token_expired: 'Make a new key with `switchyard key create`.',
  key_not_for_server: 'Use another key, or make one with `switchyard key create --server <server>`.',
};

/**
 * Connects to one server of a gateway as an MCP client does, hands the connection over, and ends it.
 * @throws CliError with the gateway's own sentence where it refuses
 */
export async function withMcpServer<T>(gateway: GatewayAccess, slug: string, use: (client: Client) => Promise<T>): Promise<T> {
  let refused: Refusal | undefined;
  const transport = new StreamableHTTPClientTransport(new URL(`/mcp/${encodeURIComponent(slug)}`, gateway.url), {
    requestInit: { headers: { authorization: `Bearer ${gateway.key}` } },
    // What an answer with an error status says, the SDK does not hand on.
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      refused = response.ok ? undefined : await refusalIn(response.clone());
      return response;
    },
  });
  const client = new Client({ name: 'switchyard-cli', version: '0.1.0' }, { versionNegotiation: { mode: 'auto' } });
  try {
    await client.connect(transport);
    const result = await use(client);
    await transport.terminateSession();
    return result;
  } catch (error) {
    throw asCliError(error, refused, gateway.url);
  } finally {
    await client.close();
  }
}

async function refusalIn(response: Response): Promise<Refusal | undefined> {
  return refusalBody.safeParse(parseJsonText(await response.text())).data?.error;
}

function asCliError(error: unknown, refused: Refusal | undefined, url: string): unknown {
  if (refused !== undefined) return new CliError(sentenceOf(refused));
  if (error instanceof ProtocolError)
    return new CliError(sentenceOf(refusal.parse({ message: error.message, data: error.data })));
  if (causedByFetch(error)) return notAnswering(url);
  if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout)
    return new CliError(`${url} did not answer in time. Try again.`);
  return error;
}

function sentenceOf({ message, data }: Refusal): string {
  if (data === undefined) return message;
  const next = NEXT_STEP[data.reason];
  return [`${message} (${data.reason})`, ...(next === undefined ? [] : [next])].join('\n');
}

/** Whether there was no answer at all: fetch rejects with a TypeError then, which the SDK may have wrapped. */
function causedByFetch(error: unknown): boolean {
  if (error instanceof TypeError) return true;
  return error instanceof Error && error.cause !== undefined && causedByFetch(error.cause);
}
