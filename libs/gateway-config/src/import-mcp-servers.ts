import { parseConfigText } from '@switchyard/runtime';
import { z } from 'zod';
import { translateReferences } from './foreign-reference.js';
import { blankComments } from './jsonc.js';
import type { ServerEntry } from './server-schema.js';
import { findUpstreamProblems } from './upstream-checks.js';
import type { UpstreamEntry } from './upstream-schema.js';

/** What an imported file adds to a switchyard.yaml. */
export interface Imported {
  readonly upstreams: Readonly<Record<string, UpstreamEntry>>;
  /** One server for each upstream, open to everyone who is signed in. */
  readonly servers: Readonly<Record<string, ServerEntry>>;
  /** What was left out and why, one sentence each. */
  readonly notes: readonly string[];
}

const text = z.string().transform((value, context) => {
  const translated = translateReferences(value);
  if (translated.ok) return translated.text;
  context.addIssue(translated.message);
  return z.NEVER;
});

const transport = z
  .enum(['http', 'streamable-http', 'streamableHttp', 'stdio'], {
    error: 'must be "http" or "stdio". For a server of the older SSE transport, use its Streamable HTTP URL.',
  })
  .transform((type) => (type === 'stdio' ? 'stdio' : 'http'));

const foreignEntry = z
  .looseObject({
    type: transport.optional(),
    url: text.optional(),
    headers: z.record(z.string(), text).optional(),
    command: text.optional(),
    args: z.array(text).optional(),
    cwd: text.optional(),
    env: z.record(z.string(), text).optional(),
    disabled: z.boolean().optional(),
    envFile: z.undefined('is not read. Copy what is in it into env.').optional(),
  })
  .superRefine((entry, context) => {
    for (const { path, message } of findUpstreamProblems({ ...entry, timeoutMs: 0 }))
      context.addIssue({ code: 'custom', path, message });
  });

type ForeignEntry = z.output<typeof foreignEntry>;

const entries = z.record(z.string(), foreignEntry);
const foreignFile = z
  .looseObject({ mcpServers: entries.optional(), servers: entries.optional() })
  .refine(
    ({ mcpServers, servers }) => mcpServers ?? servers,
    'has neither mcpServers nor servers. Name a file that has one of them.',
  );

const CARRIED_OVER = new Set(['type', 'url', 'headers', 'command', 'args', 'cwd', 'env', 'disabled']);

/**
 * Reads the `mcpServers` of Claude, Cursor and others, or the `servers` of VS Code.
 * @param json text, comments allowed
 * @param file its name, for messages
 * @throws ConfigError for what a gateway cannot serve, secrets in clear text included
 */
export function importMcpServers(json: string, file = 'mcp.json'): Imported {
  const { mcpServers, servers } = parseConfigText(foreignFile, blankComments(json), { file, references: 'keep' });
  const found = Object.entries({ ...servers, ...mcpServers });
  const names = uniqueNames(found.map(([name]) => name));
  const used = found.map(([, entry], index) => ({ name: names[index] ?? '', entry })).filter(({ entry }) => !entry.disabled);
  return {
    upstreams: Object.fromEntries(used.map(({ name, entry }) => [name, toUpstreamEntry(entry)])),
    servers: Object.fromEntries(used.map(({ name }) => [slugOf(name), serverOf(name)])),
    notes: found.flatMap(([name, entry]) => notesOn(name, entry)),
  };
}

/** Slug that goes with the name of an upstream. */
export const slugOf = (name: string) => name.toLowerCase().replace(/[^a-z0-9-]+/g, '-');

/** A server that offers one upstream to everyone who is signed in. */
export const serverOf = (upstream: string): ServerEntry => ({ sources: [{ upstream }], access: [{ everyone: true }] });

function toUpstreamEntry({ url, headers, command, args, cwd, env }: ForeignEntry): UpstreamEntry {
  const parts = url === undefined ? { command, args, cwd, env } : { url, headers };
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined && Object.keys(value).length > 0));
}

function notesOn(name: string, entry: ForeignEntry): string[] {
  if (entry.disabled) return [`${name} is disabled and was left out.`];
  return Object.keys(entry)
    .filter((key) => !CARRIED_OVER.has(key))
    .map((key) => `${name}: "${key}" has no counterpart here and was left out.`);
}

// Names of other tools are any text; two that become the same get a number.
function uniqueNames(names: readonly string[]): string[] {
  const slugs = new Set<string>();
  return names.map((original) => {
    const base =
      original
        .replace(/[^A-Za-z0-9_-]+/g, '-')
        .replace(/^[-_]+|-+$/g, '')
        .slice(0, 50) || 'upstream';
    let name = base;
    for (let count = 2; slugs.has(slugOf(name)); count++) name = `${base}-${count}`;
    slugs.add(slugOf(name));
    return name;
  });
}
