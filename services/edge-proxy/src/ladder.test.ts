import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { LADDER, type Reason } from './ladder.js';
import { Refusal } from './refusal.js';

const ROWS = Object.entries(LADDER) as [Reason, (typeof LADDER)[Reason]][];
const files = (pattern: string) =>
  globSync(pattern, { cwd: __dirname }).map((file) => ({ file, text: readFileSync(path.join(__dirname, file), 'utf8') }));
const tests = files('**/*.test.ts').filter(({ file }) => file !== 'ladder.test.ts');
const sources = files('**/*.ts').filter(({ file }) => !/\.(test|fixture)\.ts$/.test(file) && file !== 'ladder.ts');
/** Reasons that are made where tokens and messages are checked, and only passed on here. */
const libraries = [
  'oauth/src/access-token-verifier.ts',
  'mcp/src/classify.ts',
  'mcp/src/gate.ts',
  'mcp/src/message-reader.ts',
].map((file) => readFileSync(path.join(__dirname, '../../../libs', file), 'utf8'));
const names = (text: string, reason: string) => text.includes(`'${reason}'`);

/** Order of the checks, which is the order of the table. */
const STAGES = [
  'route',
  'authenticate',
  'read',
  'classify',
  'session',
  'resolve',
  'authorize',
  'admit',
  'lease',
  'forward',
  'fault',
];

describe('the table of refusals', () => {
  it.each(ROWS.map(([reason]) => reason))('%s is given by the code, and some test asserts it', (reason) => {
    expect([...sources.map(({ text }) => text), ...libraries].some((text) => names(text, reason))).toBe(true);
    expect(tests.filter(({ text }) => names(text, reason)).map(({ file }) => file)).not.toEqual([]);
  });

  it('holds every reason that the code gives', () => {
    const given = sources.flatMap(({ text }) => [...text.matchAll(/new Refusal\(\s*'([a-z_]+)'/g)].map(([, reason]) => reason));
    expect(given.length).toBeGreaterThan(20);
    expect(given.filter((reason) => !Object.hasOwn(LADDER, reason ?? ''))).toEqual([]);
  });

  it('is in the order in which the checks run', () => {
    const order = ROWS.map(([, { stage }]) => STAGES.indexOf(stage));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order).not.toContain(-1);
  });

  it('takes its codes from the specifications, or from the gateway’s own range', () => {
    const known = [-32700, -32600, -32601, -32602, -32001, -32020, -32021, -32022];
    for (const [reason, { code }] of ROWS)
      expect([reason, known.includes(code) || (code >= 10_400 && code < 10_600)]).toEqual([reason, true]);
  });

  it('answers 401 for the gateway’s own credentials only, and in band for whatever concerns one call', () => {
    for (const [reason, { stage, http, code }] of ROWS) {
      // MCP 2026-07-28, "Error Handling": a missing capability is answered with 400 wherever it is found out.
      if (code === -32021) continue;
      // MCP 2026-07-28, "Authorization", "Error Handling": clients ask for more scopes only where the status is 403.
      if (reason === 'insufficient_scope') continue;
      if (http === 401) expect([reason, stage]).toEqual([reason, 'authenticate']);
      if (['resolve', 'authorize', 'lease', 'forward'].includes(stage)) expect([reason, http]).toEqual([reason, 200]);
    }
  });

  it('is what refusals carry', () => {
    const refusal = new Refusal('policy_denied', 'No.', { x: 1 });
    expect([refusal.http, refusal.code, refusal.message, refusal.data]).toEqual([200, 10403, 'No.', { x: 1 }]);
  });
});
