import { capabilitiesFor, declares, inputNeed, type InputNeed, requiredCapabilities } from './client-capabilities.js';
import type { InputMethod } from './input-requests.js';
import { revisionOf } from './revisions.js';
import type { RevisionTable } from './revisions/revision-table.js';

describe('what an input request needs of the client', () => {
  it.each<readonly [id: string, method: InputMethod, paramsJson: string | undefined, need: InputNeed]>([
    ['IN-form', 'elicitation/create', '{"mode":"form"}', 'elicitation.form'],
    ['IN-no-mode', 'elicitation/create', '{}', 'elicitation.form'],
    ['IN-url', 'elicitation/create', '{"mode":"url"}', 'elicitation.url'],
    ['IN-sampling', 'sampling/createMessage', '{"messages":[]}', 'sampling'],
    ['IN-sampling-tools', 'sampling/createMessage', '{"tools":[]}', 'sampling.tools'],
    ['IN-sampling-choice', 'sampling/createMessage', '{"toolChoice":{}}', 'sampling.tools'],
    ['IN-roots', 'roots/list', undefined, 'roots'],
  ])('%s', (_id, method, paramsJson, need) => {
    expect(inputNeed({ key: 'k', method, paramsJson })).toBe(need);
  });

  it.each<readonly [id: string, capabilities: unknown, met: readonly InputNeed[]]>([
    ['DC-nothing', {}, []],
    ['DC-absent', undefined, []],
    ['DC-array', [], []],
    ['DC-bare-elicitation', { elicitation: {} }, ['elicitation.form']],
    ['DC-url-only', { elicitation: { url: {} } }, ['elicitation.url']],
    ['DC-both-modes', { elicitation: { url: {}, form: {} } }, ['elicitation.form', 'elicitation.url']],
    ['DC-odd', { elicitation: true, sampling: null, roots: 1 }, []],
    ['DC-sampling', { sampling: {}, roots: {} }, ['sampling', 'roots']],
    ['DC-sampling-tools', { sampling: { tools: {} } }, ['sampling', 'sampling.tools']],
  ])('%s', (_id, capabilities, met) => {
    const all: readonly InputNeed[] = ['elicitation.form', 'elicitation.url', 'sampling', 'sampling.tools', 'roots'];
    expect(all.filter((need) => declares(capabilities, need))).toEqual(met);
  });

  it('is named in the error', () => {
    expect(requiredCapabilities(['elicitation.url', 'elicitation.form', 'sampling', 'roots', 'sampling.tools'])).toEqual({
      elicitation: { url: {}, form: {} },
      sampling: { tools: {} },
      roots: {},
    });
  });
});

describe('capabilities for an upstream of another revision', () => {
  const CARRIED = new Set(['elicitation', 'sampling', 'roots', 'extensions']);
  it.each<readonly [id: string, declared: unknown, upstream: string, kept: object]>([
    ['CF-roots-modern', { roots: { listChanged: true } }, '2026-07-28', { roots: {} }],
    ['CF-roots-legacy', { roots: { listChanged: true } }, '2025-11-25', { roots: { listChanged: true } }],
    ['CF-no-tasks', { tasks: { list: {} }, sampling: { tools: {} } }, '2026-07-28', { sampling: { tools: {} } }],
    ['CF-not-carried', { experimental: { x: {} }, roots: {} }, '2025-11-25', { roots: {} }],
    ['CF-no-elicitation', { elicitation: {}, roots: {} }, '2025-03-26', { roots: {} }],
    ['CF-elicitation-before-modes', { elicitation: { form: {}, url: {} } }, '2025-06-18', { elicitation: {} }],
    ['CF-elicitation-bare-before-modes', { elicitation: {} }, '2025-06-18', { elicitation: {} }],
    ['CF-elicitation-url-before-modes', { elicitation: { url: {} } }, '2025-06-18', {}],
    ['CF-elicitation-modes', { elicitation: { url: {} } }, '2025-11-25', { elicitation: { url: {} } }],
    ['CF-extensions', { extensions: { 'a/b': { c: 1 } } }, '2025-11-25', { extensions: { 'a/b': { c: 1 } } }],
    ['CF-sampling-tools-06', { sampling: { tools: {}, x: 1 } }, '2025-06-18', { sampling: { x: 1 } }],
    ['CF-sampling-tools-11', { sampling: { tools: {} } }, '2025-11-25', { sampling: { tools: {} } }],
    ['CF-odd', { roots: true, sampling: [], __proto__: { elicitation: {} } }, '2026-07-28', {}],
    ['CF-nothing', undefined, '2026-07-28', {}],
  ])('%s', (_id, declared, upstream, kept) => {
    expect(capabilitiesFor(declared, revisionOf(upstream) as RevisionTable, CARRIED)).toEqual(kept);
  });
});
