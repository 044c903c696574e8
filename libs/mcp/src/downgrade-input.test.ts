import { downgradeInput } from './downgrade-input.js';
import type { InputMethod } from './input-requests.js';
import { revisionOf } from './revisions.js';
import type { RevisionTable } from './revisions/revision-table.js';
import { splice } from './splice.js';

/** The params that a client of a revision gets, or what its revision lacks. */
function shown(method: InputMethod, params: string, revision: string): string {
  const bytes = Buffer.from(params);
  const form = downgradeInput(bytes, { start: 0, end: bytes.length }, method, revisionOf(revision) as RevisionTable);
  return form.ok ? splice(bytes, form.edits).toString('utf8') : `lacks ${form.lacks}`;
}

const form = (properties: string, mode = '') =>
  `{${mode}"message":"m","requestedSchema":{"type":"object","properties":${properties}}}`;
const FORM_MODE = '"mode":"form",';
const ONE_OF = '{"x":{"type":"string","title":"X","oneOf":[{"const":"a","title":"A"},{"const":"b"}],"default":"a"}}';
const ENUM = '{"x":{"type":"string","title":"X","default":"a","enum":["a","b"],"enumNames":["A","b"]}}';
const SEVERAL = '{"x":{"type":"array","items":{"type":"string","enum":["a"]}}}';
const PLAIN =
  '{"s":{"type":"string","format":"email","minLength":1.0},"e":{"type":"string","enum":["a"],"enumNames":["A"]},"b":{"type":"boolean"}}';
const URL_MODE = '{"mode":"url","message":"m","url":"https://x","elicitationId":"e"}';

describe('an elicitation for a client of a revision', () => {
  it.each<readonly [id: string, revision: string, params: string, expected: string]>([
    ['DI-plain-06', '2025-06-18', form(PLAIN), form(PLAIN)],
    ['DI-plain-11', '2025-11-25', form(PLAIN, FORM_MODE), form(PLAIN, FORM_MODE)],
    ['DI-mode-06', '2025-06-18', form(PLAIN, FORM_MODE), form(PLAIN)],
    ['DI-titled-06', '2025-06-18', form(ONE_OF), form(ENUM)],
    ['DI-titled-11', '2025-11-25', form(ONE_OF), form(ONE_OF)],
    ['DI-titled-2026', '2026-07-28', form(ONE_OF, FORM_MODE), form(ONE_OF, FORM_MODE)],
    ['DI-several-06', '2025-06-18', form(SEVERAL), 'lacks a choice of several values'],
    ['DI-several-11', '2025-11-25', form(SEVERAL), form(SEVERAL)],
    [
      'DI-odd-choice-06',
      '2025-06-18',
      form('{"x":{"type":"string","oneOf":[{"pattern":"a"}]}}'),
      'lacks a choice whose values are not named one by one',
    ],
    [
      'DI-no-choice-06',
      '2025-06-18',
      form('{"x":{"type":"string","oneOf":[]}}'),
      'lacks a choice whose values are not named one by one',
    ],
    ['DI-no-schema-06', '2025-06-18', '{"message":"m"}', '{"message":"m"}'],
    ['DI-url-06', '2025-06-18', URL_MODE, 'lacks elicitation by URL'],
    ['DI-url-11', '2025-11-25', URL_MODE, URL_MODE],
    ['DI-form-03', '2025-03-26', form(PLAIN), 'lacks elicitation'],
    ['DI-form-2024', '2024-11-05', form(PLAIN), 'lacks elicitation'],
  ])('%s', (_id, revision, params, expected) => {
    expect(shown('elicitation/create', params, revision)).toBe(expected);
  });
});

const messages = (list: string, more = '') => `{"messages":[${list}],"maxTokens":1e2${more}}`;
const message = (content: string, role = 'user') => `{"role":"${role}","content":${content}}`;
const TEXT = '{"type":"text","text":"t","_meta":{"n":1.0}}';
const IMAGE = '{"type":"image","data":"AA==","mimeType":"image/png"}';
const AUDIO = '{"type":"audio","data":"AA==","mimeType":"audio/wav"}';
const USE = '{"type":"tool_use","id":"1","name":"x","input":{}}';

describe('a sampling request for a client of a revision', () => {
  it.each<readonly [id: string, revision: string, params: string, expected: string]>([
    ['DI-one', '2024-11-05', messages(message(TEXT)), messages(message(TEXT))],
    ['DI-array-of-one', '2025-06-18', messages(message(`[ ${TEXT} ]`)), messages(message(TEXT))],
    [
      'DI-array-of-two',
      '2024-11-05',
      messages(`${message(`[${TEXT},${IMAGE}]`)}, ${message(TEXT, 'assistant')}`),
      messages(`${message(TEXT)},${message(IMAGE)}, ${message(TEXT, 'assistant')}`),
    ],
    ['DI-array-11', '2025-11-25', messages(message(`[${TEXT},${USE}]`)), messages(message(`[${TEXT},${USE}]`))],
    ['DI-array-2026', '2026-07-28', messages(message(`[${AUDIO}]`)), messages(message(`[${AUDIO}]`))],
    ['DI-array-empty', '2025-03-26', messages(message('[]')), 'lacks a message without content'],
    ['DI-tool-use', '2025-06-18', messages(message(`[${TEXT},${USE}]`)), 'lacks content of type "tool_use" in sampling'],
    ['DI-audio-2024', '2024-11-05', messages(message(AUDIO)), 'lacks content of type "audio" in sampling'],
    ['DI-audio-03', '2025-03-26', messages(message(AUDIO)), messages(message(AUDIO))],
    ['DI-unknown', '2025-11-25', messages(message('{"type":"video"}')), 'lacks content of type "video" in sampling'],
    ['DI-tools', '2025-06-18', messages(message(TEXT), ',"tools":[]'), 'lacks tools in sampling'],
    ['DI-tool-choice', '2025-06-18', messages(message(TEXT), ',"toolChoice":{"mode":"none"}'), 'lacks tools in sampling'],
    ['DI-tools-11', '2025-11-25', messages(message(TEXT), ',"tools":[]'), messages(message(TEXT), ',"tools":[]')],
  ])('%s', (_id, revision, params, expected) => {
    expect(shown('sampling/createMessage', params, revision)).toBe(expected);
  });

  it('DI-roots have nothing to change', () => {
    expect(shown('roots/list', '{"_meta":{}}', '2024-11-05')).toBe('{"_meta":{}}');
  });
});
