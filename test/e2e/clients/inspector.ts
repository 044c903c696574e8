import { tempDir } from '@switchyard/testing';
import path from 'node:path';
import { REPOSITORY } from '../targets/gateway-file.js';
import { startNode } from '../targets/logged-process.js';

const launcher = path.join(REPOSITORY, 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js');

/**
 * Runs the MCP Inspector's command line once, with a home of its own.
 * @param args what follows the server's URL, for example `--method tools/list`
 * @returns what it printed as JSON
 * @throws Error with its output when it fails
 */
export async function inspect(url: string, headers: Readonly<Record<string, string>>, args: readonly string[]): Promise<unknown> {
  await using home = await tempDir();
  const headerArgs = Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
  const inspector = startNode({
    name: 'MCP Inspector',
    args: [launcher, '--cli', url, '--transport', 'http', ...args, ...headerArgs],
    env: { HOME: home.path },
    cwd: home.path,
  });
  const code = await inspector.exited;
  if (code !== 0) throw new Error(`the Inspector ended with ${code}:\n${inspector.output()}`);
  return JSON.parse(inspector.stdout());
}
