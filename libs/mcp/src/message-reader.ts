import { newDraft, type Envelope, type EnvelopeDraft, type GateRefusal, type MessageKind, type Range } from './envelope.js';
import { isExactInteger } from './exact-integer.js';
import { OPEN_BRACE, QUOTE, type JsonScanner } from './json-scanner.js';
import { followsMeta } from './follows-meta.js';
import { OwnedKeys } from './owned-keys.js';
import { Objections, OwnedMembers } from './owned-members.js';
import { TextCache } from './text-cache.js';

const META_PREFIX = 'io.modelcontextprotocol/';
const PROTOCOL_VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
const CLIENT_CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';
const CLIENT_INFO_KEY = 'io.modelcontextprotocol/clientInfo';

const ROOT_KEYS = new OwnedKeys(['jsonrpc', 'id', 'method', 'params', 'result', 'error', '__proto__']);
const PARAMS_KEYS = new OwnedKeys([
  'name',
  'uri',
  'arguments',
  'cursor',
  '_meta',
  'requestId',
  'progressToken',
  'ref',
  'level',
  'task',
  'taskId',
  'inputResponses',
  'requestState',
  '__proto__',
]);
const META_KEYS = new OwnedKeys(
  ['progressToken', 'traceparent', PROTOCOL_VERSION_KEY, CLIENT_CAPABILITIES_KEY, CLIENT_INFO_KEY, '__proto__'],
  META_PREFIX,
);
const REF_KEYS = new OwnedKeys(['type', 'name', 'uri', '__proto__']);
const RESULT_KEYS = new OwnedKeys([
  'isError',
  'resultType',
  'structuredContent',
  'content',
  'inputRequests',
  'requestState',
  '__proto__',
]);
const ERROR_KEYS = new OwnedKeys(['code', '__proto__']);

const LOWER_T = 0x74;

const texts = new TextCache();

const isNumberStart = (byte: number): boolean => byte === 0x2d || (byte >= 0x30 && byte <= 0x39);

/** Reads one JSON-RPC message into an envelope. Used once. */
export class MessageReader {
  private readonly draft: EnvelopeDraft = newDraft();
  private readonly objections = new Objections();
  private readonly bytes: Buffer;
  private hasVersion = false;
  private hasMethod = false;
  private hasId = false;
  private metaToken: Range | undefined;
  private paramsToken: Range | undefined;

  constructor(private readonly scanner: JsonScanner) {
    this.bytes = scanner.bytes;
  }

  /** Reads all of the bytes. What is not JSON is reported before what is not a message. */
  read(): Envelope | GateRefusal {
    const { scanner, objections, draft } = this;
    if (scanner.space() === OPEN_BRACE) this.readRoot();
    else {
      objections.raise('The body must be one JSON object; batches are not accepted.');
      scanner.skipValue(0);
    }
    if (scanner.problem === '') scanner.space();
    if (scanner.problem === '' && scanner.at < this.bytes.length) scanner.fail('text after the end');
    if (scanner.problem !== '') return { ok: false, reason: 'parse_error', message: scanner.problem };
    if (objections.first === '') draft.kind = this.settleKind();
    if (objections.first !== '') return this.refuse(objections.first);
    this.settleProgressToken();
    return draft;
  }

  private refuse(message: string): GateRefusal {
    const id = this.draft.id === '' ? undefined : this.draft.id;
    return { ok: false, reason: 'invalid_request', message, id };
  }

  private settleKind(): MessageKind {
    const { draft, objections, hasMethod, hasId } = this;
    const isResponse = draft.resultRange !== undefined || draft.errorRange !== undefined;
    if (!this.hasVersion) objections.raise('The member "jsonrpc" must be "2.0".');
    if (hasMethod && isResponse)
      objections.raise('A message is either a request or a response: it cannot have "method" and a result.');
    if (!hasMethod && !isResponse) objections.raise('The message has no "method", "result" or "error".');
    if (draft.resultRange !== undefined && draft.errorRange !== undefined)
      objections.raise('A response has a result or an error, not both.');
    if (draft.resultRange !== undefined && !hasId) objections.raise('A result must name the id of its request.');
    if (isResponse) return 'response';
    return hasId ? 'request' : 'notification';
  }

