import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { ConfigError, formatPath, type ConfigProblem, type SourcePosition } from './config-error.js';
import { resolveReferences, type ReferenceSource } from './references.js';
import { problemsOf, type SchemaProblem } from './schema-problems.js';
import { sentenceFor } from './schema-sentences.js';
import { readSourceText, type SourceText } from './source-text.js';

/** How a configuration text is read. */
export interface ParseOptions {
  /** Name used in messages; relative `${file:…}` references start from its folder. */
  readonly file: string;
  /** Whether `${env:NAME}` and `${file:PATH}` in string values are replaced, or kept as they stand. */
  readonly references: 'resolve' | 'keep';
  /** Environment that references are resolved against; empty unless given. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Reads a YAML or JSON file and checks it. References in string values are resolved.
 * @throws ConfigError with the place of every problem
 */
export function loadConfigFile<T>(schema: z.ZodType<T>, file: string, env: NodeJS.ProcessEnv): T {
  return parseConfigText(schema, readConfigFile(file), { file, references: 'resolve', env });
}

/** Text of a configuration file. @throws ConfigError where it cannot be read */
export function readConfigFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new ConfigError([{ file, path: '', message: `cannot be read (${code}). Create it, or name another file.` }]);
  }
}

/**
 * Checks a YAML or JSON text.
 * @throws ConfigError with the place of every problem
 */
export function parseConfigText<T>(schema: z.ZodType<T>, text: string, options: ParseOptions): T {
  const source = readSourceText(text, options.file);
  const place = (problem: SchemaProblem) => placed(problem, options.file, source);
  const referenceSource = { env: options.env ?? {}, directory: path.dirname(path.resolve(options.file)) };
  const read = readValues(source.value ?? {}, options.references === 'resolve' ? referenceSource : undefined);
  if (read.problems.length > 0) throw new ConfigError(read.problems.map(place));
  return checked(schema, read.value, place);
}

/**
 * Checks a value that is not text.
 * @param source what messages call the value
 * @throws ConfigError
 */
export function parseConfig<T>(schema: z.ZodType<T>, value: unknown, source: string): T {
  return checked(schema, value, (problem) => placed(problem, source, undefined));
}

/** Where the value at `valuePath` stands in a YAML or JSON text that was parsed before. */
export function positionInText(text: string, file: string, valuePath: readonly PropertyKey[]): SourcePosition {
  return readSourceText(text, file).positionOf(valuePath);
}

function checked<T>(schema: z.ZodType<T>, value: unknown, place: (problem: SchemaProblem) => ConfigProblem): T {
  const result = schema.safeParse(value, { error: sentenceFor });
  if (result.success) return result.data;
  throw new ConfigError(problemsOf(result.error, schema).map(place));
}

function placed(problem: SchemaProblem, file: string, source: SourceText | undefined): ConfigProblem {
  const position = problem.part === 'key' ? source?.keyPositionOf(problem.path) : source?.positionOf(problem.path);
  return { file, position, path: formatPath(problem.path), message: problem.message };
}

function readValues(document: unknown, references: ReferenceSource | undefined): { value: unknown; problems: SchemaProblem[] } {
  const problems: SchemaProblem[] = [];
  const refuse = (valuePath: readonly PropertyKey[], part: SchemaProblem['part'], message: string) => {
    problems.push({ path: valuePath, part, message });
  };
  const read = (value: unknown, valuePath: readonly PropertyKey[]): unknown => {
    if (typeof value === 'string') return readText(value, valuePath);
    if (Array.isArray(value)) return value.map((item, index) => read(item, [...valuePath, index]));
    if (typeof value !== 'object' || value === null) return value;
    // zod passes over this key without a word, so it is refused here.
    if (Object.hasOwn(value, '__proto__'))
      refuse([...valuePath, '__proto__'], 'key', 'is not allowed as a key. Use another name.');
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, read(item, [...valuePath, key])]));
  };
  const readText = (text: string, valuePath: readonly PropertyKey[]): string => {
    if (!references) return text;
    const resolved = resolveReferences(text, references);
    if (!resolved.ok) refuse(valuePath, 'value', resolved.message);
    return resolved.ok ? resolved.text : text;
  };
  return { value: read(document, []), problems };
}
