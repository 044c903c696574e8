import type { Era } from './era.js';

/** Kinds of content blocks, those of sampling messages included. */
export type ContentType = 'text' | 'image' | 'audio' | 'resource_link' | 'resource' | 'tool_use' | 'tool_result';

/** What one revision of MCP has. What a revision does not have is absent: nothing is listed as removed. */
export interface RevisionTable {
  readonly revision: string;
  readonly era: Era;

  /** Requests from client to server ("Schema"). */
  readonly clientRequests: ReadonlySet<string>;
  /** Further ones, of extensions that clients declare (MCP 2026-07-28, "Extensions"; the extension "Tasks"). */
  readonly extensionRequests: ReadonlySet<string>;
  /** Notifications from client to server over HTTP. */
  readonly clientNotifications: ReadonlySet<string>;
  /** The same over stdio. */
  readonly clientNotificationsOnStdio: ReadonlySet<string>;
  /** Requests from server to client. */
  readonly serverRequests: ReadonlySet<string>;
  /** Requests that a server embeds in an `input_required` result ("Multi Round-Trip Requests"). */
  readonly inputRequests: ReadonlySet<string>;
  /** Notifications from server to client. */
  readonly serverNotifications: ReadonlySet<string>;

  /** Members of ClientCapabilities. */
  readonly clientCapabilities: ReadonlySet<string>;
  /** Members of ServerCapabilities. */
  readonly serverCapabilities: ReadonlySet<string>;

  /** Content that tool results and prompts may hold. */
  readonly contentTypes: ReadonlySet<ContentType>;
  /** Content that sampling messages may hold. */
  readonly samplingContentTypes: ReadonlySet<ContentType>;
  /** What `structuredContent` of a tool result may be; `outputSchema` follows it. */
  readonly structuredContent: 'none' | 'object' | 'any';
  /** Members of a tool beside its name, description and inputSchema. */
  readonly toolMembers: ReadonlySet<string>;
  /** Modes of `elicitation/create`; none where the revision has no elicitation. */
  readonly elicitationModes: ReadonlySet<'form' | 'url'>;
  /** Whether requests say their mode: where there is one mode only, they do not. */
  readonly elicitationNamesMode: boolean;
  /** Whether forms may have choices whose values have titles (`oneOf`), and choices of several values. */
  readonly elicitationTitledChoices: boolean;
  /** Whether resources, prompts and others have a `title` beside their name. */
  readonly titles: boolean;
  /** Whether resources, prompts and others have `icons`. */
  readonly icons: boolean;
  /** Whether `notifications/progress` has a `message`. */
  readonly progressMessage: boolean;
  /** Whether `completion/complete` has a `context`. */
  readonly completionContext: boolean;

  /** HTTP+SSE has two endpoints; Streamable HTTP has one ("Transports"). */
  readonly transport: 'http+sse' | 'streamable-http';
  /** Whether several messages may come in one array. */
  readonly batches: boolean;
  /** Whether Mcp-Session-Id names a session. */
  readonly sessionHeader: boolean;
  /** Which messages carry MCP-Protocol-Version. */
  readonly versionHeader: 'none' | 'after-initialize' | 'every';
  /** Whether Last-Event-ID takes a stream up again. */
  readonly resumption: boolean;
  /** Whether a stream begins with an event that has an id and no data. */
  readonly primingEvent: boolean;
  /** Whether every request describes itself in `params._meta`. */
  readonly requestEnvelope: boolean;
  /** Whether every result has a `resultType`. */
  readonly resultType: boolean;
  /** Requests whose results carry `ttlMs` and `cacheScope` ("Caching"). */
  readonly cacheableRequests: ReadonlySet<string>;
  /** Requests that may be answered with `input_required`. */
  readonly multiRoundTripRequests: ReadonlySet<string>;
}
