import { ConfigError } from '@switchyard/runtime';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { importMcpServers, parseGatewayConfig } from './index.js';

const sample = readFileSync(path.resolve(__dirname, '../../../switchyard.yaml'), 'utf8');
const fragment = fc.oneof(
  fc.string(),
  fc.constantFrom('&a', '*a', '!!set', '? ', '- ', ': ', '{', '}', '|\n', '<<: ', '---\n', '\t', '__proto__: ', '"', '${'),
);

function outcomeOf(parse: () => unknown): string {
  try {
    parse();
    return 'accepted';
  } catch (error) {
    return error instanceof ConfigError && error.problems.length > 0 ? 'refused' : `threw ${String(error)}`;
  }
}
const orderly = (outcome: string) => outcome === 'accepted' || outcome === 'refused';

describe('any text at all is accepted or refused', () => {
  it('as a switchyard.yaml', () => {
    const edited = fc
      .tuple(fc.nat(sample.length), fc.nat(40), fragment)
      .map(([at, gone, put]) => sample.slice(0, at) + put + sample.slice(at + gone));
    fc.assert(
      fc.property(fc.oneof(edited, fragment), (text) => orderly(outcomeOf(() => parseGatewayConfig(text, 'f')))),
      { numRuns: 400 },
    );
  });

  it('as a file to import', () => {
    const json = fc.record({
      mcpServers: fc.dictionary(
        fc.string(),
        fc.record({ url: fc.string(), command: fc.string(), args: fc.array(fc.string()) }, { requiredKeys: [] }),
      ),
    });
    const text = fc.oneof(
      json.map((value) => JSON.stringify(value)),
      fc.json(),
      fragment,
    );
    fc.assert(
      fc.property(text, (value) => orderly(outcomeOf(() => importMcpServers(value)))),
      { numRuns: 400 },
    );
  });
});
