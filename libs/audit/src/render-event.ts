import { OUTCOMES, STAGES, type EventFields, type Outcome, type Stage } from '@switchyard/contracts';
import { flat } from './flat.js';
import { rememberingMembers } from './repeated-members.js';
import { shortenEvent, shortenTexts } from './shorten-event.js';

/** What makes an event this event. */
export interface EventIdentity {
  /** Tenant of events that name none. */
  readonly tenant: string;
  readonly emitter: string;
  /** Boot of the emitter, milliseconds since 1970. */
  readonly epoch: number;
  /** Position within the boot, from 1. */
  readonly sequence: number;
  /** When it is recorded, milliseconds since 1970: the time of events that name none. */
  readonly recordedAtMs: number;
}

/** Fields that say who called. */
export type CallerFields = Pick<
  EventFields,
  'principal_issuer' | 'principal_subject' | 'principal_name' | 'principal_kind' | 'client_id' | 'teams' | 'on_behalf_of'
>;

/** Fields that say in which circumstances. */
export type CircumstanceFields = Pick<EventFields, 'request_id' | 'trace_id' | 'server' | 'snapshot'>;

/** Longest line, in characters; a longer event is shortened. Far below what one bus message can carry. */
const lineLimit = 64 * 1024;
const unsignedLimit = 2 ** 32 - 1;
const signedLimit = 2 ** 31;
// Text that JSON shows as it is: printable ASCII without the quotation mark and the backslash.
const plainText = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
/** Everything behind printable ASCII. */
const beyondAscii = /[\x7f-\uffff]/g;

/** Renders an event as one line of ProtoJSON, without the line feed. @param shared as `renderOpenEvent` has it */
export function renderEvent(fields: EventFields, identity: EventIdentity, shared?: string): string {
  return `${renderOpenEvent(fields, identity, shared)}}`;
}

/**
 * Renders an event in ProtoJSON of switchyard.events.v1.Event, in ASCII, without the closing brace: its link comes last. Empty fields are left
 * out, as ProtoJSON does. Numbers are held within what their field can carry, text is made well-formed Unicode, and an
 * event beyond 64 Ki characters is shortened, so that no event is refused later on.
 * @param shared caller, circumstances, rule and session, as the functions below have them; absent: as the fields say
 */
export function renderOpenEvent(fields: EventFields, identity: EventIdentity, shared?: string): string {
  const line = renderLine(fields, identity, shared ?? sharedMembers(fields));
  if (line.length <= lineLimit) return line;
  const shortened = shortenEvent(fields);
  return renderLine(shortened, identity, shared ?? sharedMembers(shortened));
}

/**
 * Renders who called, for events that many calls of the same caller make.
 * @returns members of a JSON object, each with a comma in front; texts are cut to 512 characters
 */
export function renderCaller(fields: CallerFields): string {
  return flat(callerMembers(shortenTexts(fields)));
}

/** Renders in which circumstances, for the events of one exchange. @param fields short texts @returns as `renderCaller` does */
export function renderCircumstances(fields: CircumstanceFields): string {
  return circumstanceMembers(fields);
}

/** Renders which rule decided. @returns as `renderCaller` does */
export function renderRule(rule: string): string {
  return flat(text(',"rule":"', rule));
}

/** Renders which session an event is of. @param digest of its id @returns as `renderCaller` does */
export function renderSession(digest: string): string {
  return flat(text(',"session_id":"', digest));
}

const sharedMembers = (fields: EventFields) =>
  callerMembers(fields) + circumstanceMembers(fields) + renderRule(fields.rule ?? '') + renderSession(fields.session_id ?? '');

const OUTCOME_MEMBERS = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, `,"outcome":"${outcome}"`])) as Readonly<
  Record<Outcome, string>
>;

// One line a field: a loop over field names costs more than the rendering.
function renderLine(fields: EventFields, identity: EventIdentity, shared: string): string {
  const isHop = fields.type === 'proxy.hop';
  return (
    renderIdentity(fields, identity) +
    shared +
    (isHop ? senderMembers(fields) + askedMembers(fields) : clientMembers(fields) + calledMembers(fields)) +
    OUTCOME_MEMBERS[fields.outcome] +
    text(',"reason":"', fields.reason) +
    text(',"origin":"', fields.origin) +
    text(',"severity":"', fields.severity) +
    text(',"client_rpc_id":"', fields.client_rpc_id) +
    text(',"upstream_rpc_id":"', fields.upstream_rpc_id) +
    unsigned(',"http_status":', fields.http_status) +
    unsigned(',"bytes_in":', fields.bytes_in) +
    unsigned(',"bytes_out":', fields.bytes_out) +
    unsigned(',"duration_us":', fields.duration_us) +
    unsigned(',"upstream_us":', fields.upstream_us) +
    signed(',"rpc_code":', fields.rpc_code) +
    unsigned(',"attempt":', fields.attempt) +
    unsigned(',"arguments_tokens":', fields.arguments_tokens) +
    unsigned(',"result_tokens":', fields.result_tokens) +
    unsigned(',"model_tokens_in":', fields.model_tokens_in) +
    unsigned(',"model_tokens_out":', fields.model_tokens_out) +
    unsigned(',"cost_micros":', fields.cost_micros) +
    stages(fields.stage_us) +
    map(',"detail":', fields.detail)
  );
}

