import { scanMessage } from '@switchyard/mcp';
import { modelTokens, tokensIn } from './tokens.js';

describe('an estimate of tokens', () => {
  it.each([
    ['nothing', undefined, 0],
    ['one', { start: 5, end: 6 }, 1],
    ['four', { start: 5, end: 9 }, 1],
    ['five', { start: 5, end: 10 }, 2],
  ])('%s: is a quarter of the bytes, rounded up', (_id, range, expected) => {
    expect(tokensIn(range)).toBe(expected);
  });
});

function reported(result: string) {
  const bytes = Buffer.from(`{"jsonrpc":"2.0","id":1,"result":${result}}`);
  const envelope = scanMessage(bytes);
  if (!envelope.ok) throw new Error(envelope.message);
  return modelTokens(bytes, envelope);
}

describe('tokens that an upstream reports', () => {
  it.each([
    ['vendor-snake', '{"_meta":{"usage":{"input_tokens":3,"output_tokens":4}}}', 3, 4],
    ['vendor-camel', '{"content":[],"_meta":{"tokenUsage":{"inputTokens":3,"outputTokens":4}}}', 3, 4],
    ['vendor-prompt', '{"_meta":{"token_usage":{"prompt_tokens":3,"completion_tokens":4}},"content":[]}', 3, 4],
    ['otel', '{"_meta":{"gen_ai.usage.input_tokens":3,"gen_ai.usage.output_tokens":4}}', 3, 4],
    ['spaces', '{ "_meta" : {"usage": {"input_tokens": 3 }} }', 3, 0],
    ['one-side', '{"_meta":{"usage":{"output_tokens":4}}}', 0, 4],
    ['no-meta', '{"usage":{"input_tokens":3}}', 0, 0],
    ['not-in-meta', '{"structuredContent":{"_meta":{"usage":{"input_tokens":3}}}}', 0, 0],
    ['meta-no-object', '{"_meta":"input_tokens\\""}', 0, 0],
    ['other', '{"_meta":{"io.modelcontextprotocol/serverInfo":{}}}', 0, 0],
    ['text', '{"_meta":{"usage":{"input_tokens":"3","output_tokens":4}}}', 0, 4],
    ['negative', '{"_meta":{"usage":{"input_tokens":-3}}}', 0, 0],
    ['fraction', '{"_meta":{"usage":{"input_tokens":1.5}}}', 0, 0],
    ['too-large', '{"_meta":{"usage":{"input_tokens":1e300}}}', 0, 0],
    ['usage-no-object', '{"_meta":{"usage":["input_tokens"],"input_tokens":3}}', 3, 0],
    ['own-members-only', '{"_meta":{"__proto__":{"input_tokens":3}}}', 0, 0],
    ['D4 huge', `{"_meta":{"x":"${'y'.repeat(20_000)}","usage":{"input_tokens":3}}}`, 0, 0],
  ])('%s: are read', (_id, result, read, written) => {
    expect(reported(result)).toEqual({ in: read, out: written });
  });
});
