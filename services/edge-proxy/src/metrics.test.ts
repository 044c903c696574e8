import { startTelemetry } from '@switchyard/telemetry';
import { createEdgeMetrics } from './metrics.js';

const gauges = { sessions: () => 0, calls: () => 0, spoolBytes: () => 0 };

/** What is counted, as `server tool outcome` with the count. */
async function counted(fill: (metrics: ReturnType<typeof createEdgeMetrics>) => void): Promise<Map<string, number>> {
  const telemetry = await startTelemetry({ service: 'edge-proxy', instance: 'edge-1' });
  fill(createEdgeMetrics(telemetry, gauges));
  const lines = (await telemetry.metricsText()).split('\n').filter((line) => line.startsWith('switchyard_tool_calls_total{'));
  await telemetry.close();
  return new Map(
    lines.map((line) => {
      const [, server, tool, outcome] = /server="(.*?)",tool="(.*?)",outcome="(.*?)"/.exec(line) ?? [];
      return [
        `${server} ${tool} ${outcome}`,
        Number(
          line
            .slice(line.lastIndexOf('}') + 1)
            .trim()
            .split(' ')[0],
        ),
      ];
    }),
  );
}

describe('calls of tools as metrics', () => {
  it('are counted by server, tool and outcome', async () => {
    const found = await counted(({ toolCalls }) => {
      for (const outcome of ['ok', 'ok', 'error']) toolCalls.count('work', 'echo', outcome);
      toolCalls.count('', 'echo', 'ok');
    });
    expect(found).toEqual(
      new Map([
        ['work echo ok', 2],
        ['work echo error', 1],
        [' echo ok', 1],
      ]),
    );
  });

  it('X6: an upstream with any number of tools fills the series of its server, then `other`; other servers keep theirs', async () => {
    const found = await counted(({ toolCalls }) => {
      toolCalls.count('work', 'echo', 'ok');
      for (let i = 0; i < 100_000; i += 1) toolCalls.count('hostile', `tool-${i}`, 'ok');
      toolCalls.count('work', 'act', 'ok');
    });
    const hostile = [...found.keys()].filter((key) => key.startsWith('hostile '));
    expect(hostile).toHaveLength(257);
    expect(found.get('hostile other ok')).toBe(100_000 - 256);
    expect([found.get('work echo ok'), found.get('work act ok')]).toEqual([1, 1]);
  });

  it('X6: names that no call goes well with are `other`, however many a client makes up', async () => {
    const found = await counted(({ toolCalls }) => {
      for (let i = 0; i < 1_000; i += 1) toolCalls.count('work', `made-up-${i}`, i % 2 === 0 ? 'error' : 'denied');
      for (const outcome of ['error', 'ok', 'error']) toolCalls.count('work', 'echo', outcome);
    });
    expect(found).toEqual(
      new Map([
        ['work other error', 501],
        ['work other denied', 500],
        ['work echo ok', 1],
        ['work echo error', 1],
      ]),
    );
  });

  it('X6: all servers together have so many, and so many servers', async () => {
    const found = await counted(({ toolCalls }) => {
      for (let server = 0; server < 1_000; server += 1)
        for (let tool = 0; tool < 300; tool += 1) toolCalls.count(`server-${server}`, `tool-${tool}`, 'ok');
    });
    expect(found.size).toBeLessThanOrEqual(4_096 + 129 + 256);
    expect([...found.values()].reduce((sum, count) => sum + count, 0)).toBe(300_000);
  });

  it.each<[id: string, tool: string | undefined]>([
    ['a name that leads to no tool', undefined],
    ['a name that is too long', 'x'.repeat(129)],
    ['a tool that is called other', 'other'],
  ])('X6: %s is `other`, once', async (_id, tool) => {
    const found = await counted(({ toolCalls }) => {
      toolCalls.count('work', tool, 'ok');
      toolCalls.count('work', undefined, 'ok');
    });
    expect(found).toEqual(new Map([['work other ok', 2]]));
  });

  it('X6: names cannot add lines or labels', async () => {
    const found = await counted(({ toolCalls }) => toolCalls.count('work', 'a"} 1\nswitchyard_tool_calls_total{tool="b', 'ok'));
    expect(found.size).toBe(1);
  });

  it('X6: upstreams have so many series, then `other`', async () => {
    const telemetry = await startTelemetry({ service: 'edge-proxy', instance: 'edge-1' });
    const { upstreams } = createEdgeMetrics(telemetry, gauges);
    for (let i = 0; i < 1_000; i += 1) upstreams.of(`up-${i}`).of('ok').record(0.001);
    const lines = (await telemetry.metricsText()).split('\n');
    await telemetry.close();
    expect(lines.filter((line) => line.startsWith('switchyard_upstream_duration_seconds_count'))).toHaveLength(257);
  });
});
