import { ListToolsResultSchema } from '@modelcontextprotocol/sdk/types.js';
import fc from 'fast-check';
import { downgradeTool, type ToolForm } from './downgrade-tool.js';
import { revisionOf } from './revisions.js';
import type { RevisionTable } from './revisions/revision-table.js';
import { splice } from './splice.js';

const LEGACY = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
const tableOf = (revision: string): RevisionTable => revisionOf(revision) as RevisionTable;

/** What a client of a revision gets: the item's text and what became of its output schema, or why it gets none. */
function shown(tool: string, revision: string): readonly [text: string, output: string] | string {
  const bytes = Buffer.from(`[${tool}]`);
  const form: ToolForm = downgradeTool(bytes, { start: 1, end: bytes.length - 1 }, tableOf(revision));
  if (!form.usable) return form.fault;
  return [splice(bytes, form.edits).toString('utf8').slice(1, -1), form.output];
}

const tool = (more: string) => `{"name":"t","inputSchema":{"type":"object"}${more}}`;
const withInput = (schema: string) => `{"name":"t","inputSchema":${schema}}`;
const withOutput = (schema: string) => tool(`,"outputSchema":${schema}`);
const wrapped = (schema: string, dialect = '') =>
  withOutput(`{${dialect}"type":"object","properties":{"result":${schema}},"required":["result"]}`);

