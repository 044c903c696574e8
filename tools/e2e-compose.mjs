// `npm run e2e:compose`: the end-to-end suite against `docker compose up` of docker-compose.yml. Needs a container engine.
//   npm run e2e:compose [-- <jest arguments>]
// Says which images it ran on. SWITCHYARD_IMAGE names an image to test instead of building one.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { ensureChromium } from './ensure-chromium.mjs';
import { root, run } from './fetching.mjs';

const BUILT_IMAGE = 'switchyard:e2e';
const project = `switchyard-e2e-${randomBytes(4).toString('hex')}`;

const succeeds = (program, args) => run(program, args).then(() => true, () => false); // prettier-ignore

async function composeCommand() {
  if (!(await succeeds('docker', ['info']))) throw new Error('This needs a running Docker Engine (docs.docker.com/engine).');
  if (await succeeds('docker', ['compose', 'version'])) return ['docker', 'compose'];
  if (await succeeds('docker-compose', ['version'])) return ['docker-compose'];
  throw new Error('This needs Docker Compose: `docker compose` or `docker-compose`.');
}

async function inherit(program, args, env = {}) {
  const child = spawn(program, args, { cwd: root, env: { ...process.env, ...env }, stdio: 'inherit' });
  const [code] = await once(child, 'close');
  return code ?? 1;
}

/** Where npm gets packages here is where the build gets them. */
async function buildImage() {
  const registry = (await run('npm', ['config', 'get', 'registry'])).stdout.trim();
  const args = ['build', '--network', 'host', '--build-arg', `NPM_CONFIG_REGISTRY=${registry}`];
  const code = await inherit('docker', [...args, '-f', 'deploy/docker/Dockerfile', '-t', BUILT_IMAGE, '.']);
  if (code !== 0) throw new Error('The image could not be built; the output above says why.');
  return BUILT_IMAGE;
}

/** Images of the servers that the services stand on, as docker-compose.yml names them. Those of profiles are not started. */
async function serverImages() {
  const file = await readFile(path.join(root, 'docker-compose.yml'), 'utf8');
  const services = Object.values(parse(file, { merge: true }).services);
  return services.filter(({ build, profiles }) => build === undefined && profiles === undefined).map(({ image }) => image);
}

async function inspect(image) {
  if (!(await succeeds('docker', ['image', 'inspect', image]))) await run('docker', ['pull', image], { maxBuffer: 2 ** 26 });
  const [facts] = JSON.parse((await run('docker', ['image', 'inspect', image])).stdout);
  return { image, id: facts.Id, digest: facts.RepoDigests[0] };
}

/** An image that no registry has given is somebody's own; ClickHouse's own has the server's binary. */
async function standInReason({ image, digest }) {
  if (image.startsWith('clickhouse/')) {
    const look = ['run', '--rm', '--network', 'none', '--entrypoint', 'sh', image, '-c', 'command -v clickhouse'];
    if (!(await succeeds('docker', look))) return 'has no ClickHouse binary';
  }
  return digest === undefined ? 'was made on this machine' : undefined;
}

async function describeImages(ownImage) {
  const servers = await Promise.all((await serverImages()).map(inspect));
  const reasons = await Promise.all(servers.map(standInReason));
  const lines = servers.map(
    ({ image, id, digest }, index) => `  ${image}  ${digest ?? id}${reasons[index] ? `  stand-in: ${reasons[index]}` : ''}`,
  );
  const own = await inspect(ownImage);
  const isStandIn = reasons.some((reason) => reason !== undefined);
  return [
    `docker compose, ${isStandIn ? 'on stand-in images' : 'on official images'}:`,
    ...lines,
    `  ${own.image}  ${own.id}`,
  ].join('\n');
}

/** Address of this machine that containers reach it under: a container knows it on Linux; elsewhere a VM forwards to loopback. */
async function hostAddress(image) {
  if (process.platform !== 'linux') return '127.0.0.1';
  const lookUp = "require('node:dns').lookup('host', 4, (error, address) => console.log(error ?? address))";
  const { stdout } = await run('docker', ['run', '--rm', '--add-host', 'host:host-gateway', image, '-e', lookUp]);
  return stdout.trim();
}

async function removeProject([program, ...command]) {
  const left = await run('docker', ['ps', '--all', '--quiet', '--filter', `label=com.docker.compose.project=${project}`]);
  if (left.stdout.trim() === '') return;
  await run(program, [
    ...command,
    '-p',
    project,
    '-f',
    path.join(root, 'docker-compose.yml'),
    'down',
    '--volumes',
    '--timeout',
    '5',
  ]);
}

async function test() {
  const compose = await composeCommand();
  const image = process.env.SWITCHYARD_IMAGE ?? (await buildImage());
  const images = await describeImages(image);
  console.log(images);
  const jest = [
    path.join(root, 'node_modules/jest/bin/jest.js'),
    'test/e2e/compose.test.ts',
    '--testPathIgnorePatterns=/node_modules/',
  ];
  const env = {
    SWITCHYARD_IMAGE: image,
    SWITCHYARD_E2E_COMPOSE_COMMAND: JSON.stringify(compose),
    SWITCHYARD_E2E_COMPOSE_PROJECT: project,
    SWITCHYARD_E2E_HOST_ADDRESS: await hostAddress(image),
    SWITCHYARD_TEST_CHROMIUM: await ensureChromium(),
    // The servers that other tests share are not needed: the containers bring theirs.
    TEST_NATS_URL: 'nats://unused.invalid',
    TEST_CLICKHOUSE_URL: 'http://unused.invalid',
  };
  try {
    return await inherit(process.execPath, [...jest, ...process.argv.slice(2)], env);
  } finally {
    await removeProject(compose);
    console.log(images);
  }
}

// An interrupt reaches jest too, which ends; this process waits for it and tidies up.
process.on('SIGINT', () => {});
try {
  process.exitCode = await test();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
