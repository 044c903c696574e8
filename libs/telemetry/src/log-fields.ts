/** Fields of a log record that hold text. */
const TEXT_FIELDS = [
  'request_id',
  'event_id',
  'trace_id',
  'span_id',
  'tenant',
  'server',
  'upstream',
  'method',
  'capability',
  'reason',
  'outcome',
  'principal',
  'client_id',
  'file',
  'revision',
  'version',
  'service',
  'emitter',
  'event_type',
  'bucket',
  'stream',
  'consumer',
  'key_id',
  'signal',
  'era',
  'name',
  'state',
  /** One line that a local upstream wrote to its standard error. */
  'stderr_line',
] as const;

/** Fields of a log record that hold a number. */
const NUMBER_FIELDS = [
  'http_status',
  'rpc_code',
  'duration_us',
  'upstream_us',
  'duration_ms',
  'delay_ms',
  'timeout_ms',
  'age_ms',
  'attempt',
  'count',
  'bytes',
  'limit_bytes',
  'depth_bytes',
  'sequence',
  'pid',
  'port',
  'exit_code',
] as const;

/** What a log record may say, and nothing else: no arguments, results, tokens or secrets have a field. */
export type LogFields = { readonly [Name in (typeof TEXT_FIELDS)[number]]?: string | undefined } & {
  readonly [Name in (typeof NUMBER_FIELDS)[number]]?: number | undefined;
} & {
  /** Logged as name, message, code, stack and causes; other properties of the error are left out. */
  readonly error?: unknown;
  /** Logged as origin and path only. */
  readonly url?: string | URL | undefined;
};

const textLimit = 2048;
const causeLimit = 4;

/** A record with sanitised fields, ready to be serialised. */
export type LogRecord = Record<string, unknown>;

function describeError(error: unknown, depth = 0): LogRecord {
  if (!(error instanceof Error)) return { name: typeof error, message: String(error).slice(0, textLimit) };
  const record: LogRecord = { name: error.name, message: error.message.slice(0, textLimit) };
  if ('code' in error && (typeof error.code === 'string' || typeof error.code === 'number')) record['code'] = error.code;
  if (depth === 0 && error.stack !== undefined) record['stack'] = error.stack.slice(0, 2 * textLimit);
  if (error.cause !== undefined && depth < causeLimit) record['cause'] = describeError(error.cause, depth + 1);
  return record;
}

function originAndPath(url: unknown): string | undefined {
  if (typeof url !== 'string' && !(url instanceof URL)) return undefined;
  const parsed = URL.parse(String(url));
  if (parsed === null) return undefined;
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`.slice(0, textLimit);
}

type Sanitiser = (value: unknown) => unknown;
const text: Sanitiser = (value) => (typeof value === 'string' ? value.slice(0, textLimit) : undefined);
const number: Sanitiser = (value) => (typeof value === 'number' ? value : undefined);

const SANITISERS: ReadonlyMap<string, Sanitiser> = new Map<string, Sanitiser>([
  ...TEXT_FIELDS.map((name): [string, Sanitiser] => [name, text]),
  ...NUMBER_FIELDS.map((name): [string, Sanitiser] => [name, number]),
  ['error', describeError],
  ['url', originAndPath],
]);

/**
 * Keeps what the allow-list names and drops the rest, whatever the caller's type says: a cast or plain JavaScript must
 * not put a secret into the log.
 */
export function sanitiseFields(fields: LogFields): LogRecord {
  const record: LogRecord = {};
  for (const [name, value] of Object.entries(fields)) {
    const sanitised = value === undefined ? undefined : SANITISERS.get(name)?.(value);
    if (sanitised !== undefined) record[name] = sanitised;
  }
  return record;
}
