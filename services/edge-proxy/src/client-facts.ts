import type { EventFields } from '@switchyard/contracts';
import type { Range } from '@switchyard/mcp';
import * as z from 'zod';

/** What a client says that it is: self-reported, never a security input, shown in events only. */
export type ClientFacts = Required<Pick<EventFields, 'client_name' | 'client_version'>>;

const NAME_LIMIT_CHARACTERS = 200;
const REMEMBERED_TEXTS = 256;
const REMEMBERED_TEXT_BYTES = 1024;

const clientInfo = z.object({ name: z.string(), version: z.string() }).partial();

const NOTHING: ClientFacts = { client_name: '', client_version: '' };

/** Clients send the same text with every request. */
const remembered = new Map<string, ClientFacts>();

/**
 * Reads who a modern client says it is (MCP 2026-07-28, "Request metadata": `io.modelcontextprotocol/clientInfo`).
 * @param range where the value is; the gate has found it to be JSON
 */
export function clientFacts(bytes: Buffer, range: Range | undefined): ClientFacts {
  if (range === undefined) return NOTHING;
  const text = bytes.toString('utf8', range.start, range.end);
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const facts = read(text);
  if (remembered.size >= REMEMBERED_TEXTS) remembered.clear();
  if (text.length <= REMEMBERED_TEXT_BYTES) remembered.set(text, facts);
  return facts;
}

function read(text: string): ClientFacts {
  const { name = '', version = '' } = clientInfo.safeParse(JSON.parse(text)).data ?? {};
  return { client_name: name.slice(0, NAME_LIMIT_CHARACTERS), client_version: version.slice(0, NAME_LIMIT_CHARACTERS) };
}
