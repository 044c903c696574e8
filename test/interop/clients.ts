/** A tool's result as the features look at it. */
export interface ToolResult {
  readonly isError?: boolean | undefined;
  readonly content: readonly ContentBlock[];
  readonly structuredContent?: unknown;
}

/** Content of results and prompts, of any type. */
export interface ContentBlock {
  readonly type: string;
  readonly text?: string | undefined;
  readonly data?: string | undefined;
  readonly mimeType?: string | undefined;
  readonly resource?: ResourceText | undefined;
}

/** A tool and its arguments. */
export interface ToolCall {
  readonly name: string;
  readonly arguments?: Record<string, unknown>;
}

/** Contents of a resource. */
export interface ResourceText {
  readonly uri: string;
  readonly text?: string | undefined;
  readonly blob?: string | undefined;
  readonly mimeType?: string | undefined;
}

/** What a client may say of one call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: number) => void;
}

/** A notification, or a request of the server, as it reached the client. */
export interface Heard {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/**
 * One surface over the SDKs. Every client answers the server's requests alike: it accepts forms with `ANSWER`, opens every URL, samples
 * `SAMPLED` and has the root `ROOT`, as far as its revision knows of them.
 */
export interface InteropClient extends AsyncDisposable {
  /** Everything that came unasked, oldest first: notifications but progress, and requests of the server. */
  readonly heard: readonly Heard[];
  listTools(): Promise<{ readonly name: string; readonly outputSchema?: unknown }[]>;
  /** @throws the SDK's error */
  callTool(call: ToolCall, options?: CallOptions): Promise<ToolResult>;
  listPrompts(): Promise<{ readonly name: string }[]>;
  getPrompt(name: string, args: Record<string, string>): Promise<readonly { readonly content: ContentBlock }[]>;
  /** One page. */
  listResources(cursor?: string): Promise<{ resources: { readonly uri: string }[]; nextCursor?: string | undefined }>;
  listTemplates(): Promise<{ readonly uriTemplate: string }[]>;
  readResource(uri: string): Promise<readonly ResourceText[]>;
  complete(prompt: string, argument: string, value: string): Promise<string[]>;
  /** Asks to be told when a resource changes. @returns how to end that */
  subscribe(uri: string): Promise<() => Promise<unknown>>;
  /** Asks to be told when lists change, where that must be asked for. @returns how to end that */
  watchLists(): Promise<() => Promise<unknown>>;
  /** Wants log messages of this level and above, from now on. */
  setLogLevel(level: 'debug' | 'warning'): Promise<unknown>;
}

/** Where a client connects to. */
export type Endpoint =
  | { readonly kind: 'http'; readonly url: string; readonly headers: Record<string, string> }
  /** A program that speaks over its standard input and output. */
  | { readonly kind: 'stdio'; readonly command: string; readonly args: string[] };

export const ANSWER = { name: 'Ana' };
export const ROOT = { uri: 'file:///work/interop', name: 'interop' };
export const SAMPLED = { role: 'assistant', model: 'interop-model', content: { type: 'text', text: 'hello there' } } as const;