describe('an item of tools/list', () => {
  it.each([
    ['DT-plain', tool('')],
    ['DT-spaces-and-numbers', '{ "inputSchema" : {"type":"object","properties":{"n":{"maximum":1.0e3}}} , "name":"t"}'],
    ['DT-unknown-members', tool(',"vendor":{"x":[1.0]},"x":null')],
    ['DT-all-members', tool(',"title":"T","description":"d","annotations":{"readOnlyHint":true,"x":1},"_meta":{"ui":{}}')],
    ['DT-icons', tool(',"icons":[{"src":"data:,","sizes":["1x1"],"theme":"dark","x":1}]')],
    ['DT-execution', tool(',"execution":{"taskSupport":"optional"}')],
    ['DT-output', withOutput('{"type":"object","properties":{"a":{}},"required":["a"]}')],
    ['DT-boolean-deeper-down', withInput('{"type":"object","properties":{"a":{"properties":{"b":true}}}}')],
  ])('%s stays as it is, byte by byte', (_id, text) => {
    for (const revision of [...LEGACY, '2026-07-28']) expect(shown(text, revision)).toEqual([text, 'as_is']);
  });

  it.each([
    ['DT-number', '1', 'not_an_object'],
    ['DT-array', '[]', 'not_an_object'],
    ['DT-no-name', '{"inputSchema":{"type":"object"}}', 'no_name'],
    ['DT-name-number', '{"name":1,"inputSchema":{"type":"object"}}', 'no_name'],
    ['DT-no-schema', '{"name":"t"}', 'input_schema'],
    ['DT-schema-true', withInput('true'), 'input_schema'],
    ['DT-schema-without-type', withInput('{"properties":{}}'), 'input_schema'],
    ['DT-schema-types', withInput('{"type":["object","null"]}'), 'input_schema'],
    ['DT-schema-dialect', withInput('{"type":"object","$schema":1}'), 'input_schema'],
  ])('%s is of no use to anybody', (_id, text, fault) => {
    for (const revision of [...LEGACY, '2026-07-28']) expect(shown(text, revision)).toBe(fault);
  });

  it.each([
    ['DT-properties-array', withInput('{"type":"object","properties":[]}'), 'input_properties'],
    ['DT-property-null', withInput('{"type":"object","properties":{"a":null}}'), 'input_properties'],
    ['DT-property-text', withInput('{"type":"object","properties":{"a":"true"}}'), 'input_properties'],
    ['DT-required-text', withInput('{"type":"object","required":"a"}'), 'input_required'],
    ['DT-required-numbers', withInput('{"type":"object","required":[1]}'), 'input_required'],
  ])('%s is of no use to legacy clients', (_id, text, fault) => {
    for (const revision of LEGACY) expect(shown(text, revision)).toBe(fault);
    expect(shown(text, '2026-07-28')).toEqual([text, 'as_is']);
  });

  it.each<readonly [id: string, text: string, expected: string, output: string]>([
    [
      'DT-boolean-properties',
      withInput('{"type":"object","properties":{"a":true,"b": false,"c":{}}}'),
      withInput('{"type":"object","properties":{"a":{},"b": {"not":{}},"c":{}}}'),
      'as_is',
    ],
    [
      'DT-boolean-output-properties',
      withOutput('{"type":"object","properties":{"a":true}}'),
      withOutput('{"type":"object","properties":{"a":{}}}'),
      'as_is',
    ],
    ['DT-wrap-array', withOutput('{"type":"array","minItems":1.0}'), wrapped('{"type":"array","minItems":1.0}'), 'wrapped'],
    ['DT-wrap-any-of', withOutput('{"anyOf":[{"type":"object"}]}'), wrapped('{"anyOf":[{"type":"object"}]}'), 'wrapped'],
    ['DT-wrap-empty', withOutput('{}'), wrapped('{}'), 'wrapped'],
    [
      'DT-wrap-dialect',
      withOutput('{"$schema":"https://x","type":"string"}'),
      wrapped('{"$schema":"https://x","type":"string"}', '"$schema":"https://x",'),
      'wrapped',
    ],
    [
      'DT-wrap-references',
      withOutput(
        '{"$ref":"#/$defs/a","$defs":{"a":{"items":{"$ref":"#"}},"b":{"$ref":"other#/x"},"$ref":{"$dynamicRef":"#/$defs/b"}}}',
      ),
      wrapped(
        '{"$ref":"#/properties/result/$defs/a","$defs":{"a":{"items":{"$ref":"#/properties/result"}},"b":{"$ref":"other#/x"},"$ref":{"$dynamicRef":"#/properties/result/$defs/b"}}}',
      ),
      'wrapped',
    ],
    [
      'DT-wrap-anchors',
      withOutput('{"type":"array","items":{"$ref":"#item"},"$defs":{"i":{"$anchor":"item"},"j":{"$id":"#j","$ref":"#/x"}}}'),
      wrapped(
        '{"type":"array","items":{"$ref":"#item"},"$defs":{"i":{"$anchor":"item"},"j":{"$id":"#j","$ref":"#/properties/result/x"}}}',
      ),
      'wrapped',
    ],
    [
      'DT-wrap-data-is-no-schema',
      withOutput('{"enum":[{"$ref":"#/a"}],"default":{"$ref":"#"},"properties":{"default":{"$ref":"#/b"},"$id":{"$ref":"#"}}}'),
      wrapped(
        '{"enum":[{"$ref":"#/a"}],"default":{"$ref":"#"},"properties":{"default":{"$ref":"#/properties/result/b"},"$id":{"$ref":"#/properties/result"}}}',
      ),
      'wrapped',
    ],
    [
      'DT-wrap-own-base',
      withOutput('{"$id":"https://x","type":"array","items":{"$ref":"#/$defs/a"}}'),
      wrapped('{"$id":"https://x","type":"array","items":{"$ref":"#/$defs/a"}}'),
      'wrapped',
    ],
    ['DT-recursive-ref', withOutput('{"type":"array","items":{"$recursiveRef":"#"}}'), tool(''), 'dropped'],
    ['DT-output-property-null', withOutput('{"type":"object","properties":{"a":null}}'), tool(''), 'dropped'],
    ['DT-output-required', withOutput('{"type":"object","required":1}'), tool(''), 'dropped'],
  ])('%s changes for legacy clients only', (_id, text, expected, output) => {
    for (const revision of LEGACY) expect(shown(text, revision)).toEqual([expected, output]);
    expect(shown(text, '2026-07-28')).toEqual([text, 'as_is']);
  });

  it.each([
    ['DT-output-true', withOutput('true'), tool(''), 'dropped'],
    ['DT-output-dialect', withOutput('{"$schema":1}'), tool(''), 'dropped'],
    ['DT-title', tool(',"title":1,"x":1'), tool(',"x":1'), 'as_is'],
    ['DT-description', tool(',"description":null'), tool(''), 'as_is'],
    ['DT-hint', tool(',"annotations":{"readOnlyHint":"yes"}'), tool(''), 'as_is'],
    ['DT-icon-without-source', tool(',"icons":[{}]'), tool(''), 'as_is'],
    ['DT-icon-theme', tool(',"icons":[{"src":"x","theme":"pink"}]'), tool(''), 'as_is'],
    ['DT-task-support', tool(',"execution":{"taskSupport":"maybe"}'), tool(''), 'as_is'],
    ['DT-meta', tool(',"_meta":[]'), tool(''), 'as_is'],
  ])('%s changes for all clients', (_id, text, expected, output) => {
    for (const revision of [...LEGACY, '2026-07-28']) expect(shown(text, revision)).toEqual([expected, output]);
  });

  it('is then one that the official legacy client takes, whatever it was', () => {
    const odd = fc.oneof(
      fc.jsonValue({ maxDepth: 1 }),
      fc.constantFrom<unknown>(true, false, {}, [], 'object', ['a'], [1], { a: true, b: false }, { a: null }, { a: {} }),
    );
    const schema = fc.oneof(
      odd,
      fc.record(
        {
          type: fc.constantFrom<unknown>('object', 'array', 1),
          properties: odd,
          required: odd,
          $schema: fc.constantFrom<unknown>('https://x', 1),
          $recursiveRef: fc.constant('#'),
          $ref: fc.constant('#/$defs/a'),
        },
        { requiredKeys: [] },
      ),
    );
    const properties = fc.dictionary(fc.string(), fc.constantFrom<unknown>({}, true, false, { type: 'string' }));
    const good = fc.record(
      { type: fc.constant('object'), properties, required: fc.array(fc.string()) },
      { requiredKeys: ['type'] },
    );
    const mixed = fc.record({ type: fc.constant('object'), properties: odd, required: odd }, { requiredKeys: ['type'] });
    const input = fc.oneof({ weight: 6, arbitrary: good }, { weight: 2, arbitrary: mixed }, schema);
    const annotations = fc.oneof(odd, fc.record({ title: odd, readOnlyHint: odd, idempotentHint: odd }, { requiredKeys: [] }));
    const icon = fc.record({ src: odd, mimeType: odd, sizes: odd, theme: odd }, { requiredKeys: [] });
    const any = fc.record(
      {
        name: fc.oneof({ weight: 9, arbitrary: fc.string() }, odd),
        inputSchema: input,
        outputSchema: schema,
        title: odd,
        description: odd,
        annotations,
        icons: fc.oneof(odd, fc.array(icon, { maxLength: 2 })),
        execution: fc.oneof(odd, fc.record({ taskSupport: odd })),
        _meta: odd,
        vendor: odd,
      },
      { requiredKeys: ['name', 'inputSchema'] },
    );
    let usable = 0;
    fc.assert(
      fc.property(any, fc.constantFrom(...LEGACY), (value, revision) => {
        const text = JSON.stringify(value);
        const takenAsItIs = ListToolsResultSchema.safeParse({ tools: [JSON.parse(text)] }).success;
        const form = shown(text, revision);
        if (typeof form === 'string') return expect(takenAsItIs).toBe(false);
        usable += 1;
        expect(ListToolsResultSchema.safeParse({ tools: [JSON.parse(form[0])] }).success).toBe(true);
        if (takenAsItIs) expect(form).toEqual([text, 'as_is']);
      }),
      { numRuns: 2_000 },
    );
    expect(usable).toBeGreaterThan(200);
  });
});
