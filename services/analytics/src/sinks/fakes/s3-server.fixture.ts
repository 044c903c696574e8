import { startServerProcess, tempDir, freePort } from '@switchyard/testing';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { testProgram } from './test-program.fixture.js';

/** A server of the S3 API that was not made for these tests, with one bucket. */
export interface S3Server extends AsyncDisposable {
  readonly url: string;
  readonly bucket: string;
  readonly region: string;
  readonly id: string;
  readonly secret: string;
}

/** Starts one. */
export async function startS3Server(): Promise<S3Server> {
  await using undo = new AsyncDisposableStack();
  const about = { bucket: 'audit-bucket', region: 'eu-central-1', id: 'AKIDEXAMPLE', secret: 'a-secret/of+a-test' };
  const dir = undo.use(await tempDir());
  await mkdir(path.join(dir.path, about.bucket));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await startServerProcess({
    command: await testProgram('SWITCHYARD_TEST_S3', 'ensure-s3-server.mjs'),
    args: ['--port', `127.0.0.1:${port}`, '--region', about.region, 'posix', dir.path],
    env: { ...process.env, ROOT_ACCESS_KEY: about.id, ROOT_SECRET_KEY: about.secret },
    isUp: () => fetch(url).then(() => true, () => false), // prettier-ignore
  });
  undo.defer(() => server.end('SIGKILL'));
  const running = undo.move();
  return { ...about, url, [Symbol.asyncDispose]: () => running.disposeAsync() };
}
