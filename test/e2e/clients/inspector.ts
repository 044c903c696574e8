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

/**
 * Runs it as a person who signs in where it asks for that; it remembers that in its home.
 * @returns the text of the tool's result, undefined where it found no such tool, and everything that it printed
 */
export async function inspectorSignedIn(
  o: { readonly url: string; readonly home: string; readonly callbackPort: number },
  signIn: (authorizationUrl: URL) => Promise<unknown>,
  args: readonly string[],
): Promise<{ readonly text: string | undefined; readonly output: string }> {
  const callback = ['--callback-url', `http://127.0.0.1:${o.callbackPort}/oauth/callback`];
  const run = startNode({
    name: 'MCP Inspector',
    args: [launcher, '--cli', o.url, '--transport', 'http', '--format', 'json', ...args, ...callback],
    env: { HOME: o.home, BROWSER: '/bin/true', MCP_AUTO_OPEN_ENABLED: 'true', MCP_INSPECTOR_SECRET_STORE: 'file' },
    cwd: o.home,
  });
  const asks = run.written(/https?:\/\/\S+\/oauth\/authorize\?\S+/).then(([at]) => signIn(new URL(at)), () => undefined); // prettier-ignore
  const code = await run.exited;
  await asks;
  const output = run.output();
  if (output.includes('"tool_not_found"')) return { text: undefined, output };
  if (code !== 0 && run.stdout() === '') throw new Error(`the Inspector ended with ${code}:\n${output}`);
  const { result } = JSON.parse(run.stdout()) as { readonly result: { readonly content: readonly { readonly text: string }[] } };
  return { text: result.content.map(({ text }) => text).join('\n'), output };
}
