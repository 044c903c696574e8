import type { EventType, Outcome } from '@switchyard/contracts';
import type { Mapping } from '../mapping.js';
import { LEVELS, levelOf, type Level } from './event-level.js';
import { ACTIVITIES, CLASSES, type Activity, type ClassName } from './ocsf-activities.js';
import { happenedAtMs, summaryOf, type ToldEvent } from './told-event.js';

/** OCSF 1.8.0 (schema.ocsf.io), as one JSON object. What it has no attribute for is in `unmapped`, by the event's own names. */
export const ocsfMapping: Mapping = { contentType: 'application/json', map: (event) => JSON.stringify(ocsfOf(event)) };

const VERSION = '1.8.0';

type Json = Readonly<Record<string, unknown>>;

/** `status_id`, with its caption. */
const STATUS: Readonly<Record<Outcome, readonly [id: number, caption: string]>> = {
  ok: [1, 'Success'],
  error: [2, 'Failure'],
  denied: [2, 'Failure'],
  cancelled: [99, 'Cancelled'],
  pending: [99, 'Pending'],
  unknown: [0, 'Unknown'],
};

/** `action_id` and `disposition_id` of the profile security_control: what the gateway did about it. */
const ACTIONS: Readonly<Partial<Record<Outcome, Json>>> = {
  ok: { action_id: 1, action: 'Allowed', disposition_id: 1, disposition: 'Allowed' },
  pending: { action_id: 1, action: 'Allowed', disposition_id: 1, disposition: 'Allowed' },
  denied: { action_id: 2, action: 'Denied', disposition_id: 2, disposition: 'Blocked' },
};

const SEVERITIES: Readonly<Record<Level, string>> = {
  informational: 'Informational',
  low: 'Low',
  medium: 'Medium',
  high: 'High',
  critical: 'Critical',
};

/** `user.type_id`, with its caption. */
const USER_TYPES: Readonly<Record<string, readonly [id: number, caption: string]>> = {
  user: [1, 'User'],
  service: [4, 'Service'],
};

const UNKNOWN: Activity = { of: 'api', id: 0, name: 'Unknown' };

/** As email_t of the schema has it. */
const EMAIL = /^[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~.]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+$/;

const own = <Row>(table: Readonly<Record<string, Row>>, key: string | undefined) =>
  key !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;

/** An object without members that are absent; absent itself where none is left. */
function made(members: Json): Json | undefined {
  const there = Object.entries(members).filter(([, value]) => value !== undefined);
  return there.length === 0 ? undefined : Object.fromEntries(there);
}

/** Hands out the fields of an event, each once: what nothing has taken is unmapped. */
class Fields {
  readonly #rest: Record<string, unknown>;

  constructor(event: ToldEvent) {
    this.#rest = { ...event };
  }

  take<Name extends keyof ToldEvent>(name: Name): ToldEvent[Name] {
    const value = this.#rest[name] as ToldEvent[Name];
    delete this.#rest[name];
    return value;
  }

