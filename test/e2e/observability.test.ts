import { parser } from '@prometheus-io/lezer-promql';
import { eventually, tempDir } from '@switchyard/testing';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { parse } from 'yaml';
import { startEmbedded } from './targets/embedded.js';
import { REPOSITORY } from './targets/gateway-file.js';
import type { LocalTarget, OwnPlace } from './targets/target.js';

const GRAFANA = path.join(REPOSITORY, 'deploy/grafana');
/** Labels that Prometheus adds, and a metric of its own. */
const OF_PROMETHEUS = { labels: ['job', 'instance'], metric: 'up' };
const RANGE_VARIABLE = '$__rate_interval';

interface Expression {
  readonly where: string;
  readonly expr: string;
}

interface Dashboard {
  readonly uid: string;
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}
interface RuleFile {
  readonly groups: readonly { readonly rules: readonly { record?: string; alert?: string; expr: string }[] }[];
}

async function filesIn(folder: string): Promise<{ name: string; content: string }[]> {
  const names = await readdir(path.join(GRAFANA, folder));
  return Promise.all(names.map(async (name) => ({ name, content: await readFile(path.join(GRAFANA, folder, name), 'utf8') })));
}

async function dashboardExpressions(): Promise<Expression[]> {
  const dashboards = (await filesIn('dashboards')).map(({ content }) => JSON.parse(content) as Dashboard);
  return dashboards.flatMap(({ uid, panels }) =>
    panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ where: `${uid}: ${title}`, expr }))),
  );
}

async function rules(): Promise<(Expression & { readonly record: string | undefined })[]> {
  const files = (await filesIn('rules')).map(({ content }) => parse(content) as RuleFile);
  return files.flatMap(({ groups }) =>
    groups.flatMap(({ rules: some }) => some.map(({ record, alert, expr }) => ({ where: record ?? alert ?? '', record, expr }))),
  );
}

/** What an expression asks for, by Prometheus' own grammar. */
function askedFor(expr: string) {
  const source = expr.replaceAll(RANGE_VARIABLE, '5m');
  const selectors: { metric: string; labels: string[]; le: string[] }[] = [];
  const grouped: string[] = [];
  const errors: string[] = [];
  const of = (node: { from: number; to: number }) => source.slice(node.from, node.to);
  parser.parse(source).iterate({
    enter: (node) => {
      if (node.type.isError) errors.push(`at ${node.from}`);
      if (node.name === 'VectorSelector') selectors.push({ metric: '', labels: [], le: [] });
      const selector = selectors.at(-1);
      if (node.name === 'Identifier' && node.node.parent?.name === 'VectorSelector') selector!.metric = of(node);
      if (node.name !== 'LabelName') return;
      const isGrouping = node.node.parent?.name === 'GroupingLabels';
      (isGrouping ? grouped : selector!.labels).push(of(node));
      if (!isGrouping && of(node) === 'le') selector!.le.push(/"(.*)"/.exec(of(node.node.parent!))?.[1] ?? '');
    },
  });
  return { selectors, grouped, errors };
}

