import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createLogger, startLogExport, startTelemetry } from './index.js';

async function startCollector() {
  const received: { path: string; body: string }[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ path: request.url ?? '', body });
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received, close };
}

describe('telemetry', () => {
  it('offers what the meter measured as Prometheus text, without any endpoint', async () => {
    const telemetry = await startTelemetry({ service: 'edge-proxy', instance: 'edge-1' });
    telemetry.meter.createCounter('switchyard.calls').add(2, { outcome: 'ok' });
    const metrics = await telemetry.metricsText();
    await telemetry.close();
    expect(metrics).toMatch(/^switchyard_calls_total\{outcome="ok".*\} 2$/m);
    expect(metrics).toMatch(/^process_memory_usage\{.*\} \d+$/m);
    expect(metrics).toContain('service_name="edge-proxy"');
  });

  it('offers histograms beside the instruments of the meter, bounds inclusive, each series under its labels', async () => {
    const telemetry = await startTelemetry({ service: 'edge-proxy', instance: 'edge-1' });
    const durations = telemetry.histograms.create({ name: 'switchyard_d_seconds', description: 'D', boundaries: [0.1, 1] });
    const calls = durations.series({ method: 'tools/call' });
    for (const seconds of [0.05, 0.1, 0.5, 7]) calls.record(seconds);
    durations.series({ method: 'ping' }).record(1);
    const metrics = await telemetry.metricsText();
    await telemetry.close();
    const lines = metrics.split('\n').filter((line) => line.startsWith('switchyard_d_seconds'));
    const valueOf = (name: string, ...labels: string[]) =>
      lines.find((line) => line.startsWith(name) && labels.every((label) => line.includes(label)))?.split(' ')[1];
    expect({
      upTo100Ms: valueOf('switchyard_d_seconds_bucket', 'le="0.1"', 'tools/call'),
      upTo1S: valueOf('switchyard_d_seconds_bucket', 'le="1"', 'tools/call'),
      all: valueOf('switchyard_d_seconds_bucket', 'le="+Inf"', 'tools/call'),
      count: valueOf('switchyard_d_seconds_count', 'tools/call'),
      sum: Number(valueOf('switchyard_d_seconds_sum', 'tools/call')),
      other: valueOf('switchyard_d_seconds_bucket', 'le="1"', 'ping'),
    }).toEqual({ upTo100Ms: '2', upTo1S: '3', all: '4', count: '4', sum: 7.65, other: '1' });
  });

  it('renders the other metrics where one callback fails', async () => {
    const telemetry = await startTelemetry({ service: 's', instance: 'i' });
    telemetry.meter.createObservableGauge('switchyard.broken').addCallback(() => {
      throw new Error('broken');
    });
    telemetry.meter.createCounter('switchyard.calls').add(1);
    const metrics = await telemetry.metricsText();
    await telemetry.close();
    expect(metrics).toContain('switchyard_calls_total');
  });

  it('has no tracer where nothing is exported', async () => {
    const telemetry = await startTelemetry({ service: 's', instance: 'i' });
    expect(telemetry.tracer).toBeUndefined();
    await telemetry.close();
  });

  it('exports spans and metrics over OTLP/HTTP when closed', async () => {
    const collector = await startCollector();
    const telemetry = await startTelemetry({ service: 'edge-proxy', instance: 'edge-1', otlpEndpoint: `${collector.url}/` });
    telemetry.tracer?.startSpan('tools/call').end();
    telemetry.meter.createCounter('switchyard.calls').add(1);
    await telemetry.close();
    await telemetry.close();
    await collector.close();
    expect(collector.received.find((request) => request.path === '/v1/traces')?.body).toContain('tools/call');
    expect(collector.received.find((request) => request.path === '/v1/metrics')?.body).toContain('switchyard.calls');
  });

  it('closes although the collector is away', async () => {
    const collector = await startCollector();
    await collector.close();
    const telemetry = await startTelemetry({ service: 's', instance: 'i', otlpEndpoint: collector.url });
    telemetry.tracer?.startSpan('tools/call').end();
    await expect(telemetry.close()).resolves.toBeUndefined();
  });
});

describe('log export', () => {
  interface Otlp {
    readonly resourceLogs: {
      readonly resource: { readonly attributes: readonly Attribute[] };
      readonly scopeLogs: { readonly logRecords: readonly OtlpRecord[] }[];
    }[];
  }
  type Attribute = { readonly key: string; readonly value: Readonly<Record<string, unknown>> };
  type OtlpRecord = {
    readonly severityText: string;
    readonly severityNumber: number;
    readonly timeUnixNano: string;
    readonly body: { readonly stringValue: string };
    readonly attributes: readonly Attribute[];
  };
  const flat = (attributes: readonly Attribute[]) =>
    Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

  it('exports what is written, and nothing else, over OTLP/HTTP', async () => {
    const collector = await startCollector();
    const exportTo = startLogExport({ service: 'edge-proxy', instance: 'edge-1', otlpEndpoint: `${collector.url}/` });
    const output = new PassThrough();
    const log = createLogger({ service: 'edge-proxy', level: 'info', exportTo, destination: output }).child({
      emitter: 'edge-1',
    });
    log.debug('not written');
    log.info('refused', { reason: 'policy_denied', http_status: 200, ...{ token: 'secret' } });
    log.error('failed', { error: new TypeError('no such thing'), url: 'https://x.example/a?secret=1' });
    await exportTo.close();
    await exportTo.close();
    await collector.close();
    const [request] = collector.received.filter(({ path }) => path === '/v1/logs');
    const [sent] = (JSON.parse(request?.body ?? '{}') as Otlp).resourceLogs;
    expect(flat(sent?.resource.attributes ?? [])).toMatchObject({
      'service.name': 'edge-proxy',
      'service.instance.id': 'edge-1',
    });
    const records = sent?.scopeLogs[0]?.logRecords ?? [];
    expect(records.map(({ severityText, severityNumber, body }) => [severityText, severityNumber, body.stringValue])).toEqual([
      ['INFO', 9, 'refused'],
      ['ERROR', 17, 'failed'],
    ]);
    expect(flat(records[0]?.attributes ?? [])).toEqual({
      ...{ service: 'edge-proxy', emitter: 'edge-1', reason: 'policy_denied' },
      http_status: 200,
    });
    expect(flat(records[1]?.attributes ?? [])).toMatchObject({
      'exception.type': 'TypeError',
      'exception.message': 'no such thing',
      url: 'https://x.example/a',
    });
    expect(Math.abs(Number(BigInt(records[0]?.timeUnixNano ?? 0) / 1_000_000n) - Date.now())).toBeLessThan(60_000);
    expect(collector.received.map(({ body }) => body).join('')).not.toContain('secret');
  });

  it('closes although the collector is away', async () => {
    const collector = await startCollector();
    await collector.close();
    const exportTo = startLogExport({ service: 's', instance: 'i', otlpEndpoint: collector.url });
    createLogger({ service: 's', level: 'info', exportTo, destination: new PassThrough() }).info('gone');
    await expect(exportTo.close()).resolves.toBeUndefined();
  });
});
