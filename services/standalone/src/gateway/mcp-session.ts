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

/** The gateway refused a request, and said why. */
class Refused extends CliError {
  constructor({ message, data }: Refusal) {
    const next = NEXT_STEP[data?.reason ?? ''];
    super([data ? `${message} (${data.reason})` : message, ...(next === undefined ? [] : [next])].join('\n'));
    this.reason = data?.reason;
  }

  readonly reason: string | undefined;
}

/**
 * Connects to one server of a gateway as an MCP client does, hands the connection over, and ends it. Most servers have sessions, so that
 * is tried first; asking every server for its revisions would cost each a process of its own.
 * @throws CliError with the gateway's own sentence where it refuses
 */
export async function withMcpServer<T>(gateway: GatewayAccess, slug: string, use: (client: Client) => Promise<T>): Promise<T> {
  try {
    return await connected(gateway, slug, 'legacy', use);
  } catch (error) {
    // Nothing was passed on to the upstream.
    if (error instanceof Refused && error.reason === 'era_mismatch') return connected(gateway, slug, 'auto', use);
    throw error;
  }
}

async function connected<T>(
  gateway: GatewayAccess,
  slug: string,
  mode: 'legacy' | 'auto',
  use: (client: Client) => Promise<T>,
): Promise<T> {
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
  const client = new Client({ name: 'switchyard-cli', version: '0.1.0' }, { versionNegotiation: { mode } });
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
  if (refused !== undefined) return new Refused(refused);
  if (error instanceof ProtocolError) return new Refused(refusal.parse({ message: error.message, data: error.data }));
  if (causedByFetch(error)) return notAnswering(url);
  if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout)
    return new CliError(`${url} did not answer in time. Try again.`);
  return error;
}

/** Whether there was no answer at all: fetch rejects with a TypeError then, which the SDK may have wrapped. */
function causedByFetch(error: unknown): boolean {
  if (error instanceof TypeError) return true;
  return error instanceof Error && error.cause !== undefined && causedByFetch(error.cause);
}
