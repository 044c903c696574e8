import { SWITCHYARD } from '../targets/embedded.js';
import { startNode } from '../targets/logged-process.js';
import type { Target } from '../targets/target.js';

/**
 * Runs the `switchyard` command against a target, as its administrator.
 * @param input given on standard input
 * @returns what it wrote
 * @throws Error with its output when it fails
 */
export async function runSwitchyard(target: Target, args: readonly string[], input?: string): Promise<string> {
  const command = startNode({
    name: `switchyard ${args[0]}`,
    args: [SWITCHYARD, ...args],
    env: { SWITCHYARD_URL: target.publicUrl, SWITCHYARD_KEY: target.adminKey },
    ...(input === undefined ? {} : { input }),
  });
  const code = await command.exited;
  if (code === 0) return command.output();
  throw new Error(`switchyard ${args.join(' ')} ended with ${code}:\n${command.output()}`);
}