/** With every field there, so that all copies have one shape. */
type Copied<Fields> = { readonly [Name in keyof Fields]-?: Fields[Name] | undefined };

type Client = Pick<EventFields, 'client_version' | 'era' | 'revision'>;

const client = {
  key: ({ client_name }: EventFields) => client_name ?? '',
  copy: ({ client_version, era, revision }: Client): Copied<Client> => ({ client_version, era, revision }),
  isSame: (copy: Copied<Client>, { client_version, era, revision }: Client) =>
    copy.client_version === client_version && copy.era === era && copy.revision === revision,
  render: (fields: EventFields) =>
    text(',"client_name":"', fields.client_name) +
    text(',"client_version":"', fields.client_version) +
    text(',"era":"', fields.era) +
    text(',"revision":"', fields.revision),
};

/** Which client, and what it speaks. */
const clientMembers = rememberingMembers(client);
/** The same of what was sent to upstreams, which is in their revision; were it remembered with the others, each would oust the other. */
const senderMembers = rememberingMembers(client);

type Target = Pick<EventFields, 'type' | 'upstream' | 'capability_kind' | 'capability' | 'upstream_capability' | 'method'>;

const target = {
  copy: ({ type, upstream, capability_kind, capability, upstream_capability, method }: Target): Copied<Target> => ({
    type,
    upstream,
    capability_kind,
    capability,
    upstream_capability,
    method,
  }),
  isSame: (copy: Copied<Target>, { type, upstream, capability_kind, capability, upstream_capability, method }: Target) =>
    copy.type === type &&
    copy.upstream === upstream &&
    copy.capability_kind === capability_kind &&
    copy.capability === capability &&
    copy.upstream_capability === upstream_capability &&
    copy.method === method,
  render: (fields: Target) =>
    `,"type":"${fields.type}"` +
    text(',"upstream":"', fields.upstream) +
    text(',"capability_kind":"', fields.capability_kind) +
    text(',"capability":"', fields.capability) +
    text(',"upstream_capability":"', fields.upstream_capability) +
    text(',"method":"', fields.method),
};

/** What happened, what was called, and where. */
const calledMembers = rememberingMembers({ ...target, key: ({ capability }) => capability ?? '' });
/** The same for what only an upstream was asked. */
const askedMembers = rememberingMembers({ ...target, key: ({ upstream_capability }) => upstream_capability ?? '' });

function callerMembers(fields: CallerFields): string {
  return (
    text(',"principal_issuer":"', fields.principal_issuer) +
    text(',"principal_subject":"', fields.principal_subject) +
    text(',"principal_name":"', fields.principal_name) +
    text(',"principal_kind":"', fields.principal_kind) +
    text(',"client_id":"', fields.client_id) +
    list(',"teams":', fields.teams) +
    text(',"on_behalf_of":"', fields.on_behalf_of)
  );
}

function circumstanceMembers(fields: CircumstanceFields): string {
  return text(',"request_id":"', fields.request_id) + text(',"trace_id":"', fields.trace_id) + placeMembers(fields);
}

type Place = Pick<EventFields, 'server' | 'snapshot'>;

/** Which server, and what it was by then. */
const placeMembers = rememberingMembers<Place, Copied<Place>>({
  key: ({ server }) => server ?? '',
  copy: ({ server, snapshot }) => ({ server, snapshot }),
  isSame: (copy, { server, snapshot }) => copy.server === server && copy.snapshot === snapshot,
  render: ({ server, snapshot }) => text(',"server":"', server) + text(',"snapshot":"', snapshot),
});

interface Boot {
  readonly emitter: string;
  readonly epoch: number;
  readonly start: string;
  readonly middle: string;
}

let latestBoot: Boot = { emitter: '', epoch: 0, start: '', middle: '' };

function renderIdentity(fields: EventFields, identity: EventIdentity): string {
  const boot = bootOf(identity);
  return `${boot.start}${identity.sequence}${betweenSequences(fields, identity, boot)}${identity.sequence}"`;
}

