// Finds an rsyslogd that speaks TLS, or fetches one into .cache/rsyslog, and prints its path:
//   node tools/ensure-rsyslog.mjs
import { existsSync, globSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { unpackedDebianPackages } from './debian-packages.mjs';
import { asProgram, firstSource, firstThat, onPath, progress, root, run } from './fetching.mjs';

const dir = path.join(root, '.cache/rsyslog');
const cached = path.join(dir, 'rsyslogd');
const packages = ['rsyslog', 'rsyslog-openssl', 'libestr0', 'libfastjson4', 'liblognorm5'];
const drivers = ['/usr/lib/*/rsyslog', '/usr/lib{,64}/rsyslog', '{/usr/local,/opt/homebrew}/lib/rsyslog'].map(
  (one) => `${one}/lmnsd_ossl.so`,
);

const starts = (file) => run(file, ['-v']).then(() => true, () => false); // prettier-ignore
const ofTheSystem = async (file) => globSync(drivers).length > 0 && (await starts(file));

/** The packages of this machine's own Debian, in a folder of the project's, with a script that tells rsyslogd where it is. */
async function debianPackage() {
  progress('rsyslog: fetching the Debian package …');
  const temporary = await mkdtemp(path.join(os.tmpdir(), 'switchyard-rsyslog-'));
  try {
    const unpacked = await unpackedDebianPackages(temporary, packages);
    const arriving = `${dir}.${process.pid}`;
    await mkdir(path.dirname(dir), { recursive: true });
    await cp(unpacked, arriving, { recursive: true, verbatimSymlinks: true });
    await writeFile(path.join(arriving, 'rsyslogd'), script, { mode: 0o755 });
    await rm(dir, { recursive: true, force: true });
    await rename(arriving, dir);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  if (!(await starts(cached))) throw new Error('what was fetched does not run here');
  return cached;
}

const script = `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
libraries=$(echo "$here"/usr/lib/*-linux-*)
LD_LIBRARY_PATH=$libraries exec "$here/usr/sbin/rsyslogd" -M "$libraries/rsyslog" "$@"
`;

/**
 * @returns path of an rsyslogd with its OpenSSL driver: the system's, fetched earlier, or fetched now
 * @throws Error whose message is one sentence that says how to install it
 */
export async function ensureRsyslog() {
  const system = await firstThat(
    ofTheSystem,
    [...onPath(['rsyslogd']), '/usr/sbin/rsyslogd'].filter((file) => existsSync(file)),
  );
  const found = system ?? (await firstThat(starts, [cached])) ?? (await firstSource('rsyslog', [debianPackage]));
  if (found) return found;
  throw new Error('The tests need rsyslogd with its OpenSSL driver: install the packages rsyslog and rsyslog-openssl.');
}

if (process.argv[1] === import.meta.filename) await asProgram(ensureRsyslog);
