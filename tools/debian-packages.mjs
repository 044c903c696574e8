// Debian packages, fetched and unpacked into a folder of the project's: the machine stays as it is, and nobody need be root.
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { connectTimeoutMs, run } from './fetching.mjs';

/** @returns the Debian mirror that this machine's own package sources name */
async function mirror() {
  const dir = '/etc/apt/sources.list.d';
  const listed = existsSync(dir) ? (await readdir(dir)).map((name) => path.join(dir, name)) : [];
  const files = ['/etc/apt/sources.list', ...listed].filter((file) => existsSync(file) && /\.(list|sources)$/.test(file));
  const text = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
  const addresses = [...text.matchAll(/^(?:URIs:|deb\s+(?:\[[^\]]*\]\s+)?)\s*(https?:\S+)/gm)].map((match) => match[1]);
  return addresses.find((address) => /\/debian\/?$/.test(address));
}

/**
 * Fetches packages and unpacks them.
 * @param dir an empty folder, for all that it takes
 * @param names of the packages; what they depend on is not fetched with them
 * @param suite of Debian to take them from; unless told, what the machine's own sources name
 * @returns the folder that they were unpacked into
 */
export async function unpackedDebianPackages(dir, names, suite) {
  const address = await mirror();
  if (!address) throw new Error('this machine has no Debian mirror in its package sources');
  const at = (name) => path.join(dir, name);
  await Promise.all(['lists/partial', 'cache/archives/partial', 'x'].map((name) => mkdir(at(name), { recursive: true })));
  const signedBy = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]';
  if (suite) await writeFile(at('sources.list'), `deb ${signedBy} ${address} ${suite} main\n`);
  const options = {
    ...(suite && { 'Dir::Etc::sourcelist': at('sources.list'), 'Dir::Etc::sourceparts': '/dev/null' }),
    'Dir::State::Lists': at('lists'),
    'Dir::Cache': at('cache'),
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': os.userInfo().username,
    'Acquire::http::Timeout': String(connectTimeoutMs / 1000),
  };
  const args = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  await run('apt-get', ['-qq', ...args, 'update'], { cwd: dir });
  await run('apt-get', ['-qq', ...args, 'download', ...names], { cwd: dir });
  for (const archive of (await readdir(dir)).filter((name) => name.endsWith('.deb'))) {
    await run('dpkg', ['-x', at(archive), at('x')]);
  }
  return at('x');
}
