import { ConfigError, editConfigText, formatPath, parseConfig, positionInText, type TextChange } from '@switchyard/runtime';
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import type { GatewayConfig } from './gateway-schema.js';
import { serverOf, type Imported } from './import-mcp-servers.js';
import { parseGatewayConfig } from './load.js';
import { upstreamNameSchema } from './names.js';
import { serverSchema } from './server-schema.js';
import { upstreamSchema, type UpstreamEntry } from './upstream-schema.js';

/** How an upstream is added. */
export interface AddOptions {
  /** Name of the file, for messages. */
  readonly file: string;
  /** Slug of the server that offers it: an existing one gets it under the prefix `<name>__`, else a new one is made for everyone. */
  readonly server?: string;
}

/**
 * Adds an upstream to the text of a switchyard.yaml, keeping its comments.
 * @throws ConfigError when the file was not usable before, would not be afterwards, or has an upstream of that name
 */
export function addUpstream(yamlText: string, name: string, entry: UpstreamEntry, options: AddOptions): string {
  const config = parseGatewayConfig(yamlText, options.file);
  if (Object.hasOwn(config.upstreams, name)) throw taken(yamlText, options.file, ['upstreams', name]);
  parseConfig(upstreamNameSchema, name, name);
  parseConfig(upstreamSchema, entry, name);
  const changes: TextChange[] = [{ path: ['upstreams', name], value: entry }];
  if (options.server !== undefined) changes.push(offerIn(config, options.server, name));
  return edited(yamlText, changes, options.file);
}

/**
 * Adds what was imported to the text of a switchyard.yaml, keeping its comments. What is there already, the same, stays.
 * @throws ConfigError when the file was not usable before, would not be afterwards, or has something else under one of the names
 */
export function mergeImport(yamlText: string, imported: Pick<Imported, 'upstreams' | 'servers'>, file: string): string {
  const config = parseGatewayConfig(yamlText, file);
  const changes = [
    ...additions(yamlText, file, 'upstreams', config.upstreams, imported.upstreams, upstreamSchema),
    ...additions(yamlText, file, 'servers', config.servers, imported.servers, serverSchema),
  ];
  return changes.length === 0 ? yamlText : edited(yamlText, changes, file);
}

function additions(
  yamlText: string,
  file: string,
  section: 'upstreams' | 'servers',
  existing: Readonly<Record<string, unknown>>,
  added: Readonly<Record<string, unknown>>,
  schema: z.ZodType,
): TextChange[] {
  return Object.entries(added).flatMap(([name, value]) => {
    if (!Object.hasOwn(existing, name)) return [{ path: [section, name], value }];
    if (isDeepStrictEqual(existing[name], parseConfig(schema, value, name))) return [];
    throw taken(yamlText, file, [section, name]);
  });
}

function offerIn(config: GatewayConfig, slug: string, upstream: string): TextChange {
  if (!Object.hasOwn(config.servers, slug)) return { path: ['servers', slug], value: serverOf(upstream) };
  return { path: ['servers', slug, 'sources'], value: { upstream, prefix: `${upstream.slice(0, 30)}__` }, append: true };
}

function edited(yamlText: string, changes: readonly TextChange[], file: string): string {
  const text = editConfigText(yamlText, changes);
  parseGatewayConfig(text, file);
  return text;
}

function taken(text: string, file: string, path: readonly string[]): ConfigError {
  const message = 'is there already, and it is something else. Choose another name, or change the entry in the file.';
  return new ConfigError([{ file, position: positionInText(text, file, path), path: formatPath(path), message }]);
}
