import { ConfigError } from '@switchyard/runtime';
import { importMcpServers, mergeImport, parseGatewayConfig } from './index.js';

const CLAUDE = `{
  "mcpServers": {
    "github": { "type": "http", "url": "https://api.example/mcp", "headers": { "Authorization": "Bearer \${GITHUB_TOKEN}" } },
    "My Files!": { "command": "npx", "args": ["-y", "server-files", "/data"], "env": { "API_KEY": "\${env:FILES_KEY}" }, "autoApprove": ["read"] },
    "my_files": { "command": "node", "args": [], "disabled": false },
    "off": { "command": "x", "disabled": true }
  }
}`;

const VSCODE = `{
  // what the team uses
  "inputs": [],
  "servers": {
    "docs": { "type": "stdio", "command": "docs-server", "cwd": "/srv", /* note */ "env": { "URL": "http://a//b" } },
  },
}`;

describe('importMcpServers', () => {
  it('reads mcpServers', () => {
    expect(importMcpServers(CLAUDE)).toEqual({
      upstreams: {
        github: { url: 'https://api.example/mcp', headers: { Authorization: 'Bearer ${env:GITHUB_TOKEN}' } },
        'My-Files': { command: 'npx', args: ['-y', 'server-files', '/data'], env: { API_KEY: '${env:FILES_KEY}' } },
        'my_files-2': { command: 'node' },
      },
      servers: {
        github: { sources: [{ upstream: 'github' }], access: [{ everyone: true }] },
        'my-files': { sources: [{ upstream: 'My-Files' }], access: [{ everyone: true }] },
        'my-files-2': { sources: [{ upstream: 'my_files-2' }], access: [{ everyone: true }] },
      },
      notes: ['My Files!: "autoApprove" has no counterpart here and was left out.', 'off is disabled and was left out.'],
    });
  });

  it("reads VS Code's servers, comments and trailing commas included", () => {
    expect(importMcpServers(VSCODE).upstreams).toEqual({
      docs: { command: 'docs-server', cwd: '/srv', env: { URL: 'http://a//b' } },
    });
  });

  it('gives what a switchyard.yaml takes', () => {
    const config = parseGatewayConfig(mergeImport('', importMcpServers(CLAUDE), 'f'), 'f');
    expect([Object.keys(config.upstreams), Object.keys(config.servers)]).toEqual([
      ['github', 'My-Files', 'my_files-2'],
      ['github', 'my-files', 'my-files-2'],
    ]);
  });

  const refusals = [
    {
      id: 'I1 input',
      entry: '{ "url": "https://x/", "headers": { "X-Key": "${input:key}" } }',
      message:
        'mcpServers.a.headers.X-Key: ${input:key} asks the user of an editor, and a gateway has none. Write ${env:NAME} and set that variable.',
    },
    {
      id: 'I2 editor variable',
      entry: '{ "command": "x", "args": ["${workspaceFolder}/a"] }',
      message: 'mcpServers.a.args[0]: ${workspaceFolder} is known to an editor only. Write out what it stands for.',
    },
    {
      id: 'I3 default',
      entry: '{ "command": "x", "env": { "A": "${B:-c}" } }',
      message:
        'mcpServers.a.env.A: ${B:-c} has a default, which references here cannot have. Write ${env:NAME} and set that variable.',
    },
    {
      id: 'I4 sse',
      entry: '{ "type": "sse", "url": "https://x/sse" }',
      message:
        'mcpServers.a.type: must be "http" or "stdio". For a server of the older SSE transport, use its Streamable HTTP URL.',
    },
    {
      id: 'I5 secret in clear',
      entry: '{ "url": "https://x/", "headers": { "Authorization": "Bearer abc" } }',
      message:
        'mcpServers.a.headers.Authorization: is a secret in clear text. Write ${env:NAME}, ${file:PATH} or ${secret:NAME} instead.',
    },
    {
      id: 'I6 reference in args',
      entry: '{ "command": "x", "args": ["${KEY}"] }',
      message: 'mcpServers.a.args[0]: cannot hold a reference: it would show in process lists. Put it into env.',
    },
    {
      id: 'I7 env file',
      entry: '{ "command": "x", "envFile": ".env" }',
      message: 'mcpServers.a.envFile: is not read. Copy what is in it into env.',
    },
    {
      id: 'I8 neither url nor command',
      entry: '{}',
      message: 'mcpServers.a: needs url (a remote server) or command (a local one). Add one of them.',
    },
  ];
  it.each(refusals)('refuses $id', ({ entry, message }) => {
    expect(refusalOf(`{ "mcpServers": {\n "a": ${entry} } }`)).toMatch(/^mcp\.json:2:\d+: /);
    expect(refusalOf(`{ "mcpServers": {\n "a": ${entry} } }`).replace(/^mcp\.json:2:\d+: /, '')).toBe(message);
  });

  it('refuses a file that lists no servers', () => {
    expect(refusalOf('{ "theme": "dark" }')).toBe(
      'mcp.json:1:1: has neither mcpServers nor servers. Name a file that has one of them.',
    );
  });
});

function refusalOf(json: string): string {
  try {
    importMcpServers(json);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'accepted';
}