let latestMoment = { boot: latestBoot, tenant: '', recordedAtMs: Number.NaN, text: '' };

/** What stands between the two places of the sequence; the latest is kept, because one turn of the event loop asks for the same one often. */
function betweenSequences(fields: EventFields, { tenant, recordedAtMs }: EventIdentity, boot: Boot): string {
  const ownTenant = fields.tenant === undefined || fields.tenant === '' ? tenant : fields.tenant;
  if (fields.occurred_at !== undefined) return between(ownTenant, bothTimes(fields.occurred_at, recordedAtMs), boot);
  if (latestMoment.recordedAtMs !== recordedAtMs || latestMoment.tenant !== ownTenant || latestMoment.boot !== boot)
    latestMoment = { boot, tenant: ownTenant, recordedAtMs, text: flat(between(ownTenant, rfc3339(recordedAtMs), boot)) };
  return latestMoment.text;
}

const between = (tenant: string, times: string, boot: Boot) =>
  `","tenant":${jsonText(tenant)},"occurred_at":${times}${boot.middle}`;

/** When it happened, and when it is recorded where that is another time. */
function bothTimes(occurredAt: string, recordedAtMs: number): string {
  const occurred = jsonText(occurredAt);
  return Date.parse(occurredAt) === recordedAtMs ? occurred : `${occurred},"recorded_at":${rfc3339(recordedAtMs)}`;
}

/** What all events of a boot have in common; a process has one, as a rule. */
function bootOf({ emitter, epoch }: EventIdentity): Boot {
  if (latestBoot.emitter !== emitter || latestBoot.epoch !== epoch) {
    const name = jsonText(emitter);
    const start = `{"event_id":${name.slice(0, -1)}/${epoch}/`;
    latestBoot = { emitter, epoch, start: flat(start), middle: `,"emitter":${name},"epoch":"${epoch}","sequence":"` };
  }
  return latestBoot;
}

/** @param key with the quotation mark that opens the value: every piece less is a string less to make and to join */
function text(key: string, value: string | undefined): string {
  if (value === undefined || value === '') return '';
  return plainText.test(value) ? `${key}${value}"` : key.slice(0, -1) + jsonText(value);
}

function unsigned(key: string, value: number | undefined): string {
  if (value === undefined || value === 0) return '';
  // Nearly always it is one already; the check costs a tenth of holding it within the limits.
  return value >>> 0 === value ? key + value : number(key, value, 0, unsignedLimit);
}

function signed(key: string, value: number | undefined): string {
  return value === undefined ? '' : number(key, value, -signedLimit, signedLimit - 1);
}

/** A number within what its field can carry. */
function number(key: string, value: number, least: number, most: number): string {
  const held = Number.isNaN(value) ? 0 : Math.min(Math.max(Math.trunc(value), least), most);
  return held === 0 ? '' : key + held;
}

function map(key: string, entries: Readonly<Record<string, string>> | undefined): string {
  let members = '';
  for (const name in entries) members += `${members === '' ? '{' : ','}${jsonText(name)}:${jsonText(entries[name]!)}`;
  return members === '' ? '' : `${key}${members}}`;
}

function list(key: string, texts: readonly string[] | undefined): string {
  return texts === undefined || texts.length === 0 ? '' : `${key}[${texts.map(jsonText).join(',')}]`;
}

const keysOf = (before: string) =>
  Object.fromEntries(STAGES.map((stage) => [stage, `${before}"${stage}":`])) as Readonly<Record<Stage, string>>;
const FIRST_STAGE = keysOf(',"stage_us":{');
const NEXT_STAGE = keysOf(',');

/** Times by stage; those that are 0 are left out. */
function stages(times: Readonly<Partial<Record<Stage, number>>> | undefined): string {
  if (times === undefined) return '';
  let members = '';
  for (const name in times) {
    const stage = name as Stage;
    members += unsigned((members === '' ? FIRST_STAGE : NEXT_STAGE)[stage], times[stage]);
  }
  return members === '' ? '' : `${members}}`;
}

function jsonText(text: string): string {
  return plainText.test(text) ? `"${text}"` : escaped(text);
}

/** Ids are JSON text, mostly of a plain string: those are quick to escape. */
function escaped(text: string): string {
  const inner = text.slice(1, -1);
  if (text.length > 1 && text.startsWith('"') && text.endsWith('"') && plainText.test(inner)) return `"\\"${inner}\\""`;
  return JSON.stringify(text.toWellFormed()).replace(beyondAscii, asEscape);
}

/** RFC 8259 §7. */
const asEscape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** RFC 3339 in UTC with milliseconds, as JSON text. */
const rfc3339 = (ms: number) => `"${new Date(ms).toISOString()}"`;
