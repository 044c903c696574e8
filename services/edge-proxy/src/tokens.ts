import type { Envelope, Range } from '@switchyard/mcp';
import * as z from 'zod';

/**
 * Estimate of the model tokens that a JSON value is: a quarter of its bytes, rounded up. Models' own counts of English text and JSON are
 * near it; counting exactly would take the model's tokenizer, which the gateway does not know.
 */
export function tokensIn(range: Range | undefined): number {
  return range === undefined ? 0 : (range.end - range.start + 3) >> 2;
}

/** Tokens of models, as an upstream reports them. */
export interface ModelTokens {
  readonly in: number;
  readonly out: number;
}

const NONE: ModelTokens = { in: 0, out: 0 };
/** Longest `_meta` that is looked into. */
const LIMIT_BYTES = 16_384;

/**
 * Where upstreams put usage in `_meta`, which MCP leaves to them, and what they call its parts: as model vendors do in their APIs
 * (Anthropic: input_tokens; OpenAI: prompt_tokens, or input_tokens), in camel case too, or as OpenTelemetry's attributes.
 */
const PLACES = ['usage', 'token_usage', 'tokenUsage'] as const;
const IN = ['input_tokens', 'inputTokens', 'prompt_tokens', 'promptTokens', 'gen_ai.usage.input_tokens'] as const;
const OUT = ['output_tokens', 'outputTokens', 'completion_tokens', 'completionTokens', 'gen_ai.usage.output_tokens'] as const;

const members = z.record(z.string(), z.unknown()).catch({});
const tokens = z.int().min(0).catch(0);

/** The tokens that a result's `_meta` reports. Never throws; what is not as it should be counts as none. */
export function modelTokens(bytes: Buffer, { resultMetaRange: range }: Envelope): ModelTokens {
  if (range === undefined || range.end - range.start > LIMIT_BYTES) return NONE;
  const text = bytes.toString('utf8', range.start, range.end);
  if (!text.includes('okens"')) return NONE;
  const meta = members.parse(JSON.parse(text));
  for (const place of [...PLACES.map((name) => members.parse(meta[name])), meta]) {
    const found = { in: firstOf(place, IN), out: firstOf(place, OUT) };
    if (found.in + found.out > 0) return found;
  }
  return NONE;
}

function firstOf(place: Readonly<Record<string, unknown>>, names: readonly string[]): number {
  const name = names.find((candidate) => Object.hasOwn(place, candidate));
  return name === undefined ? 0 : tokens.parse(place[name]);
}
