import { compileFilter } from './sink-filter.js';

const event = {
  type: 'tool.called',
  outcome: 'ok',
  server: 'work',
  upstream: 'billing',
  teams: ['finance', 'ops'],
};

describe('the filter of a sink', () => {
  it.each([
    { id: 'F1 nothing', filter: {}, passes: true },
    { id: 'F2 type', filter: { types: ['tool.called'] }, passes: true },
    { id: 'F3 types by pattern', filter: { types: ['auth.*', 'tool.*'] }, passes: true },
    { id: 'F4 another type', filter: { types: ['tool.call'] }, passes: false },
    { id: 'F5 the dot is a dot', filter: { types: ['tool?called'] }, passes: false },
    { id: 'F6 outcome', filter: { outcomes: ['denied', 'ok'] as const }, passes: true },
    { id: 'F7 another outcome', filter: { outcomes: ['denied'] as const }, passes: false },
    { id: 'F8 server and upstream', filter: { servers: ['work'], upstreams: ['billing'] }, passes: true },
    { id: 'F9 server but not upstream', filter: { servers: ['work'], upstreams: ['files'] }, passes: false },
    { id: 'F10 one of the teams', filter: { teams: ['ops'] }, passes: true },
    { id: 'F11 another team', filter: { teams: ['hr'] }, passes: false },
    { id: 'F12 none of a list', filter: { types: [] }, passes: false },
  ])('$id', ({ filter, passes }) => {
    expect(compileFilter(filter as Parameters<typeof compileFilter>[0])(event)).toBe(passes);
  });

  it('F13 lets nothing pass that does not say what is asked', () => {
    expect(compileFilter({ teams: ['ops'] })({ type: 'config.applied' })).toBe(false);
    expect(compileFilter({ servers: ['work'] })({ type: 'config.applied' })).toBe(false);
  });
});
