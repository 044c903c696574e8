// Has the `switchyard` command load what it loads to serve and to call, so that the first start after an installation finds the code
// compiled. Where that fails nothing is lost but time.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const standalone = path.resolve(import.meta.dirname, '../services/standalone');
const switchyard = path.join(standalone, 'bin/switchyard.mjs');
for (const command of ['up', 'call', 'list', 'audit'])
  spawnSync(process.execPath, [switchyard, command, '--help'], { stdio: 'ignore' });

// `up` loads the services when it has read its configuration. What is compiled is kept for the Node.js that compiled it.
const pinned = path.resolve(import.meta.dirname, '../node_modules/node/bin/node');
const services = pathToFileURL(path.join(standalone, 'dist/embedded/start-gateway.js'));
const load = `import module from 'node:module';
module.enableCompileCache(${JSON.stringify(path.join(standalone, '.cache/compiled'))});
await import(${JSON.stringify(services)});`;
spawnSync(existsSync(pinned) ? pinned : process.execPath, ['--input-type=module', '--eval', load], { stdio: 'ignore' });
