// Finds a Versity S3 Gateway, which serves a folder as buckets, or fetches one into .cache/bin, and prints its path:
//   node tools/ensure-s3-server.mjs
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { asProgram, binDir, download, firstSource, firstThat, keepProgram, onPath, progress, run } from './fetching.mjs';

const version = '1.8.0';
const program = 'versitygw';

const starts = (file) => run(file, ['--version']).then(() => true, () => false); // prettier-ignore

/** The archive of the official release. */
async function officialRelease(dir) {
  const system = { linux: 'Linux', darwin: 'Darwin' }[process.platform] ?? process.platform;
  const name = `${program}_v${version}_${system}_${{ x64: 'x86_64' }[process.arch] ?? process.arch}`;
  progress(`${program} ${version}: downloading the release …`);
  const archive = path.join(dir, `${name}.tar.gz`);
  await download(`https://github.com/versity/versitygw/releases/download/v${version}/${name}.tar.gz`, archive);
  await run('tar', ['-xf', archive, '-C', dir]);
  return path.join(dir, name, program);
}

async function goInstall(dir) {
  await run('go', ['version']);
  progress(`${program} ${version}: building it with go (some minutes) …`);
  await run('go', ['install', `github.com/versity/versitygw/cmd/versitygw@v${version}`], { env: { ...process.env, GOBIN: dir } });
  return path.join(dir, program);
}

/** Runs a source in a folder of its own and keeps what it fetched. */
function keeping(source) {
  const fetchAndKeep = async () => {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-s3-'));
    try {
      const file = await source(dir);
      if (!(await starts(file))) throw new Error('what was fetched does not run here');
      return await keepProgram(file, program);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  };
  return Object.defineProperty(fetchAndKeep, 'name', { value: source.name });
}

/**
 * @returns path of the server: on the PATH, fetched earlier, or fetched now
 * @throws Error whose message is one sentence that says how to install it
 */
export async function ensureS3Server() {
  const found =
    (await firstThat(starts, [...onPath([program]), path.join(binDir, program)])) ??
    (await firstSource(program, [officialRelease, goInstall].map(keeping)));
  if (found) return found;
  throw new Error(`The tests need ${program}: install it (github.com/versity/versitygw) so that it is on the PATH.`);
}

if (process.argv[1] === import.meta.filename) await asProgram(ensureS3Server);
