import {
  decodeHeaderValue,
  encodeHeaderValue,
  jsonAt,
  memberAt,
  type MirroredParameter,
  mirroredParameters,
} from '@switchyard/mcp';
import type { Inbound } from './exchange.js';
import type { RequestHead } from './http/request-head.js';
import { Refusal } from './refusal.js';

/** Most that is sent in one field: what servers take of a header section is often no more in all. */
const FIELD_LIMIT_CHARACTERS = 8 * 1024;

/** A call of which an argument is too long for the field that repeats it. */
export function overlongField(fields: Readonly<Record<string, string>> | undefined): Refusal | undefined {
  const long = Object.entries(fields ?? {}).find(([, value]) => value.length > FIELD_LIMIT_CHARACTERS);
  return (
    long &&
    new Refusal('invalid_params', `The argument that ${long[0]} repeats is too long for a header field.`, { header: long[0] })
  );
}

const NONE: readonly MirroredParameter[] = [];
const PREFIX = 'mcp-param-';

/** Remembers which parameters of each upstream's tools clients mirror into header fields (MCP 2026-07-28, "x-mcp-header"). */
export class MirroredTools {
  readonly #heard = new Map<string, ReadonlyMap<string, readonly MirroredParameter[]>>();

  /** Takes note of a complete list of tools. @param items JSON text of each, which has passed the gate */
  learn(upstream: string, items: readonly { readonly name: string; readonly text: Buffer }[]): void {
    const mirroring = items.filter(({ text }) => text.includes('x-mcp-header') || text.includes('\\u'));
    this.#heard.set(
      upstream,
      new Map(
        mirroring.map(({ name, text }) => {
          const { inputSchema } = JSON.parse(text.toString('utf8')) as { readonly inputSchema?: unknown };
          const found = mirroredParameters(inputSchema);
          return [name, 'unusable' in found ? NONE : found.parameters];
        }),
      ),
    );
  }

  /** Whether the tools of an upstream are known. */
  knows(upstream: string): boolean {
    return this.#heard.has(upstream);
  }

  /** What a tool's clients mirror; undefined where the upstream's tools are not known. */
  of(upstream: string, tool: string): readonly MirroredParameter[] | undefined {
    const tools = this.#heard.get(upstream);
    return tools === undefined ? undefined : (tools.get(tool) ?? NONE);
  }
}

/**
 * The `Mcp-Param-*` fields of a call, made from its arguments; a refusal where the client's own say something else (MCP 2026-07-28,
 * "Custom Headers from Tool Parameters").
 */
export function mirroredFields(
  { bytes, envelope }: Inbound,
  { paramHeaders }: RequestHead,
  parameters: readonly MirroredParameter[],
): Record<string, string> | undefined | Refusal {
  if (parameters.length === 0) return undefined;
  const fields: Record<string, string> = {};
  for (const { header, path } of parameters) {
    const name = PREFIX + header.toLowerCase();
    const range = memberAt(bytes, envelope.argumentsRange, ...path);
    const value = range === undefined ? undefined : (jsonAt(bytes, range) ?? undefined);
    const raw = paramHeaders[name];
    if (value === undefined) {
      if (raw !== undefined) return mismatch(header, 'stands for an argument that is not there');
      continue;
    }
    // A value of another type is the tool's to refuse.
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') continue;
    if (raw === undefined) return mismatch(header, 'is missing');
    const said = decodeHeaderValue(raw);
    if (said === undefined) return mismatch(header, 'is not properly encoded');
    if (!equals(said, value)) return mismatch(header, 'does not equal its argument');
    fields[name] = encodeHeaderValue(typeof value === 'number' ? said : String(value));
  }
  return overlongField(fields) ?? fields;
}

const INTEGER = /^-?\d+$/;

/** Integers are compared as numbers, everything else as text. */
const equals = (said: string, value: string | number | boolean): boolean =>
  typeof value === 'number' ? INTEGER.test(said) && Number(said) === value : said === String(value);

const mismatch = (header: string, what: string): Refusal =>
  new Refusal('header_mismatch', `Mcp-Param-${header} ${what}.`, { header: `Mcp-Param-${header}` });
