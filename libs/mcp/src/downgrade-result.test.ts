import { CallToolResultSchema, GetPromptResultSchema } from '@modelcontextprotocol/sdk/types.js';
import fc from 'fast-check';
import { downgradeResult } from './downgrade-result.js';
import { edited, gated, resultText } from './gated.fixture.js';
import { legacyResultEdits } from './legacy-result.js';
import { revisionOf } from './revisions.js';
import type { RevisionTable } from './revisions/revision-table.js';

const tableOf = (revision: string): RevisionTable => revisionOf(revision) as RevisionTable;

function shown(result: string, method: string, revision: string, wrapsOutput?: boolean): string {
  const message = gated(resultText(result));
  const text = edited(message, downgradeResult(message.bytes, message.envelope, method, tableOf(revision), wrapsOutput));
  return text.slice(resultText('').length - 1, -1);
}

const TEXT = '{"type":"text","text":"t"}';
const AUDIO = '{"type":"audio","data":"AA==","mimeType":"audio/wav","annotations":{"priority":1.0}}';
const LINK = '{"type":"resource_link","uri":"file:///a","name":"a","description":"d","_meta":{"x":1.0}}';
const EMBEDDED_AUDIO = (index: number) =>
  `{"type":"resource","resource":{"uri":"urn:switchyard:audio:${index}","mimeType":"audio/wav","blob":"AA=="},"annotations":{"priority":1.0}}`;
const LINK_TEXT = '{"type":"text","text":"a: file:///a\\nd","_meta":{"x":1.0}}';
const ODD = '{"type":"video","x":1.0}';
const ODD_TEXT = '{"type":"text","text":"{\\"type\\":\\"video\\",\\"x\\":1.0}"}';

describe('content for a client of an older revision', () => {
  it.each<readonly [id: string, revision: string, blocks: string, expected: string]>([
    ['DC-text', '2024-11-05', TEXT, TEXT],
    ['DC-audio-2024', '2024-11-05', `${TEXT},${AUDIO}`, `${TEXT},${EMBEDDED_AUDIO(1)}`],
    ['DC-audio-2025', '2025-03-26', AUDIO, AUDIO],
    ['DC-audio-without-data', '2024-11-05', '{"type":"audio"}', '{"type":"text","text":"{\\"type\\":\\"audio\\"}"}'],
    ['DC-link-2024', '2024-11-05', LINK, LINK_TEXT],
    ['DC-link-2025-03', '2025-03-26', LINK, LINK_TEXT],
    ['DC-link-2025-06', '2025-06-18', LINK, LINK],
    ['DC-unknown-2025-11', '2025-11-25', `${ODD} , ${TEXT}`, `${ODD_TEXT} , ${TEXT}`],
    ['DC-unknown-2026', '2026-07-28', ODD, ODD_TEXT],
    ['DC-no-type', '2025-11-25', '{"text":"x"}', '{"type":"text","text":"{\\"text\\":\\"x\\"}"}'],
    ['DC-type-number', '2025-11-25', '{"type":1}', '{"type":"text","text":"{\\"type\\":1}"}'],
    ['DC-no-object', '2025-11-25', '7', '{"type":"text","text":"7"}'],
  ])('%s', (_id, revision, blocks, expected) => {
    expect(shown(`{"content":[${blocks}],"n":1.0}`, 'tools/call', revision)).toBe(`{"content":[${expected}],"n":1.0}`);
  });

  it('is that of prompts as well', () => {
    const prompt = (...blocks: string[]) =>
      `{"messages":[${blocks.map((block) => `{"role":"user","content":${block}}`).join(',')}]}`;
    expect(shown(prompt(TEXT, AUDIO, LINK), 'prompts/get', '2024-11-05')).toBe(prompt(TEXT, EMBEDDED_AUDIO(1), LINK_TEXT));
    expect(shown(prompt(TEXT, AUDIO, LINK), 'prompts/get', '2025-06-18')).toBe(prompt(TEXT, AUDIO, LINK));
  });

  it('is not that of other results', () => {
    const result = `{"content":[${AUDIO}],"structuredContent":1}`;
    expect(shown(result, 'resources/read', '2024-11-05')).toBe(result);
    expect(shown('[1]', 'tools/call', '2024-11-05')).toBe('[1]');
  });
});