  private settleProgressToken(): void {
    const { draft } = this;
    const ofRequest = draft.kind === 'request' ? this.metaToken : undefined;
    const range = draft.method === 'notifications/progress' ? this.paramsToken : ofRequest;
    if (range === undefined) return;
    draft.progressTokenRange = range;
    draft.progressToken = this.slice(range);
  }

  private readRoot(): void {
    const { draft, scanner } = this;
    const members = new OwnedMembers(scanner, ROOT_KEYS, this.objections, 'the message', 0);
    while (members.next()) {
      const start = scanner.at;
      switch (members.key) {
        case 'jsonrpc':
          this.hasVersion = this.text(1) === '2.0';
          break;
        case 'id':
          this.readId();
          break;
        case 'method':
          this.readMethod();
          break;
        case 'params':
          if (this.isObjectNext()) this.readParams();
          else this.object(1, 'The member "params" must be an object.');
          draft.paramsRange = { start, end: scanner.at };
          break;
        case 'result':
          if (this.isObjectNext()) this.readResult();
          else scanner.skipValue(1);
          draft.resultRange = { start, end: scanner.at };
          break;
        case 'error':
          if (this.isObjectNext()) this.readError();
          else scanner.skipValue(1);
          draft.errorRange = { start, end: scanner.at };
          break;
        default:
          scanner.skipValue(1);
      }
    }
  }

  private readId(): void {
    const { draft, scanner } = this;
    const byte = this.bytes[scanner.at] ?? 0;
    const range = this.value(1);
    const isRepeated = this.hasId;
    this.hasId = true;
    draft.id = '';
    draft.idRange = range;
    if (scanner.problem !== '' || isRepeated) return;
    const text = this.slice(range);
    if (byte === QUOTE || (isNumberStart(byte) && scanner.isInteger && isExactInteger(text))) draft.id = text;
    else this.objections.raise('The member "id" must be a string or an integer within ±2^53.');
  }

  private readMethod(): void {
    const method = this.text(1);
    this.hasMethod = true;
    if (method === undefined) this.objections.raise('The member "method" must be a string.');
    else this.draft.method = method;
  }

  private readParams(): void {
    const { draft, scanner } = this;
    const members = new OwnedMembers(scanner, PARAMS_KEYS, this.objections, 'params', 1);
    while (members.next()) {
      const start = scanner.at;
      switch (members.key) {
        case 'name':
          draft.name = this.text(2);
          if (draft.name !== undefined) draft.nameRange = { start, end: scanner.at };
          break;
        case 'uri':
          draft.uri = this.text(2);
          if (draft.uri !== undefined) draft.uriRange = { start, end: scanner.at };
          break;
        case 'cursor':
          draft.cursor = this.text(2);
          draft.cursorRange = { start, end: scanner.at };
          break;
        case 'arguments':
          draft.argumentsRange = this.value(2);
          break;
        case 'requestId':
          draft.requestIdRange = this.token(2);
          if (draft.requestIdRange !== undefined) draft.requestId = this.slice(draft.requestIdRange);
          break;
        case 'progressToken':
          this.paramsToken = this.token(2);
          break;
        case 'task':
          draft.taskRange = this.value(2);
          break;
        case 'taskId':
          draft.taskId = this.text(2);
          if (draft.taskId !== undefined) draft.taskIdRange = { start, end: scanner.at };
          break;
        case '_meta':
          if (this.isObjectNext()) this.readMeta();
          else this.object(2, 'The member "params._meta" must be an object.');
          draft.metaRange = { start, end: scanner.at };
          break;
        case 'inputResponses':
          draft.inputResponsesRange = this.value(2);
          break;
        case 'requestState':
          draft.requestStateRange = this.value(2);
          break;
        case 'ref':
          if (!this.isObjectNext()) scanner.skipValue(2);
          else {
            this.readRef();
            draft.refRange = { start, end: scanner.at };
          }
          break;
        default:
          scanner.skipValue(2);
      }
    }
  }

