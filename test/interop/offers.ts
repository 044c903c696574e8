import type { ContentBlock, ToolCall } from './clients.js';

/** What the features ask of an upstream: which of its tools, prompts and resources show them. */
export interface Offer {
  readonly echo: (text: string) => ToolCall;
  readonly fail: ToolCall;
  readonly prompt: { readonly name: string; readonly arguments: Record<string, string>; readonly says: string };
  readonly completion: { readonly prompt: string; readonly argument: string; readonly start: string; readonly values: string[] };
  readonly resource: { readonly uri: string; readonly says: string };
  readonly template: { readonly pattern: string; readonly uri: string; readonly says: string };
  /** Resources that its list has, however many pages it takes. */
  readonly listed: readonly string[];
  /** Whether a cursor that it never gave out is an error to it. */
  readonly checksCursors: boolean;
  readonly subscribed: { readonly uri: string; readonly touch: ToolCall; readonly after?: ToolCall };
  /** Reports these steps; waits for `goOn` after each. Without that, the SDKs may drop the last, which comes with the answer. */
  readonly count: (key: string) => { readonly call: ToolCall; readonly goOn?: ToolCall; readonly steps: readonly number[] };
  /** Never ends by itself, or not soon. Without `started`, its first progress says that it runs. */
  readonly hang: (key: string) => { readonly call: ToolCall; readonly started?: ToolCall; readonly cancelled?: ToolCall };
  /** Logs while `level` is wanted; without `hears`, something. */
  readonly log: {
    readonly level: 'debug' | 'warning';
    readonly call: ToolCall;
    readonly hears?: readonly string[];
    readonly after?: ToolCall;
  };
  readonly form: { readonly call: ToolCall; readonly says: RegExp };
  readonly url: { readonly call: ToolCall; readonly says: RegExp; readonly url: string };
  /** Ends in error -32042, which names a URL, and works when it is called again. Absent where the revision has no such error. */
  readonly needsUrl?: (key: string) => { readonly call: ToolCall; readonly says: RegExp; readonly url: string };
  readonly sampling: { readonly call: ToolCall; readonly says: RegExp };
  readonly roots: ToolCall;
  /** Adds something under a name to a list, and says so. */
  readonly grow: (name: string) => { readonly call: ToolCall; readonly list: 'tools' | 'resources'; readonly added: string };
  readonly picture: ToolCall;
  readonly sound?: ToolCall;
  readonly big: { readonly call: ToolCall; readonly isWhole: (content: readonly ContentBlock[]) => boolean };
  readonly measure: { readonly call: ToolCall; readonly value: unknown };
}

const BIG_BYTES = 5 * 1024 * 1024;
const number = (name: string) => `test://numbers/${name}`;

/** What the fixture servers offer on both SDKs. */
export const FIXTURE: Offer = {
  echo: (text) => ({ name: 'echo', arguments: { text } }),
  fail: { name: 'fail' },
  prompt: { name: 'greet', arguments: { who: 'Ana' }, says: 'Hello Ana' },
  completion: { prompt: 'greet', argument: 'who', start: 'An', values: ['Ana', 'Anton'] },
  resource: { uri: number('two'), says: `contents of ${number('two')}` },
  template: { pattern: 'test://items/{id}', uri: 'test://items/7', says: 'contents of test://items/7' },
  listed: ['one', 'two', 'three', 'four', 'five'].map(number),
  checksCursors: true,
  subscribed: { uri: number('one'), touch: { name: 'touch', arguments: { uri: number('one') } } },
  count: (key) => ({
    call: { name: 'count', arguments: { key, steps: 3 } },
    goOn: { name: 'go_on', arguments: { key } },
    steps: [1, 2, 3],
  }),
  hang: (key) => ({
    call: { name: 'hang', arguments: { key } },
    started: { name: 'watch_hang', arguments: { key, state: 'started' } },
    cancelled: { name: 'watch_hang', arguments: { key, state: 'cancelled' } },
  }),
  log: { level: 'warning', call: { name: 'log' }, hears: ['warning', 'error'] },
  form: { call: { name: 'ask_form' }, says: /^accept Ana$/ },
  url: { call: { name: 'ask_url' }, says: /^accept$/, url: 'https://example.com/sign-in' },
  sampling: { call: { name: 'ask_sampling' }, says: /^interop-model: hello there$/ },
  roots: { name: 'ask_roots' },
  grow: (name) => ({ call: { name: 'grow', arguments: { name } }, list: 'tools', added: name }),
  picture: { name: 'picture' },
  sound: { name: 'sound' },
  big: {
    call: { name: 'big', arguments: { bytes: BIG_BYTES } },
    isWhole: ([block]) => block?.text === '0123456789abcdef'.repeat(BIG_BYTES / 16),
  },
  measure: { call: { name: 'measure' }, value: { place: 'Oslo', celsius: -3.5 } },
};