/** Names of metrics as they are scraped, with the labels that they have. */
function offered(scraped: string): Map<string, Map<string, Set<string>>> {
  const metrics = new Map<string, Map<string, Set<string>>>();
  for (const line of scraped.split('\n')) {
    const [, name, labels = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+/.exec(line) ?? [];
    if (name === undefined) continue;
    const known = metrics.get(name) ?? metrics.set(name, new Map()).get(name)!;
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
      (known.get(label) ?? known.set(label, new Set()).get(label)!).add(value);
  }
  return metrics;
}

describe('the gateway can be watched', () => {
  const undo = new AsyncDisposableStack();
  const received: { path: string; body: string }[] = [];
  let target: LocalTarget;
  let key: string;

  async function post(server: string, message: object, headers: Record<string, string> = {}) {
    return fetch(`${target.publicUrl}/mcp/${server}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
    });
  }

  /** Calls tools in a session of their own: one that there is, and one that there is not. */
  async function callTools(server: string): Promise<void> {
    const authorization = { authorization: `Bearer ${key}` };
    const clientInfo = { name: 'watcher', version: '1' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    const opened = await post(server, { method: 'initialize', params }, authorization);
    const session = { ...authorization, 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
    await opened.text();
    for (const name of ['echo', 'there-is-none'])
      await (await post(server, { method: 'tools/call', params: { name, arguments: { text: 'x' } } }, session)).text();
  }

  const metrics = async () => (await fetch(`${target.managementUrls[0]}/metrics`)).text();

  beforeAll(async () => {
    const { path: dir } = undo.use(await tempDir());
    const collector = createServer((request, response) => {
      void text(request).then((body) => {
        received.push({ path: request.url ?? '', body });
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    undo.defer(() => void (collector.closeAllConnections(), collector.close()));
    const file = ({ publicUrl, host, port, ledgerUrl }: OwnPlace) => `
gateway: { publicUrl: "${publicUrl}", host: "${host}", port: ${port} }
upstreams:
  plain: { url: "${ledgerUrl}" }
  shown: { url: "${ledgerUrl}", credential: { type: bearer, token: "\${env:UPSTREAM_TOKEN}" } }
servers:
  plain: { sources: [{ upstream: plain }], access: [{ everyone: true }] }
  shown: { sources: [{ upstream: shown }], access: [{ everyone: true }] }
audit: { sinks: { copy: { type: file, path: "${dir}/events.jsonl" } } }
`;
    target = undo.use(
      await startEmbedded({
        text: (place) => Promise.resolve(file(place)),
        env: { UPSTREAM_TOKEN: 'canary-upstream-token' },
        loopbackPorts: () => [],
        otlpEndpoint: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
      }),
    );
    key = target.adminKey;
    for (const server of ['plain', 'shown']) await callTools(server);
    await post('plain', { method: 'tools/list' });
    const counted = ['switchyard_sink_delivered_events_total', 'switchyard_ingested_events_total'];
    const isCounted = (text: string) => counted.every((name) => new RegExp(`^${name}(\\{.*\\})? [1-9]`, 'm').test(text));
    await eventually(async () => isCounted(await metrics()), { timeoutMs: 60_000 });
  }, 300_000);
  afterAll(() => undo.disposeAsync());

  it('every metric, label and bound that a dashboard or a rule names is offered', async () => {
    const known = offered(await metrics());
    const all = await rules();
    const recorded = new Set([...all.flatMap(({ record }) => record ?? []), OF_PROMETHEUS.metric]);
    const isOffered = (metric: string, label: string) =>
      OF_PROMETHEUS.labels.includes(label) || recorded.has(metric) || known.get(metric)?.has(label) === true;
    const expressions = [...(await dashboardExpressions()), ...all];
    const problems = expressions.flatMap(({ where, expr }) => {
      const { selectors, grouped, errors } = askedFor(expr);
      return [
        ...errors.map((error) => `${where}: is no PromQL (${error}): ${expr}`),
        ...selectors.flatMap(({ metric, labels, le }) => [
          ...(known.has(metric) || recorded.has(metric) ? [] : [`${where}: ${metric} is not offered`]),
          ...[...labels, ...grouped]
            .filter((label) => !isOffered(metric, label))
            .map((label) => `${where}: ${metric} has no ${label}`),
          ...le
            .filter(
              (bound) => ![...(known.get(metric)?.get('le') ?? [])].some((value) => new RegExp(`^(?:${bound})$`).test(value)),
            )
            .map((bound) => `${where}: ${metric} has no bound ${bound}`),
        ]),
      ];
    });
    expect(problems).toEqual([]);
    expect(expressions.length).toBeGreaterThan(60);
  });

  it('X6: tools that there are have names in the metrics, and such that clients make up have none', async () => {
    const tools = offered(await metrics())
      .get('switchyard_tool_calls_total')
      ?.get('tool');
    expect([...(tools ?? [])].sort()).toEqual(['echo', 'other']);
  });

  it('exports traces, metrics and the log to a collector, without what is secret', async () => {
    await target.stop();
    const bodies = (signal: string) => received.filter((one) => one.path === `/v1/${signal}`).map(({ body }) => body);
    for (const signal of ['traces', 'metrics', 'logs']) expect([signal, bodies(signal).length > 0]).toEqual([signal, true]);
    const logs = bodies('logs').map((body) => JSON.parse(body) as { resourceLogs: unknown[] });
    expect(logs.every(({ resourceLogs }) => resourceLogs.length > 0)).toBe(true);
    expect(bodies('logs').join('')).toContain('"stringValue":"token_missing"');
    expect(bodies('metrics').join('')).toContain('switchyard_tool_calls');
    const everything = received.map(({ body }) => body).join('');
    for (const secret of [key, 'canary-upstream-token']) expect(everything.includes(secret)).toBe(false);
  });
});
