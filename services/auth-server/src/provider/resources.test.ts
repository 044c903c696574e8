import { readResource } from './resources.js';

const publicUrl = 'https://mcp.example.com';

describe('A11: resource indicators (RFC 8707)', () => {
  it.each([
    ['exact', 'https://mcp.example.com/mcp/work', 'work'],
    ['whole gateway', 'https://mcp.example.com/mcp', undefined],
    ['trailing slash', 'https://mcp.example.com/mcp/work/', 'work'],
    ['gateway with slash', 'https://mcp.example.com/mcp/', undefined],
    ['host and scheme in capitals', 'HTTPS://MCP.Example.COM/mcp/work', 'work'],
    ['default port', 'https://mcp.example.com:443/mcp/work', 'work'],
  ])('%s names the one canonical resource', (_id, text, slug) => {
    const url = slug === undefined ? `${publicUrl}/mcp` : `${publicUrl}/mcp/${slug}`;
    expect(readResource(text, publicUrl)).toEqual(slug === undefined ? { url } : { slug, url });
  });

  it.each(['https://mcp.example.com/api', 'https://mcp.example.com/api/'])('%s names the gateway’s own API', (text) => {
    expect(readResource(text, publicUrl)).toEqual({ isApi: true, url: `${publicUrl}/api` });
  });

  it.each([
    ['a part of the API', 'https://mcp.example.com/api/v1'],
    ['another host', 'https://evil.example/mcp/work'],
    ['another scheme', 'http://mcp.example.com/mcp/work'],
    ['another port', 'https://mcp.example.com:8443/mcp/work'],
    ['fragment', 'https://mcp.example.com/mcp/work#a'],
    ['empty fragment', 'https://mcp.example.com/mcp/work#'],
    ['query', 'https://mcp.example.com/mcp/work?a=1'],
    ['empty query', 'https://mcp.example.com/mcp/work?'],
    ['userinfo', 'https://a:b@mcp.example.com/mcp/work'],
    ['path in capitals', 'https://mcp.example.com/MCP/work'],
    ['slug in capitals', 'https://mcp.example.com/mcp/Work'],
    ['encoded slug', 'https://mcp.example.com/mcp/%77ork'],
    ['doubled slash', 'https://mcp.example.com//mcp/work'],
    ['deeper path', 'https://mcp.example.com/mcp/work/x'],
    ['origin alone', 'https://mcp.example.com'],
    ['host with a dot at its end', 'https://mcp.example.com./mcp/work'],
    ['not absolute', '/mcp/work'],
    ['no URL', 'work'],
    ['empty', ''],
  ])('%s is no resource of this gateway', (_id, text) => {
    expect(readResource(text, publicUrl)).toBeUndefined();
  });
});
