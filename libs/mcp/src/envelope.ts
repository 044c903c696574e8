/** Byte offsets of a JSON value's text, end exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Why the gate does not let a message in. */
export interface GateRefusal {
  readonly ok: false;
  readonly reason: 'parse_error' | 'invalid_request';
  /** One sentence for the client; holds nothing of the message but names that the protocol defines. */
  readonly message: string;
  /** JSON text of the id, when the message is JSON and its id could be read. */
  readonly id?: string | undefined;
}

export type MessageKind = 'request' | 'notification' | 'response';

/** What the gateway needs to know of one JSON-RPC message, and where its parts stand in the bytes. */
export interface Envelope {
  readonly ok: true;
  readonly kind: MessageKind;
  /** JSON text of the id: `1` or `"abc"`. Empty for notifications and for errors that answer no readable request. */
  readonly id: string;
  readonly idRange?: Range | undefined;
  /** Empty for responses. */
  readonly method: string;
  readonly paramsRange?: Range | undefined;

  /** params.name, when it is a string. */
  readonly name?: string | undefined;
  readonly nameRange?: Range | undefined;
  /** params.uri, when it is a string. */
  readonly uri?: string | undefined;
  readonly uriRange?: Range | undefined;
  /** params.cursor, when it is a string; the empty one is a cursor as well. */
  readonly cursor?: string | undefined;
  /** params.cursor, whatever its type. */
  readonly cursorRange?: Range | undefined;
  /** params.requestId (notifications/cancelled): JSON text of a string or number. */
  readonly requestId?: string | undefined;
  readonly requestIdRange?: Range | undefined;
  /** params.taskId, when it is a string ("Tasks"). */
  readonly taskId?: string | undefined;
  readonly taskIdRange?: Range | undefined;
  /** params.task, whatever its type: the request is to become a task (MCP 2025-11-25, "Tasks"). */
  readonly taskRange?: Range | undefined;
  /** params.arguments, whatever its type. */
  readonly argumentsRange?: Range | undefined;
  /** JSON text of a string or number: params._meta.progressToken of a request, params.progressToken of notifications/progress. */
  readonly progressToken?: string | undefined;
  readonly progressTokenRange?: Range | undefined;
  /** params.inputResponses of a retried request, whatever its type (MCP 2026-07-28, "Multi Round-Trip Requests"). */
  readonly inputResponsesRange?: Range | undefined;
  /** params.requestState or result.requestState, whatever its type. */
  readonly requestStateRange?: Range | undefined;

  /** params._meta, an object. */
  readonly metaRange?: Range | undefined;
  /** params._meta["io.modelcontextprotocol/protocolVersion"], when it is a string. */
  readonly protocolVersion?: string | undefined;
  /** Whether that key is present, whatever its type. */
  readonly hasProtocolVersionKey: boolean;
  /** params._meta["io.modelcontextprotocol/clientCapabilities"], whatever its type. */
  readonly clientCapabilitiesRange?: Range | undefined;
  /** params._meta["io.modelcontextprotocol/clientInfo"], whatever its type. */
  readonly clientInfoRange?: Range | undefined;
  /** The first io.modelcontextprotocol/ key of params._meta whose value is of the wrong type. */
  readonly malformedMetaKey?: string | undefined;
  /** params._meta.traceparent, when it is a string. */
  readonly traceparent?: string | undefined;

  /** params.ref (completion/complete), when it is an object. */
  readonly refRange?: Range | undefined;
  readonly refType?: string | undefined;
  readonly refName?: string | undefined;
  readonly refNameRange?: Range | undefined;
  readonly refUri?: string | undefined;
  readonly refUriRange?: Range | undefined;

  readonly resultRange?: Range | undefined;
  /** result._meta, an object, where its name is written plainly. The last, where there are several: nothing is decided by it. */
  readonly resultMetaRange?: Range | undefined;
  /** Whether result.isError is true; absent without a result. */
  readonly resultIsError?: boolean | undefined;
  /** result.resultType, when it is a string. */
  readonly resultType?: string | undefined;
  /** result.inputRequests, whatever its type. */
  readonly inputRequestsRange?: Range | undefined;
  readonly errorRange?: Range | undefined;
  /** error.code, when it is an integer. */
  readonly errorCode?: number | undefined;
}

/** An envelope being filled. */
export type EnvelopeDraft = { -readonly [Key in keyof Envelope]-?: Envelope[Key] };

/** A draft with every member present, so that all envelopes share one hidden class. */
export function newDraft(): EnvelopeDraft {
  return {
    ok: true,
    kind: 'request',
    id: '',
    idRange: undefined,
    method: '',
    paramsRange: undefined,
    name: undefined,
    nameRange: undefined,
    uri: undefined,
    uriRange: undefined,
    cursor: undefined,
    cursorRange: undefined,
    requestId: undefined,
    requestIdRange: undefined,
    taskId: undefined,
    taskIdRange: undefined,
    taskRange: undefined,
    argumentsRange: undefined,
    progressToken: undefined,
    progressTokenRange: undefined,
    inputResponsesRange: undefined,
    requestStateRange: undefined,
    metaRange: undefined,
    protocolVersion: undefined,
    hasProtocolVersionKey: false,
    clientCapabilitiesRange: undefined,
    clientInfoRange: undefined,
    malformedMetaKey: undefined,
    traceparent: undefined,
    refRange: undefined,
    refType: undefined,
    refName: undefined,
    refNameRange: undefined,
    refUri: undefined,
    refUriRange: undefined,
    resultRange: undefined,
    resultMetaRange: undefined,
    resultIsError: undefined,
    resultType: undefined,
    inputRequestsRange: undefined,
    errorRange: undefined,
    errorCode: undefined,
  };
}
