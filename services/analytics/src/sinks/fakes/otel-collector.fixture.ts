import { startServerProcess, tempDir, freePort } from '@switchyard/testing';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startReceiver, type Reply } from './http-receiver.fixture.js';
import { testProgram } from './test-program.fixture.js';

/** A value of OTLP/JSON. */
export interface AnyValue {
  readonly stringValue?: string;
  readonly intValue?: string;
  readonly arrayValue?: { readonly values: readonly AnyValue[] };
}

/** A log record as the collector passes it on. */
export interface PassedRecord {
  readonly timeUnixNano: string;
  readonly observedTimeUnixNano: string;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly eventName: string;
  readonly body: AnyValue;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Readonly<Record<string, AnyValue>>;
  readonly resource: Readonly<Record<string, AnyValue>>;
}

/** The OpenTelemetry Collector, which passes on what it is sent before it answers. */
export interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly passed: PassedRecord[];
  /** What whoever is behind the collector answers; undefined: takes it. */
  behind: Reply | undefined;
}

interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}
interface Request {
  readonly resourceLogs: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeLogs: readonly {
      readonly logRecords: readonly (Omit<PassedRecord, 'attributes' | 'resource'> & { attributes: readonly KeyValue[] })[];
    }[];
  }[];
}

const mapOf = (attributes: readonly KeyValue[] = []) => Object.fromEntries(attributes.map(({ key, value }) => [key, value]));

function recordsIn(text: string): PassedRecord[] {
  const { resourceLogs } = JSON.parse(text) as Request;
  return resourceLogs.flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) =>
      logRecords.map((record) => ({
        ...record,
        attributes: mapOf(record.attributes),
        resource: mapOf(resource.attributes),
      })),
    ),
  );
}

const config = (port: number, behind: string) => `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${port}" } } } }
exporters:
  otlp_http: { endpoint: "${behind}", encoding: json, compression: none, retry_on_failure: { enabled: false }, sending_queue: { enabled: false } }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { logs: { receivers: [otlp], exporters: [otlp_http] } }
`;

/** Starts a collector. */
export async function startCollector(): Promise<Collector> {
  await using undo = new AsyncDisposableStack();
  const passed: PassedRecord[] = [];
  const receiver = undo.use(
    await startReceiver(({ body }) => {
      if (collector.behind !== undefined) return collector.behind;
      passed.push(...recordsIn(body));
      return { status: 200, body: {} };
    }),
  );
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const dir = undo.use(await tempDir());
  const file = path.join(dir.path, 'collector.yaml');
  await writeFile(file, config(port, receiver.url));
  const isUp = () => fetch(`${url}/v1/logs`, { method: 'GET' }).then(() => true, () => false); // prettier-ignore
  const server = await startServerProcess({
    command: await testProgram('SWITCHYARD_TEST_OTELCOL', 'ensure-otel-collector.mjs'),
    args: ['--config', file],
    isUp,
  });
  undo.defer(() => server.end('SIGKILL'));
  const running = undo.move();
  const collector: Collector = { url, passed, behind: undefined, [Symbol.asyncDispose]: () => running.disposeAsync() };
  return collector;
}
