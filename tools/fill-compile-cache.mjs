// Has the `switchyard` command load what it loads to serve and to call, so that the first start after an installation finds the code
// compiled. Where that fails nothing is lost but time.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const switchyard = path.resolve(import.meta.dirname, '../services/standalone/bin/switchyard.mjs');
for (const command of ['up', 'call', 'list', 'audit'])
  spawnSync(process.execPath, [switchyard, command, '--help'], { stdio: 'ignore' });
