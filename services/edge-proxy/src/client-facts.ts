import type { EventFields } from '@switchyard/contracts';
import type { Range } from '@switchyard/mcp';
import * as z from 'zod';

/** What a client says that it is: self-reported, never a security input, shown in events only. */
export type ClientFacts = Required<Pick<EventFields, 'client_name' | 'client_version'>>;

const NAME_LIMIT_CHARACTERS = 200;
const REMEMBERED_TEXTS = 256;
const REMEMBERED_TEXT_BYTES = 1024;

/** What clients say of themselves (MCP, `Implementation`), as far as it is looked at; cut to what an event and a session may hold. */
export const clientInfo = z
  .object({ name: z.string(), version: z.string() })
  .partial()
  .transform(({ name = '', version = '' }): ClientFacts => ({ client_name: cut(name), client_version: cut(version) }));

const cut = (text: string) => text.slice(0, NAME_LIMIT_CHARACTERS).toWellFormed();

/** Of a client that says nothing. */
export const NO_CLIENT: ClientFacts = { client_name: '', client_version: '' };

/** Clients send the same text with every request. */
const remembered = new Map<string, ClientFacts>();

/**
 * Reads who a modern client says it is (MCP 2026-07-28, "Request metadata": `io.modelcontextprotocol/clientInfo`).
 * @param range where the value is; the gate has found it to be JSON
 */
export function clientFacts(bytes: Buffer, range: Range | undefined): ClientFacts {
  if (range === undefined) return NO_CLIENT;
  const text = bytes.toString('utf8', range.start, range.end);
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const facts = clientInfo.safeParse(JSON.parse(text)).data ?? NO_CLIENT;
  if (remembered.size >= REMEMBERED_TEXTS) remembered.clear();
  if (text.length <= REMEMBERED_TEXT_BYTES) remembered.set(text, facts);
  return facts;
}