  get rest(): Json | undefined {
    return made(this.#rest);
  }
}

function ocsfOf(event: ToldEvent): Json {
  const fields = new Fields(event);
  const type = fields.take('type');
  const outcome = fields.take('outcome');
  const activity = own<Activity>(ACTIVITIES satisfies Readonly<Record<EventType, Activity>>, type) ?? UNKNOWN;
  const { uid, name, category_uid, category_name } = CLASSES[activity.of];
  const level = levelOf(event);
  const [status_id, status] = own(STATUS, outcome) ?? STATUS.unknown;
  const { rule } = event;
  const about = {
    class_uid: uid,
    class_name: name,
    category_uid,
    category_name,
    activity_id: activity.id,
    activity_name: activity.name,
    type_uid: uid * 100 + activity.id,
    type_name: `${name}: ${activity.name}`,
    time: happenedAtMs(event),
    severity_id: LEVELS.indexOf(level) + 1,
    severity: SEVERITIES[level],
    status_id,
    status,
    status_code: event.rpc_code === undefined ? undefined : String(event.rpc_code),
    status_detail: fields.take('reason'),
    message: summaryOf(event),
    ...own(ACTIONS, outcome),
    // Of a denial it is what refused.
    authorizations:
      rule === undefined ? undefined : [{ decision: outcome === 'denied' ? 'denied' : 'allowed', policy: { name: rule } }],
    metadata: metadataOf(event, fields, type, activity.of),
    // What is wrong with the trail nobody has done.
    actor: activity.of === 'error' ? undefined : actorOf(event, fields),
  };
  const more = SHAPES[activity.of](event, fields, activity);
  for (const name of ['occurred_at', 'rule', 'rpc_code'] as const) fields.take(name);
  return { ...made({ ...about, ...more }), ...made({ unmapped: fields.rest }) };
}

function metadataOf(event: ToldEvent, fields: Fields, type: string | undefined, of: ClassName): Json | undefined {
  const recordedAt = fields.take('recorded_at');
  const isApi = of === 'api';
  return made({
    version: VERSION,
    product: { name: 'Switchyard', vendor_name: 'Switchyard' },
    profiles: isApi ? ['security_control', 'trace', 'ai_operation'] : ['security_control'],
    // Equal ids are the same event, in OCSF as before: its repetitions are told the same.
    uid: event.event_id,
    original_event_uid: fields.take('event_id'),
    event_code: type,
    original_time: event.occurred_at,
    logged_time: recordedAt === undefined ? undefined : Date.parse(recordedAt),
    tenant_uid: fields.take('tenant'),
    correlation_uid: event.request_id,
    log_name: 'audit',
    log_provider: fields.take('emitter'),
  });
}

function actorOf(event: ToldEvent, fields: Fields): Json | undefined {
  const issuer = event.principal_issuer;
  const session = fields.take('session_id');
  const user = userOf(event);
  for (const name of ['principal_issuer', 'principal_subject', 'principal_name', 'teams'] as const) fields.take(name);
  return made({
    user,
    session: session === undefined ? undefined : { uid: session },
    idp: issuer === undefined ? undefined : { uid: issuer },
  });
}

/** Who did it: the caller, or, where nobody called, the process itself. */
function userOf(event: ToldEvent): Json | undefined {
  const { principal_subject: uid, principal_name: name, principal_kind: kind, teams, emitter, request_id: request } = event;
  const groups = teams?.map((team) => ({ name: team }));
  if (uid === undefined && name === undefined) {
    const isProcess = kind === undefined && request === undefined;
    const nobody = { name: kind ?? 'unknown', type_id: 0, type: 'Unknown' };
    return made({ ...(isProcess ? { name: emitter ?? 'switchyard', type_id: 3, type: 'System' } : nobody), groups });
  }
  const [type_id, caption] = own(USER_TYPES, kind) ?? [0, 'Unknown'];
  return made({
    uid,
    name,
    email_addr: name !== undefined && EMAIL.test(name) ? name : undefined,
    type_id,
    type: caption,
    groups,
  });
}

type Shape = (event: ToldEvent, fields: Fields, activity: Activity) => Json;

const ms = (us: number | undefined) => (us === undefined ? undefined : Math.round(us / 1000));

/** What the classes of identity and access management, and API Activity, have of the exchange. */
function exchangeOf(event: ToldEvent, fields: Fields): Json {
  const status = event.http_status;
  const request = made({ uid: event.request_id, body_length: fields.take('bytes_in') });
  fields.take('request_id');
  if (status === undefined) return { http_request: request, duration: ms(event.duration_us) };
  fields.take('http_status');
  return {
    http_request: request,
    http_response: made({ code: status, body_length: fields.take('bytes_out'), latency: ms(event.duration_us) }),
    duration: ms(event.duration_us),
  };
}

const clientOf = ({ client_name: name, client_id: uid }: ToldEvent) => made({ name, uid }) ?? { name: 'unknown' };

/** What is particular to each class. `duration_us` stays unmapped: milliseconds are less than is known. */
const SHAPES: Readonly<Record<ClassName, Shape>> = {
  api: (event, fields) => {
    const { request_id: uid, server, upstream, client_version: version } = event;
    const application = made({ name: event.client_name, uid: event.client_id, version });
    const shape = {
      api: made({
        operation: event.method ?? event.type ?? 'unknown',
        version: fields.take('revision'),
        service: server === undefined ? undefined : { name: server },
        request: uid === undefined ? undefined : { uid },
        response: made({ code: event.http_status, error: event.reason }),
      }),
      resources: resourcesOf(event, fields),
      src_endpoint: clientOf(event),
      dst_endpoint: made({ svc_name: upstream ?? server }),
      trace: event.trace_id === undefined ? undefined : { uid: event.trace_id },
      message_context: made({
        application: (event.client_name ?? event.client_id) ? application : undefined,
        prompt_tokens: fields.take('model_tokens_in'),
        completion_tokens: fields.take('model_tokens_out'),
      }),
      ...exchangeOf(event, fields),
    };
    for (const name of ['method', 'server', 'upstream', 'trace_id', 'client_name', 'client_id'] as const) fields.take(name);
    if (application?.['version'] !== undefined && (event.client_name ?? event.client_id) !== undefined)
      fields.take('client_version');
    return shape;
  },
  authentication: (event, fields) => {
    const shape = {
      user: subjectOf(event),
      service: { name: event.server ?? 'switchyard' },
      src_endpoint: clientOf(event),
      auth_protocol_id: 6,
      auth_protocol: 'OAUTH 2.0',
      is_remote: true,
      ...exchangeOf(event, fields),
    };
    for (const name of ['server', 'client_name', 'client_id'] as const) fields.take(name);
    return shape;
  },
  account: (event, fields) => ({ user: subjectOf(event), ...exchangeOf(event, fields) }),
  entity: (event, fields, { entity }) => ({
    entity: made({
      type_id: 99,
      type: entity?.type ?? 'Other',
      uid: at(event, entity?.uid),
      name: at(event, entity?.name) ?? entity?.type ?? 'unknown',
    }),
    ...exchangeOf(event, fields),
  }),
  error: (event) => ({ duration: ms(event.duration_us) }),
};

function resourcesOf(event: ToldEvent, fields: Fields): readonly (Json | undefined)[] | undefined {
  const { capability: name, upstream: namespace } = event;
  if (name === undefined && event.upstream_capability === undefined) return undefined;
  const [type, uid] = [fields.take('capability_kind'), fields.take('upstream_capability')];
  fields.take('capability');
  return [made({ name, uid, type, namespace, role_id: 1, role: 'Target' })];
}

/** Whom it is about: the person that it names, else whoever did it. */
function subjectOf(event: ToldEvent): Json | undefined {
  const person = event.detail?.['person'];
  return person === undefined ? userOf({ ...event, principal_kind: event.principal_kind ?? 'unknown' }) : { uid: person };
}

/** @param path of a field, or of a key of `detail` */
function at(event: ToldEvent, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const value = path.startsWith('detail.') ? event.detail?.[path.slice('detail.'.length)] : event[path as keyof ToldEvent];
  return value === undefined ? undefined : String(value);
}
