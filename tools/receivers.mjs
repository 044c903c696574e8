// npm run receivers [-- <jest arguments>]
// The sinks for OTLP and for buckets against a real OpenTelemetry Collector and a real S3 server, which are found, downloaded, or built with
// Go (some minutes, once). `npm test` does without: there, both are held against servers made of what is published of each protocol.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { ensureOtelCollector } from './ensure-otel-collector.mjs';
import { ensureS3Server } from './ensure-s3-server.mjs';
import { root } from './fetching.mjs';

async function receivers() {
  const programs = { SWITCHYARD_TEST_OTELCOL: await ensureOtelCollector(), SWITCHYARD_TEST_S3: await ensureS3Server() };
  const patterns = ['--testPathIgnorePatterns=/node_modules/', '--testPathPatterns=\\.receiver\\.test\\.ts$'];
  const args = [path.join(root, 'tools/test.mjs'), ...patterns, ...process.argv.slice(2)];
  const [code] = await once(
    spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...programs }, stdio: 'inherit' }),
    'close',
  );
  return code ?? 1;
}

try {
  process.exitCode = await receivers();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