describe('structured content', () => {
  const AS_TEXT = (json: string) => `{"type":"text","text":${JSON.stringify(json)}}`;
  it.each<readonly [id: string, revision: string, wraps: boolean, result: string, expected: string]>([
    [
      'SC-object',
      '2025-11-25',
      false,
      '{"content":[],"structuredContent":{"a":1.0}}',
      '{"content":[],"structuredContent":{"a":1.0}}',
    ],
    [
      'SC-object-of-a-wrapped-schema',
      '2025-11-25',
      true,
      '{"content":[],"structuredContent":{"a":1.0}}',
      '{"content":[],"structuredContent":{"result":{"a":1.0}}}',
    ],
    [
      'SC-array',
      '2025-06-18',
      false,
      '{"content":[],"structuredContent":[1.0]}',
      `{"content":[${AS_TEXT('[1.0]')}],"structuredContent":{"result":[1.0]}}`,
    ],
    [
      'SC-null-with-text',
      '2025-06-18',
      true,
      `{"structuredContent": null ,"content":[${TEXT}]}`,
      `{"structuredContent": {"result":null} ,"content":[${TEXT}]}`,
    ],
    [
      'SC-number-after-audio',
      '2024-11-05',
      false,
      `{"content":[${AUDIO}],"structuredContent":1e2}`,
      `{"content":[${EMBEDDED_AUDIO(0)},${AS_TEXT('1e2')}],"structuredContent":{"result":1e2}}`,
    ],
    [
      'SC-no-content',
      '2025-11-25',
      false,
      '{"structuredContent":"x"}',
      `{"structuredContent":{"result":"x"},"content":[${AS_TEXT('"x"')}]}`,
    ],
    [
      'SC-object-for-who-has-none',
      '2025-03-26',
      false,
      '{"content":[],"structuredContent":{"a":1.0}}',
      `{"content":[${AS_TEXT('{"a":1.0}')}],"structuredContent":{"a":1.0}}`,
    ],
    ['SC-any', '2026-07-28', false, '{"content":[],"structuredContent":[1.0]}', '{"content":[],"structuredContent":[1.0]}'],
  ])('%s', (_id, revision, wraps, result, expected) => {
    expect(shown(result, 'tools/call', revision, wraps)).toBe(expected);
  });
});

describe('a downgraded result', () => {
  const block = fc.oneof(
    fc.record({ type: fc.constant('text'), text: fc.string() }),
    fc.record({ type: fc.constant('audio'), data: fc.constantFrom('AA==', ''), mimeType: fc.constant('audio/wav') }),
    fc.record({ type: fc.constant('resource_link'), uri: fc.webUrl(), name: fc.string() }),
    fc.record({ type: fc.constantFrom('video', 'tool_use', ''), x: fc.jsonValue() }),
    fc.jsonValue({ maxDepth: 1 }),
  );

  it('can be taken by the official legacy client, whatever the upstream’s was', () => {
    const result = fc.record(
      {
        content: fc.array(block, { maxLength: 4 }),
        structuredContent: fc.jsonValue({ maxDepth: 2 }),
        resultType: fc.constant('complete'),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        result,
        fc.constantFrom('2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'),
        fc.boolean(),
        (value, revision, wraps) => {
          const message = gated(resultText(JSON.stringify(value)));
          const edits = [
            ...downgradeResult(message.bytes, message.envelope, 'tools/call', tableOf(revision), wraps),
            ...legacyResultEdits(message.bytes, message.envelope),
          ];
          const { result: got } = JSON.parse(edited(message, edits)) as { result: Record<string, unknown> };
          expect(CallToolResultSchema.safeParse(got).success).toBe(true);
          expect(got).not.toHaveProperty('resultType');
          const known = tableOf(revision).contentTypes as ReadonlySet<unknown>;
          for (const one of (got['content'] ?? []) as { type: unknown }[]) expect(known.has(one.type)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('can be one of a prompt', () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 3 }), fc.constantFrom('2024-11-05', '2025-11-25'), (blocks, revision) => {
        const messages = blocks.map((content) => ({ role: 'user', content }));
        const got = shown(JSON.stringify({ messages }), 'prompts/get', revision);
        expect(GetPromptResultSchema.safeParse(JSON.parse(got)).success).toBe(true);
      }),
    );
  });
});
