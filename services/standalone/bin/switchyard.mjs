#!/usr/bin/env node
// Runs the CLI under the Node.js that Switchyard is pinned to, whichever Node.js started this file.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_MAJOR = 24;
const main = new URL('../dist/main.js', import.meta.url);

/** @returns the pinned Node.js, where it is installed */
function pinnedNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve('node/package.json');
    const program = path.join(path.dirname(manifest), 'bin', 'node');
    return existsSync(program) ? program : undefined;
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

function refuse(sentence) {
  console.error(sentence);
  process.exitCode = 2;
}

function runUnder(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal signals the child itself; others know this process only.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
  child.on('exit', (code, signal) => (signal ? process.kill(process.pid, 'SIGKILL') : process.exit(code ?? 1)));
}

const isOldEnough = Number(process.versions.node.split('.', 1)[0]) >= OLDEST_MAJOR;
const pinned = isOldEnough ? process.execPath : pinnedNode();

if (!existsSync(main)) refuse('Switchyard is not built yet. Run `npm run build` first.');
else if (pinned === undefined)
  refuse(`Switchyard needs Node.js ${OLDEST_MAJOR}, and this is ${process.version}. Run \`npm ci\` first: it brings its own.`);
else if (pinned !== process.execPath) runUnder(pinned);
else {
  // Halves the start-up time. Beside the program, because what others may write to must not be run.
  module.enableCompileCache?.(fileURLToPath(new URL('../.cache/compiled', import.meta.url)));
  await import(main.href);
}
