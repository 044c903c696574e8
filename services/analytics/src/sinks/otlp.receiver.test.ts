import type { EventJson } from '@switchyard/contracts';
import { Egress, LOOPBACK } from '@switchyard/egress';
import { sinkSchema } from '@switchyard/gateway-config';
import { systemClock } from '@switchyard/runtime';
import { startCollector } from './fakes/otel-collector.fixture.js';
import { openSink } from './kinds.js';
import type { Sink, SinkItem } from './sink.js';

const EVENTS: readonly EventJson[] = [
  {
    event_id: 'edge-1/1000/1',
    tenant: 'default',
    type: 'tool.called',
    occurred_at: '2026-01-31T12:59:59.123456Z',
    recorded_at: '2026-01-31T13:00:00Z',
    emitter: 'edge-1',
    epoch: '1000',
    sequence: '1',
    trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    principal_subject: 'ana',
    method: 'tools/call',
    capability_kind: 'tool',
    capability: 'echo\n"\u2028',
    teams: ['finance', 'ops'],
    outcome: 'denied',
    reason: 'not_granted',
    http_status: 403,
    duration_us: 4_294_967_295,
  },
  {
    event_id: 'edge-2/1000/1',
    type: 'resource.read',
    occurred_at: '+275760-09-13T00:00:00Z',
    emitter: 'edge-2',
    outcome: 'error',
  },
  {
    event_id: 'edge-2/1000/2',
    type: 'session.opened',
    occurred_at: 'never',
    emitter: 'edge-2',
    outcome: 'ok',
    trace_id: 'zz',
    severity: 'critical',
  },
];

const itemOf = (event: EventJson): SinkItem => {
  const text = JSON.stringify(event);
  return { id: event.event_id ?? '', event, text, bytes: Buffer.byteLength(text) };
};

async function open(url: string, more: Readonly<Record<string, unknown>>): Promise<Sink & AsyncDisposable> {
  const egress = new Egress({ allowed: LOOPBACK, connectTimeoutMs: 2_000 });
  const parts = { name: 'collector', clock: systemClock, egress, wait: async () => undefined };
  const sink = await openSink(sinkSchema.parse({ type: 'otlp', url, ...more }), parts);
  return {
    limits: sink.limits,
    deliver: (...given) => sink.deliver(...given),
    close: () => sink.close(),
    [Symbol.asyncDispose]: () => egress.close(),
  };
}

const signal = AbortSignal.timeout(60_000);

describe('OTLP, with an OpenTelemetry Collector', () => {
  it.each([
    { encoding: 'protobuf', compression: 'gzip' },
    { encoding: 'protobuf', compression: 'none' },
    { encoding: 'json', compression: 'gzip' },
    { encoding: 'json', compression: 'none' },
  ])('$encoding, $compression: is passed on as it was meant', async (settings) => {
    await using collector = await startCollector();
    await using sink = await open(`${collector.url}/`, { ...settings, resource: { 'deployment.environment.name': 'test' } });
    const items = EVENTS.map(itemOf);
    expect(await sink.deliver(items, signal)).toEqual(items.map(() => ({ is: 'delivered' })));
    expect(collector.passed.map(({ body }) => body.stringValue)).toEqual(items.map(({ text }) => text));
    const [first, late, never] = collector.passed;
    expect(first).toMatchObject({
      timeUnixNano: '1769864399123456000',
      observedTimeUnixNano: '1769864400000000000',
      severityNumber: 13,
      severityText: 'WARN',
      eventName: 'switchyard.tool.called',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      attributes: {
        'log.record.uid': { stringValue: 'edge-1/1000/1' },
        'user.id': { stringValue: 'ana' },
        'mcp.method.name': { stringValue: 'tools/call' },
        'gen_ai.tool.name': { stringValue: 'echo\n"\u2028' },
        'error.type': { stringValue: 'not_granted' },
        'http.response.status_code': { intValue: '403' },
        'switchyard.duration_us': { intValue: '4294967295' },
        'switchyard.teams': { arrayValue: { values: [{ stringValue: 'finance' }, { stringValue: 'ops' }] } },
      },
      resource: {
        'service.name': { stringValue: 'switchyard' },
        'service.instance.id': { stringValue: 'edge-1' },
        'deployment.environment.name': { stringValue: 'test' },
      },
    });
    expect(late).toMatchObject({ severityNumber: 17, attributes: { 'log.record.uid': { stringValue: 'edge-2/1000/1' } } });
    expect(never).toMatchObject({
      severityNumber: 21,
      severityText: 'FATAL',
      resource: { 'service.instance.id': { stringValue: 'edge-2' } },
    });
    expect([late?.timeUnixNano ?? '0', never?.timeUnixNano ?? '0']).toEqual(['0', '0']);
  });

  it('that cannot pass on says so, and is sent again; what it takes for wrong is divided', async () => {
    await using collector = await startCollector();
    await using sink = await open(`${collector.url}/v1/logs`, {});
    const items = EVENTS.map(itemOf);
    collector.behind = { status: 503, headers: { 'retry-after': '7' } };
    expect((await sink.deliver(items, signal)).map(({ is }) => is)).toEqual(['retry', 'retry', 'retry']);
    collector.behind = { status: 400 };
    expect((await sink.deliver(items, signal)).map(({ is }) => is)).not.toContain('delivered');
    expect(collector.passed).toEqual([]);
    collector.behind = undefined;
    expect((await sink.deliver(items, signal)).map(({ is }) => is)).toEqual(['delivered', 'delivered', 'delivered']);
  });
});