/** The fixture server on SDK v1. */
export const FIXTURE_V1: Offer = {
  ...FIXTURE,
  needsUrl: (key) => ({ call: { name: 'need_url', arguments: { key } }, says: /^signed in$/, url: FIXTURE.url.url }),
};

const demo = (path: string) => `demo://resource/${path}`;

/** @modelcontextprotocol/server-everything. @param big where it fetches bytes that do not compress, and these */
export function everything(big: { readonly url: string; readonly isPacked: (blob: string) => boolean }): Offer {
  const gzip = (name: string, data: string, outputType: string) => ({
    name: 'gzip-file-as-resource',
    arguments: { name, data, outputType },
  });
  const url = 'https://example.com/sign-in';
  return {
    echo: (message) => ({ name: 'echo', arguments: { message } }),
    fail: { name: 'get-sum', arguments: { a: 'one', b: 2 } },
    prompt: { name: 'args-prompt', arguments: { city: 'Oslo' }, says: "What's weather in Oslo?" },
    completion: { prompt: 'completable-prompt', argument: 'department', start: 'S', values: ['Sales', 'Support'] },
    resource: { uri: demo('static/document/features.md'), says: '# Everything Server' },
    template: { pattern: demo('dynamic/text/{resourceId}'), uri: demo('dynamic/text/7'), says: 'Resource 7' },
    listed: ['architecture.md', 'features.md', 'structure.md'].map((name) => demo(`static/document/${name}`)),
    checksCursors: false,
    subscribed: {
      uri: demo('dynamic/text/1'),
      touch: { name: 'toggle-subscriber-updates' },
      after: { name: 'toggle-subscriber-updates' },
    },
    count: () => ({
      call: { name: 'trigger-long-running-operation', arguments: { duration: 0.3, steps: 3 } },
      steps: [1, 2, 3],
    }),
    hang: () => ({ call: { name: 'trigger-long-running-operation', arguments: { duration: 6, steps: 60 } } }),
    log: { level: 'debug', call: { name: 'toggle-simulated-logging' }, after: { name: 'toggle-simulated-logging' } },
    form: { call: { name: 'trigger-elicitation-request' }, says: /Name: Ana/ },
    url: {
      call: { name: 'trigger-url-elicitation', arguments: { url, message: 'Please sign in', errorPath: false } },
      says: /"action": "accept"/,
      url,
    },
    needsUrl: (key) => ({
      call: { name: 'trigger-url-elicitation', arguments: { url: `${url}?${key}`, message: 'Please sign in', errorPath: true } },
      says: /"action": "accept"/,
      url: 'https://modelcontextprotocol.io',
    }),
    sampling: {
      call: { name: 'trigger-sampling-request', arguments: { prompt: 'Say hello', maxTokens: 10 } },
      says: /hello there/,
    },
    roots: { name: 'get-roots-list' },
    grow: (name) => ({
      call: gzip(name, 'data:text/plain,x', 'resourceLink'),
      list: 'resources',
      added: demo(`session/${name}`),
    }),
    picture: { name: 'get-tiny-image' },
    big: {
      call: gzip('big.gz', big.url, 'resource'),
      isWhole: ([block]) => big.isPacked(block?.resource?.blob ?? ''),
    },
    measure: {
      call: { name: 'get-structured-content', arguments: { location: 'Chicago' } },
      value: { temperature: 36, conditions: 'Light rain / drizzle', humidity: 82 },
    },
  };
}
