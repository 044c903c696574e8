import { freePort } from '@switchyard/testing';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(__dirname, '../../..');
const directory = mkdtempSync(path.join(tmpdir(), 'switchyard-boot-'));
const main = path.join(directory, 'main.mjs');

// A service whose start and stop can be steered by its configuration.
const SERVICE = `
import { boot, ConfigError, secretText } from '${root}/libs/runtime/dist/index.js';
import { z } from '${root}/node_modules/zod/index.js';
const schema = z.strictObject({ port: z.number().default(0), key: secretText.optional(), start: z.enum(['ok', 'refuse', 'fail', 'wait']).default('ok') });
await boot({
  service: 'sample',
  schema,
  management: ({ port }) => ({ host: '127.0.0.1', port }),
  async start(config, waitingFor) {
    if (config.start === 'refuse') throw new ConfigError([{ file: 'other.yaml', path: 'a', message: 'is wrong. Fix it.' }]);
    if (config.start === 'fail') throw new Error('no database');
    if (config.start === 'wait') { waitingFor({ vault: 'does not answer' }); console.log('waiting'); await new Promise(() => setInterval(() => 0, 1000)); }
    const running = { name: 'sample', urls: { http: 'http://127.0.0.1:1' }, readiness: async () => ({ bus: 'ok' }), close: async () => console.log('drained') };
    return { running, metrics: async () => 'sample_up 1', close: async () => console.log('closed') };
  },
});
`;

const running = new Set<ReturnType<typeof spawn>>();

function start(config: string, ...flags: string[]) {
  const file = path.join(directory, `${running.size}.yaml`);
  writeFileSync(file, config);
  const child = spawn(process.execPath, [main, '--config', file, ...flags], { env: { SAMPLE: 'planted' } });
  running.add(child);
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.err += chunk.toString()));
  const exited = once(child, 'close').then(([code]) => code as number);
  const line = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const look = () => output.out.includes(text) && resolve(output.out);
      child.stdout.on('data', look);
      void exited.then(() => reject(new Error(`exited before "${text}": ${output.err}`)));
    });
  return { child, output, exited, line, file };
}

describe('boot', () => {
  beforeAll(() => {
    execFileSync(process.execPath, [path.join(root, 'tools/build.mjs'), '--quiet', '--package=libs/runtime']);
    writeFileSync(main, SERVICE);
  });

  afterAll(() => {
    for (const child of running) child.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('serves, then drains on %s and exits 0', async (signal) => {
    const service = start('{}');
    const url = /management (\S+)/.exec(await service.line('is ready'))?.[1] ?? '';
    expect((await fetch(`${url}/ready`)).status).toBe(200);
    expect(await (await fetch(`${url}/metrics`)).text()).toBe('sample_up 1');
    service.child.kill(signal);
    expect([await service.exited, service.output.out.split('\n').slice(1)]).toEqual([0, ['drained', 'closed', '']]);
  });

  it('is alive but not ready while it starts, and says what it waits for', async () => {
    const port = await freePort();
    const service = start(`{ start: wait, port: ${port} }`);
    await service.line('waiting');
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
    const ready = await fetch(`http://127.0.0.1:${port}/ready`);
    expect([ready.status, await ready.text()]).toEqual([
      503,
      '{"ready":false,"services":{"sample":{"vault":"does not answer"}}}\n',
    ]);
    service.child.kill('SIGTERM');
    expect(await service.exited).toBe(0);
  });

  const refusals = [
    { id: 'unknown-key', config: 'prt: 1', code: 2, text: /\.yaml:1:1: prt: unknown key\. Did you mean "port"\?\n$/ },
    { id: 'start-refuses', config: 'start: refuse', code: 2, text: /^other\.yaml: a: is wrong\. Fix it\.\n$/ },
    { id: 'start-fails', config: 'start: fail', code: 1, text: /^sample could not start: Error: no database\n/ },
  ];
  it.each(refusals)('exits $code for $id', async ({ config, code, text }) => {
    const service = start(config);
    expect(await service.exited).toBe(code);
    expect(service.output.err).toMatch(text);
  });

  it('prints the configuration without its secrets', async () => {
    const service = start('key: "${env:SAMPLE}"', '--print-config');
    expect(await service.exited).toBe(0);
    expect(JSON.parse(service.output.out)).toEqual({ port: 0, key: '[secret]', start: 'ok' });
  });

  it('shows its usage for an unknown flag', async () => {
    const service = start('{}', '--nope');
    expect(await service.exited).toBe(2);
    expect(service.output.err).toContain('Usage: sample --config FILE');
  });
});
