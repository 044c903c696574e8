import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { workspacePackages } from '../../tools/boundaries.mjs';
import { workspaceRoot } from './import-graph.js';

function projectsWith(target: string): string[] {
  const nx = path.join(workspaceRoot, 'node_modules/nx/dist/bin/nx.js');
  const env = { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true' };
  const output = execFileSync(process.execPath, [nx, 'show', 'projects', '--with-target', target, '--json'], {
    cwd: workspaceRoot,
    env,
  });
  return JSON.parse(output.toString()) as string[];
}

describe('nx', () => {
  const names = workspacePackages().map(({ name }) => name);

  it.each(['build', 'lint', 'test'])('knows the target %s of every package', (target) => {
    expect(projectsWith(target).sort()).toEqual([...names].sort());
  });
});
