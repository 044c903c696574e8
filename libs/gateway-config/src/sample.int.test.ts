import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gatewayJsonSchema, loadGatewayConfig } from './index.js';

const root = path.resolve(__dirname, '../../..');

describe('the sample switchyard.yaml', () => {
  const config = loadGatewayConfig(path.join(root, 'switchyard.yaml'));

  it('serves one server from two upstreams', () => {
    expect([Object.keys(config.servers), Object.keys(config.upstreams)]).toEqual([['demo'], ['everything', 'files']]);
  });

  it('runs programs that are installed, on files that are there', () => {
    const paths = Object.values(config.upstreams).flatMap((upstream) => (upstream.kind === 'stdio' ? upstream.args : []));
    const missing = paths.filter((argument) => argument.includes('/') && !existsSync(path.join(root, argument)));
    expect(missing).toEqual([]);
  });
});

describe('gatewayJsonSchema', () => {
  it('is what is published', () => {
    expect(JSON.parse(readFileSync(path.join(root, 'docs/switchyard.schema.json'), 'utf8'))).toEqual(gatewayJsonSchema());
  });

  it('describes every key', () => {
    const undescribed: string[] = [];
    const visit = (schema: unknown, at: string): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const { properties = {} } = schema as { properties?: Record<string, { description?: string }> };
      for (const [key, value] of Object.entries(properties)) if (!value.description) undescribed.push(`${at}.${key}`);
      for (const [key, value] of Object.entries(schema)) visit(value, `${at}.${key}`);
    };
    visit(gatewayJsonSchema(), '');
    expect(undescribed).toEqual([]);
  });
});