  private readMeta(): void {
    const { draft, scanner } = this;
    const members = new OwnedMembers(scanner, META_KEYS, this.objections, 'params._meta', 2);
    while (members.next()) {
      switch (members.key) {
        case 'progressToken':
          this.metaToken = this.token(3);
          break;
        case 'traceparent':
          draft.traceparent = this.text(3);
          break;
        case PROTOCOL_VERSION_KEY:
          draft.hasProtocolVersionKey = true;
          draft.protocolVersion = this.text(3);
          if (draft.protocolVersion === undefined) draft.malformedMetaKey ??= PROTOCOL_VERSION_KEY;
          break;
        case CLIENT_CAPABILITIES_KEY:
          if (!this.isObjectNext()) draft.malformedMetaKey ??= CLIENT_CAPABILITIES_KEY;
          draft.clientCapabilitiesRange = this.value(3);
          break;
        case CLIENT_INFO_KEY:
          if (!this.isObjectNext()) draft.malformedMetaKey ??= CLIENT_INFO_KEY;
          draft.clientInfoRange = this.value(3);
          break;
        default:
          scanner.skipValue(3);
      }
    }
  }

  private readRef(): void {
    const { draft, scanner } = this;
    const members = new OwnedMembers(scanner, REF_KEYS, this.objections, 'params.ref', 2);
    while (members.next()) {
      const start = scanner.at;
      const text = this.text(3);
      if (text === undefined || members.key === '') continue;
      if (members.key === 'type') draft.refType = text;
      if (members.key === 'name') {
        draft.refName = text;
        draft.refNameRange = { start, end: scanner.at };
      }
      if (members.key === 'uri') {
        draft.refUri = text;
        draft.refUriRange = { start, end: scanner.at };
      }
    }
  }

  private readResult(): void {
    const { draft, scanner } = this;
    draft.resultIsError = false;
    const members = new OwnedMembers(scanner, RESULT_KEYS, this.objections, 'result', 1);
    while (members.next()) {
      switch (members.key) {
        case 'resultType':
          draft.resultType = this.text(2);
          break;
        case 'inputRequests':
          draft.inputRequestsRange = this.value(2);
          break;
        case 'requestState':
          draft.requestStateRange = this.value(2);
          break;
        default:
          if (members.key === 'isError') draft.resultIsError = this.bytes[scanner.at] === LOWER_T;
          if (this.isObjectNext() && followsMeta(this.bytes, scanner.at)) draft.resultMetaRange = this.value(2);
          else scanner.skipValue(2);
      }
    }
  }

  private readError(): void {
    const members = new OwnedMembers(this.scanner, ERROR_KEYS, this.objections, 'error', 1);
    while (members.next()) {
      const isNumericCode = members.key === 'code' && isNumberStart(this.bytes[this.scanner.at] ?? 0);
      const range = this.value(2);
      if (isNumericCode && this.scanner.isInteger) this.draft.errorCode = Number(this.slice(range));
    }
  }

  private isObjectNext(): boolean {
    return this.bytes[this.scanner.at] === OPEN_BRACE;
  }

  /** Goes past a value that should have been an object. */
  private object(depth: number, objection: string): void {
    this.objections.raise(objection);
    this.scanner.skipValue(depth);
  }

  /** Goes past a value. Returns where it stands. */
  private value(depth: number): Range {
    const start = this.scanner.at;
    this.scanner.skipValue(depth);
    return { start, end: this.scanner.at };
  }

  /** Goes past a value. Returns where it stands when it is a string or a number. */
  private token(depth: number): Range | undefined {
    const byte = this.bytes[this.scanner.at] ?? 0;
    const range = this.value(depth);
    return byte === QUOTE || isNumberStart(byte) ? range : undefined;
  }

  /** Goes past a value. Returns it decoded when it is a string. */
  private text(depth: number): string | undefined {
    const { scanner } = this;
    const start = scanner.at;
    if (this.bytes[start] !== QUOTE) {
      scanner.skipValue(depth);
      return undefined;
    }
    if (!scanner.skipString()) return undefined;
    if (scanner.escaped) return String(JSON.parse(this.bytes.toString('utf8', start, scanner.at)));
    return texts.decode(this.bytes, start + 1, scanner.at - 1);
  }

  private slice(range: Range): string {
    return texts.decode(this.bytes, range.start, range.end);
  }
}
