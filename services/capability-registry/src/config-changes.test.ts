import { parseGatewayConfig } from '@switchyard/gateway-config';
import { compileSnapshot } from './compile-snapshot.js';
import { configChanges } from './config-changes.js';

const CONFIG = `
teams: { finance: { emails: [ana@example.com] } }
upstreams: { files: { url: "https://files.example/mcp" }, tracker: { url: "https://tracker.example/mcp" } }
servers:
  work: { sources: [{ upstream: files }, { upstream: tracker }], access: [{ teams: [finance] }, { everyone: true, tools: [get] }] }
`;
const compile = (text: string) =>
  compileSnapshot(parseGatewayConfig(text, 'f'), {}, 'default', { now: () => 0, monotonicMicros: () => 0 });

describe('what has changed in a configuration', () => {
  it.each([
    ['nothing', CONFIG, ''],
    ['rule', CONFIG.replace('tools: [get]', 'tools: [get, set]'), '~servers.work.access[1].tools'],
    ['added', `${CONFIG}  play: { sources: [{ upstream: files }], access: [{ everyone: true }] }\n`, '+servers.play'],
    ['member', CONFIG.replace('ana@', 'ben@'), '~teams.finance.emails'],
    [
      'renamed',
      CONFIG.replaceAll('tracker:', 'issues:').replace('upstream: tracker', 'upstream: issues'),
      '~servers.work.sources[1].upstream,+upstreams.issues,-upstreams.tracker',
    ],
    ['address', CONFIG.replace('https://files', 'http://files'), '~upstreams.files.http.url'],
  ])('%s: is told by its path, without values', (_id, text, expected) => {
    expect(configChanges(compile(CONFIG), compile(text))).toBe(expected);
  });

  it('is nothing for the first, and is cut where it is very much', () => {
    expect(configChanges(undefined, compile(CONFIG))).toBe('');
    const many = Array.from({ length: 2_000 }, (_, index) => `t${index}: { emails: [a@example.com] }`).join(', ');
    const changes = configChanges(compile(CONFIG), compile(CONFIG.replace('teams: { ', `teams: { ${many}, `)));
    expect(changes.length).toBeLessThan(4_100);
    expect(changes).toMatch(/^\+teams\.t0,.*,… \d+ more$/);
  });
});
