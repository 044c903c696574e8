/** Lengths of time that `audit.retention` has. */
export const RETENTION_KEYS = ['events', 'lines', 'payloads', 'usage'] as const;

/** One of them. */
export type RetentionKey = (typeof RETENTION_KEYS)[number];

/** Where in a row is what legal holds speak of, as expressions of SQL. What a table does not have, a hold that asks for it does not reach. */
export interface HeldBy {
  /** Who it was: a row is theirs where one of these is what the hold says. */
  readonly principal?: readonly string[];
  readonly server?: string;
  /** From when, and until before when, what the row is about happened. */
  readonly from: string;
  readonly until: string;
}

/** Rows that are held where an event is that refers to them. */
export interface HeldWithEvent {
  /** What a row is called, and what events call it. */
  readonly id: string;
  readonly inEvents: string;
}

/** A table that retention deletes from. */
export interface RetainedTable {
  /** What it is called in answers and events. */
  readonly name: string;
  readonly table: string;
  /** Which length of time it is kept for. */
  readonly keptFor: RetentionKey;
  /** Expression of the time that counts: of arrival, where a row arrives; the end of what a count is of. */
  readonly time: string;
  /** Tenants whose rows these are; undefined where the table has no tenant. */
  readonly tenants: 'own' | 'own or none' | undefined;
  /** Rows that this is about; every row unless told. */
  readonly only?: string;
  /** `chain`: rows that checkpoints and sinks have to be past, of the chain `emitter`/`epoch`. `sinks`: sinks alone. */
  readonly archived?: 'chain' | 'sinks';
  /** Deleted up to what a checkpoint says, with a record that is signed: what is left can be verified then. */
  readonly isChained?: true;
  /** Function of ClickHouse that makes its partitions of `time`; undefined where they are of something else, or there are none. */
  readonly partition?: 'toYYYYMM' | 'toYear';
  /** Undefined: what is in a row cannot be told, and every hold of its time keeps all of them. */
  readonly heldBy: HeldBy | HeldWithEvent | undefined;
}

const inJson = (column: string): HeldBy => {
  const text = (field: string) => `JSONExtractString(${column}, '${field}')`;
  const at = `parseDateTime64BestEffortOrZero(${text('occurred_at')}, 3, 'UTC')`;
  return {
    principal: [text('principal_subject'), text('principal_name')],
    server: text('server'),
    from: at,
    until: `${at} + INTERVAL 1 MILLISECOND`,
  };
};

const EVENT: HeldBy = {
  principal: ['principal_subject', 'principal_name'],
  server: 'server',
  from: 'occurred_at',
  until: 'occurred_at + INTERVAL 1 MILLISECOND',
};

/** Where holds find their events. */
export const EVENTS = { time: 'ingested_at', heldBy: EVENT } as const;

/**
 * Tables that retention leaves alone: they vouch for what there was, name nobody, or end by themselves. `principals` goes with events, and
 * `events_before_0010` is for its owner to drop; the other tables of before are empty.
 */
export const KEPT_TABLES = [
  'audit_gaps',
  'checkpoints',
  'event_sequences',
  'events_before_0010',
  'events_before_0050',
  'principals',
  'retention_records',
  'schema_migrations',
  'tools_seen',
  'usage_days_before_0063',
  'usage_marks',
  'usage_progress',
] as const;

/** Counts by day, and what each says of whom and of which server. */
const USAGE_BY_DAY: Readonly<Record<string, Pick<HeldBy, 'principal' | 'server'>>> = {
  usage_days: { principal: ['principal_subject', 'principal_name'], server: 'server' },
  usage_day_people: { principal: ['principal_subject', 'principal_name'] },
  usage_day_tools: { server: 'server' },
  usage_day_teams: {},
};

/** Every table that retention deletes from: one row each. */
export const RETAINED_TABLES: readonly RetainedTable[] = [
  {
    name: 'events',
    table: 'events',
    keptFor: 'events',
    time: 'ingested_at',
    tenants: 'own',
    archived: 'chain',
    partition: 'toYYYYMM',
    heldBy: EVENT,
  },
  {
    name: 'event_payloads',
    table: 'event_payloads',
    keptFor: 'payloads',
    time: 'stored_at',
    tenants: 'own',
    heldBy: { id: 'toString(payload_id)', inEvents: "detail['payload']" },
  },
  {
    name: 'event_lines',
    table: 'event_lines',
    keptFor: 'lines',
    time: 'stored_at',
    tenants: 'own',
    only: 'epoch > 0',
    archived: 'chain',
    isChained: true,
    heldBy: inJson('line'),
  },
  {
    // Of no emitter's chain.
    name: 'event_lines of no event',
    table: 'event_lines',
    keptFor: 'lines',
    time: 'stored_at',
    tenants: 'own or none',
    only: 'epoch = 0',
    heldBy: inJson('line'),
  },
  {
    name: 'sink_dead_letters',
    table: 'sink_dead_letters',
    keptFor: 'events',
    time: 'dead_at',
    tenants: 'own',
    archived: 'sinks',
    heldBy: inJson('event'),
  },
  { name: 'dead_letters', table: 'dead_letters', keptFor: 'events', time: 'dead_at', tenants: undefined, heldBy: undefined },
  {
    name: 'usage_minutes',
    table: 'usage_minutes',
    keptFor: 'usage',
    time: 'minute + INTERVAL 1 MINUTE',
    tenants: 'own',
    partition: 'toYYYYMM',
    heldBy: { server: 'server', from: 'minute', until: 'minute + INTERVAL 1 MINUTE' },
  },
  ...Object.entries(USAGE_BY_DAY).map(([table, heldBy]): RetainedTable => ({
    name: table,
    table,
    keptFor: 'usage',
    time: "toDateTime(day, 'UTC') + INTERVAL 1 DAY",
    tenants: 'own',
    partition: 'toYear',
    heldBy: { ...heldBy, from: "toDateTime(day, 'UTC')", until: "toDateTime(day, 'UTC') + INTERVAL 1 DAY" },
  })),
];
