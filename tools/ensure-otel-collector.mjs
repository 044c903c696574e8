// Finds an OpenTelemetry Collector that takes OTLP, or fetches one into .cache/bin, and prints its path:
//   node tools/ensure-otel-collector.mjs
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { asProgram, binDir, download, firstSource, firstThat, keepProgram, onPath, progress, root, run } from './fetching.mjs';

const version = '0.160.0';
const cached = path.join(binDir, 'otelcol');

/** @returns whether the file is a collector with what the tests use */
async function isCollector(file) {
  const { stdout } = await run(file, ['components']).catch(() => ({ stdout: '' }));
  return ['otlp', 'otlp_http', 'debug'].every((name) => new RegExp(`^\\s*- name: ${name}$`, 'm').test(stdout));
}

/** The archive of the official release. */
async function officialRelease(dir) {
  const arch = { x64: 'amd64', ia32: '386' }[process.arch] ?? process.arch;
  const name = `otelcol_${version}_${process.platform}_${arch}.tar.gz`;
  progress(`OpenTelemetry Collector ${version}: downloading the release …`);
  const releases = 'https://github.com/open-telemetry/opentelemetry-collector-releases/releases/download';
  await download(`${releases}/v${version}/${name}`, path.join(dir, name));
  await run('tar', ['-xf', path.join(dir, name), '-C', dir, 'otelcol']);
  return path.join(dir, 'otelcol');
}

/** Built by the collector's own builder, of the modules in otel-collector/builder.yaml. */
async function goBuild(dir) {
  await run('go', ['version']);
  progress(`OpenTelemetry Collector ${version}: building it with go (some minutes) …`);
  const env = { ...process.env, GOBIN: dir };
  await run('go', ['install', `go.opentelemetry.io/collector/cmd/builder@v${version}`], { env });
  const build = path.join(dir, 'build');
  const config = path.join(dir, 'builder.yaml');
  const modules = await readFile(path.join(root, 'tools/otel-collector/builder.yaml'), 'utf8');
  await writeFile(config, modules.replace('dist:\n', `dist:\n  output_path: ${JSON.stringify(build)}\n`));
  await run(path.join(dir, 'builder'), ['--config', config], { env, maxBuffer: 64 * 1024 ** 2 });
  return path.join(build, 'otelcol');
}

/** Runs a source in a folder of its own and keeps what it fetched. */
function keeping(source) {
  const fetchAndKeep = async () => {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'switchyard-otelcol-'));
    try {
      const file = await source(dir);
      if (!(await isCollector(file))) throw new Error('what was fetched does not run here');
      return await keepProgram(file, 'otelcol');
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  };
  return Object.defineProperty(fetchAndKeep, 'name', { value: source.name });
}

/**
 * @returns path of a collector: on the PATH, fetched earlier, or fetched now
 * @throws Error whose message is one sentence that says how to install it
 */
export async function ensureOtelCollector() {
  const names = ['otelcol', 'otelcol-contrib'];
  const found =
    (await firstThat(isCollector, [...onPath(names), cached])) ??
    (await firstSource('OpenTelemetry Collector', [officialRelease, goBuild].map(keeping)));
  if (found) return found;
  throw new Error('The tests need an OpenTelemetry Collector: install it (opentelemetry.io) so that `otelcol` is on the PATH.');
}

if (process.argv[1] === import.meta.filename) await asProgram(ensureOtelCollector);
