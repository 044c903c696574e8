// Finds a nats-server that is new enough, or fetches one into .cache/bin, and prints its path:
//   node tools/ensure-nats-server.mjs
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { unpackedDebianPackages } from './debian-packages.mjs';
import { asProgram, connectTimeoutMs, firstSource, firstThat, onPath, progress, root, run } from './fetching.mjs';

const binDir = path.join(root, '.cache/bin');
const cached = path.join(binDir, 'nats-server');
const version = '2.15.1';

/** @returns whether the file is a nats-server of at least `version` */
async function isNewEnough(file) {
  const { stdout } = await run(file, ['--version']).catch(() => ({ stdout: '' }));
  const found = /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  return found !== undefined && found.localeCompare(version, 'en', { numeric: true }) >= 0;
}

/** Puts a fetched binary into its place once it has proven to run; several processes may do so at once. */
async function keep(file) {
  await chmod(file, 0o755);
  if (!(await isNewEnough(file))) throw new Error('what was fetched does not run here, or is too old');
  await mkdir(binDir, { recursive: true });
  const arriving = `${cached}.${process.pid}`;
  await copyFile(file, arriving);
  await rename(arriving, cached);
  return cached;
}

async function download(url, file) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error('no answer in time')), connectTimeoutMs);
  const response = await fetch(url, { signal: controller.signal }).catch((error) => {
    throw error.cause ?? error;
  });
  clearTimeout(timer);
  if (!response.ok) throw new Error(`status ${response.status}`);
  await writeFile(file, response.body);
}

/** The archive of the official release. */
async function officialRelease(dir) {
  const arch = { x64: 'amd64', arm: 'arm7', ia32: '386' }[process.arch] ?? process.arch;
  const name = `nats-server-v${version}-${process.platform}-${arch}`;
  progress(`nats-server ${version}: downloading the release …`);
  const archive = path.join(dir, `${name}.tar.gz`);
  await download(`https://github.com/nats-io/nats-server/releases/download/v${version}/${name}.tar.gz`, archive);
  await run('tar', ['-xf', archive, '-C', dir]);
  return path.join(dir, name, 'nats-server');
}

/** The package of Debian unstable. */
async function debianPackage(dir) {
  progress('nats-server: fetching the package of Debian unstable …');
  return path.join(await unpackedDebianPackages(dir, ['nats-server'], 'sid'), 'usr/sbin/nats-server');
}

async function goInstall(dir) {
  await run('go', ['version']);
  progress(`nats-server ${version}: building it with go (a minute or two) …`);
  await run('go', ['install', `github.com/nats-io/nats-server/v2@v${version}`], { env: { ...process.env, GOBIN: dir } });
  return path.join(dir, 'nats-server');
}

/** The binary out of the official image, where a container engine can get it. */
async function containerImage(dir) {
  if (process.platform !== 'linux') throw new Error('the image holds a binary for Linux');
  await run('docker', ['info']);
  progress(`nats-server ${version}: copying it out of the image nats:${version} …`);
  const { stdout } = await run('docker', ['create', `nats:${version}`]);
  const container = stdout.trim();
  const file = path.join(dir, 'nats-server');
  const copyFrom = (inside) => run('docker', ['cp', `${container}:${inside}`, file]).then(() => true).catch(() => false); // prettier-ignore
  try {
    if (await firstThat(copyFrom, ['/nats-server', '/usr/local/bin/nats-server', '/usr/sbin/nats-server'])) return file;
    throw new Error('the image holds no nats-server where it was looked for');
  } finally {
    await run('docker', ['rm', container]);
  }
}

/** Runs a source in a folder of its own and keeps what it fetched. */
function keeping(source) {
  const fetchAndKeep = async () => {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-nats-'));
    try {
      return await keep(await source(dir));
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  };
  return Object.defineProperty(fetchAndKeep, 'name', { value: source.name });
}

/**
 * @returns path of a nats-server ≥ 2.15.1: on the PATH, fetched earlier, or fetched now
 * @throws Error whose message is one sentence that says how to install it
 */
export async function ensureNatsServer() {
  const sources = [officialRelease, debianPackage, goInstall, containerImage].map(keeping);
  const found =
    (await firstThat(isNewEnough, [...onPath(['nats-server']), cached])) ?? (await firstSource('nats-server', sources));
  if (found) return found;
  throw new Error(
    `The tests need nats-server ${version} or newer: install it (docs.nats.io) so that \`nats-server\` is on the PATH.`,
  );
}

if (process.argv[1] === import.meta.filename) await asProgram(ensureNatsServer);
