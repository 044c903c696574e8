// Finds a Chromium, or fetches one into .cache/browsers or from the system's packages, and prints its path:
//   node tools/ensure-chromium.mjs
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { asProgram, connectTimeoutMs, firstSource, firstThat, onPath, progress, root, run } from './fetching.mjs';

const browsersDir = path.join(root, '.cache/browsers');
const commands = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const applications = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];
const fetchedNames = ['chrome-headless-shell', 'headless_shell'];

const starts = (file) => run(file, ['--version']).then(() => true, () => false); // prettier-ignore

async function fetchedEarlier() {
  if (!existsSync(browsersDir)) return [];
  const files = await readdir(browsersDir, { recursive: true });
  return files.filter((file) => fetchedNames.includes(path.basename(file))).map((file) => path.join(browsersDir, file));
}

async function playwright() {
  progress('Chromium: downloading its headless build (about 100 MB) …');
  const cli = path.join(root, 'node_modules/playwright-core/cli.js');
  await run(process.execPath, [cli, 'install', '--only-shell', 'chromium'], {
    env: {
      ...process.env,
      PLAYWRIGHT_BROWSERS_PATH: browsersDir,
      PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: String(connectTimeoutMs),
    },
  });
  const found = await firstThat(starts, await fetchedEarlier());
  if (!found) throw new Error('what was downloaded does not run here (a library of the system is missing)');
  return found;
}

async function systemPackage() {
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) throw new Error('not root on a Debian-like system');
  progress('Chromium: installing the package `chromium` of this system …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['-qq', 'update'], { env });
  await run('apt-get', ['-qq', '-y', '--no-install-recommends', 'install', 'chromium'], { env, maxBuffer: 2 ** 26 });
  const found = await firstThat(starts, onPath(commands));
  if (!found) throw new Error('the package does not start');
  return found;
}

/**
 * @returns path of a Chromium that starts: CHROME_PATH, on the PATH, an application, fetched earlier, or fetched now
 * @throws Error whose message is one sentence that says how to install it
 */
export async function ensureChromium() {
  const candidates = [process.env.CHROME_PATH, ...onPath(commands), ...applications, ...(await fetchedEarlier())];
  const found = (await firstThat(starts, candidates)) ?? (await firstSource('Chromium', [playwright, systemPackage]));
  if (found) return found;
  throw new Error('The tests need a Chromium or Chrome: install one, or set CHROME_PATH to its executable.');
}

if (process.argv[1] === import.meta.filename) await asProgram(ensureChromium);
