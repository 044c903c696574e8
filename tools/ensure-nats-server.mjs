// Finds a nats-server that is new enough, or fetches one into .cache/bin, and prints its path:
//   node tools/ensure-nats-server.mjs
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '..');
const binDir = path.join(root, '.cache/bin');
const cached = path.join(binDir, 'nats-server');
const version = '2.15.1';
const connectTimeoutMs = 10_000;

const progress = (text) => console.error(`test: ${text}`);

/** @returns whether the file is a nats-server of at least `version` */
export async function isNewEnough(file) {
  const { stdout } = await run(file, ['--version']).catch(() => ({ stdout: '' }));
  const [, major, minor, patch] = (/v(\d+)\.(\d+)\.(\d+)/.exec(stdout) ?? []).map(Number);
  const [wantMajor, wantMinor, wantPatch] = version.split('.').map(Number);
  return major > wantMajor || (major === wantMajor && (minor > wantMinor || (minor === wantMinor && patch >= wantPatch)));
}

async function onPath() {
  const candidates = (process.env.PATH ?? '').split(path.delimiter).map((dir) => path.join(dir, 'nats-server'));
  for (const file of candidates) if (existsSync(file) && (await isNewEnough(file))) return file;
  return undefined;
}

/** Moves a fetched binary to its place once it has proven to run; several processes may do so at once. */
async function keep(file) {
  await chmod(file, 0o755);
  if (!(await isNewEnough(file))) throw new Error('what was fetched does not run here, or is too old');
  await mkdir(binDir, { recursive: true });
  const arriving = `${cached}.${process.pid}`;
  await copyFile(file, arriving);
  await rename(arriving, cached);
  return cached;
}

async function unpack(archive, dir) {
  await run('tar', ['-xf', archive, '-C', dir]);
  const files = await readdir(dir, { recursive: true });
  return path.join(dir, files.find((name) => path.basename(name) === 'nats-server'));
}

/** The archive of the official release. */
async function fromRelease(dir) {
  const arch = { x64: 'amd64', arm64: 'arm64', arm: 'arm7', ia32: '386' }[process.arch] ?? process.arch;
  const name = `nats-server-v${version}-${process.platform}-${arch}.tar.gz`;
  progress(`nats-server ${version}: downloading ${name} …`);
  const archive = path.join(dir, name);
  await run('curl', ['-fsSL', '--connect-timeout', String(connectTimeoutMs / 1000), '--max-time', '300', '-o', archive,
    `https://github.com/nats-io/nats-server/releases/download/v${version}/${name}`]); // prettier-ignore
  return unpack(archive, dir);
}

/** The package of Debian's newest distribution, out of the mirror that this machine uses already; its sources stay as they are. */
async function fromDebian(dir) {
  const mirror = await debianMirror();
  if (!mirror) throw new Error('this machine has no Debian mirror in its package sources');
  progress(`nats-server: fetching the package of Debian unstable …`);
  const at = (name) => path.join(dir, name);
  await Promise.all(['lists/partial', 'cache/archives/partial', 'x'].map((name) => mkdir(at(name), { recursive: true })));
  await writeFile(at('sources.list'), `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror} sid main\n`);
  const options = [`Dir::Etc::sourcelist=${at('sources.list')}`, 'Dir::Etc::sourceparts=/dev/null', `Dir::State::Lists=${at('lists')}`,
    `Dir::Cache=${at('cache')}`, 'Debug::NoLocking=1', `APT::Sandbox::User=${os.userInfo().username}`,
    `Acquire::http::Timeout=${connectTimeoutMs / 1000}`].flatMap((option) => ['-o', option]); // prettier-ignore
  await run('apt-get', ['-qq', ...options, 'update'], { cwd: dir });
  await run('apt-get', ['-qq', ...options, 'download', 'nats-server'], { cwd: dir });
  const archive = (await readdir(dir)).find((name) => name.endsWith('.deb'));
  await run('dpkg', ['-x', at(archive), at('x')]);
  return at('x/usr/sbin/nats-server');
}

async function debianMirror() {
  const dir = '/etc/apt/sources.list.d';
  const listed = existsSync(dir) ? (await readdir(dir)).map((name) => path.join(dir, name)) : [];
  const files = ['/etc/apt/sources.list', ...listed].filter((file) => existsSync(file) && /\.(list|sources)$/.test(file));
  const text = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
  const addresses = [...text.matchAll(/^(?:URIs:|deb\s+(?:\[[^\]]*\]\s+)?)\s*(https?:\S+)/gm)].map((match) => match[1]);
  return addresses.find((address) => /\/debian\/?$/.test(address));
}

async function fromGo(dir) {
  await run('go', ['version']);
  progress(`nats-server ${version}: building it with go (a minute or two) …`);
  await run('go', ['install', `github.com/nats-io/nats-server/v2@v${version}`], { env: { ...process.env, GOBIN: dir } });
  return path.join(dir, 'nats-server');
}

/** The binary out of the official image, where a container engine can get it. */
async function fromImage(dir) {
  if (process.platform !== 'linux') throw new Error('the image holds a binary for Linux');
  await run('docker', ['info']);
  progress(`nats-server ${version}: copying it out of the image nats:${version} …`);
  const { stdout } = await run('docker', ['create', `nats:${version}`]);
  const container = stdout.trim();
  const file = path.join(dir, 'nats-server');
  try {
    for (const inside of ['/nats-server', '/usr/local/bin/nats-server', '/usr/sbin/nats-server']) {
      const copied = await run('docker', ['cp', `${container}:${inside}`, file]).then(() => true, () => false); // prettier-ignore
      if (copied) return file;
    }
    throw new Error('the image holds no nats-server where it was looked for');
  } finally {
    await run('docker', ['rm', container]);
  }
}

/** Tries the sources one after the other. @returns undefined where none works; why is told on stderr */
async function fetched() {
  for (const source of [fromRelease, fromDebian, fromGo, fromImage]) {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-nats-'));
    try {
      return await keep(await source(dir));
    } catch (error) {
      const reason = String(error.stderr || error.message).trim().split('\n').at(-1);
      progress(`nats-server: not so (${source.name}: ${reason})`);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
  return undefined;
}

/**
 * @returns path of a nats-server ≥ 2.15.1: on the PATH, fetched earlier, or fetched now
 * @throws Error whose message is one sentence that says how to install it
 */
export async function ensureNatsServer() {
  const found = (await onPath()) ?? ((await isNewEnough(cached)) ? cached : await fetched());
  if (found) return found;
  throw new Error(`The tests need nats-server ${version} or newer: install it from https://docs.nats.io so that \`nats-server\` is on the PATH.`);
}

if (process.argv[1] === import.meta.filename) {
  ensureNatsServer().then(
    (file) => console.log(file),
    (error) => {
      console.error(error.message);
      process.exitCode = 1;
    },
  );
}
