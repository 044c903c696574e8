import { eventually } from '@switchyard/testing';
import { type CallOptions, type InteropClient, ROOT, type ToolCall, type ToolResult } from './clients.js';
import type { FeatureId } from './expectations.js';
import type { Offer } from './offers.js';

/** A client on an upstream, in the middle of one test. */
export interface Bench {
  readonly client: InteropClient;
  readonly offer: Offer;
  /** Used by no other test, so that they do not see each other on a shared upstream. */
  readonly unique: string;
  /** Longest wait for what may never come. */
  readonly patienceMs: number;
}

/** What a feature asserts where it works, and where a rule of expectations.ts says that it cannot. */
export interface Feature {
  works(bench: Bench): Promise<void>;
  /** The call that a client refuses or is refused. */
  refused?(bench: Bench): ToolCall;
  converted?(bench: Bench): Promise<void>;
  silent?(bench: Bench): Promise<void>;
  'not-offered'?(bench: Bench): Promise<void>;
}

/** What a result says. */
export const textOf = ({ content }: ToolResult) => content.map(({ text = '' }) => text).join('\n');

/** @throws unless the call succeeded */
export async function textFrom(client: InteropClient, call: ToolCall, options?: CallOptions): Promise<string> {
  const result = await client.callTool(call, options);
  if (result.isError === true) throw new Error(`${call.name} failed: ${textOf(result)}`);
  return textOf(result);
}

/** Waits for what comes unasked, from a point in time on. */
const hears = (
  { client, patienceMs }: Bench,
  from: number,
  method: string,
  matches: (params: Record<string, unknown>) => boolean,
) =>
  eventually(() => client.heard.slice(from).find((one) => one.method === method && matches(one.params)) ?? false, {
    timeoutMs: patienceMs,
    everyMs: 5,
  }).catch((cause: unknown) => {
    const heard = client.heard.slice(from).map((one) => one.method);
    throw new Error(`${method} never came, only: ${heard.join() || 'nothing'}`, { cause });
  });

const tools: Feature = {
  works: async ({ client, offer, unique }) => {
    const echo = offer.echo(unique);
    expect((await client.listTools()).map(({ name }) => name)).toEqual(expect.arrayContaining([echo.name, offer.fail.name]));
    expect(await textFrom(client, echo)).toContain(unique);
    expect(await client.callTool(offer.fail)).toMatchObject({ isError: true });
  },
};

const prompts: Feature = {
  works: async ({ client, offer: { prompt } }) => {
    expect((await client.listPrompts()).map(({ name }) => name)).toContain(prompt.name);
    expect(await client.getPrompt(prompt.name, prompt.arguments)).toMatchObject([{ content: { text: prompt.says } }]);
  },
};

const resources: Feature = {
  works: async ({ client, offer: { resource, template } }) => {
    expect((await client.listTemplates()).map(({ uriTemplate }) => uriTemplate)).toContain(template.pattern);
    for (const { uri, says } of [resource, template])
      expect(await client.readResource(uri)).toMatchObject([{ uri, text: expect.stringContaining(says) as string }]);
  },
};

const subscribe: Feature = {
  works: async (bench) => {
    const { client, offer } = bench;
    const { uri, touch, after } = offer.subscribed;
    const from = client.heard.length;
    const end = await client.subscribe(uri);
    await textFrom(client, touch);
    await hears(bench, from, 'notifications/resources/updated', (params) => params['uri'] === uri);
    if (after !== undefined) await textFrom(client, after);
    await end();
  },
};

const completion: Feature = {
  works: async ({ client, offer: { completion: asked } }) => {
    expect(await client.complete(asked.prompt, asked.argument, asked.start)).toEqual(asked.values);
  },
};

const progress: Feature = {
  works: async ({ client, offer, unique }) => {
    const { call, goOn, steps } = offer.count(unique);
    const seen: number[] = [];
    const told: Promise<unknown>[] = [];
    const onProgress = (step: number) => {
      seen.push(step);
      if (goOn !== undefined) told.push(client.callTool(goOn));
    };
    await client.callTool(call, { onProgress });
    await Promise.all(told);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen).toEqual(goOn === undefined ? steps.slice(0, seen.length) : steps);
  },
};

const cancel: Feature = {
  works: async ({ client, offer, unique }) => {
    const { call, started, cancelled } = offer.hang(unique);
    const aborted = new AbortController();
    const progressed = Promise.withResolvers<string>();
    const { signal } = aborted;
    const hanging = client.callTool(call, { signal, ...(!started && { onProgress: () => progressed.resolve('started') }) });
    const settled = hanging.then(
      () => 'answered',
      () => 'rejected',
    );
    expect(await (started === undefined ? progressed.promise : textFrom(client, started))).toBe('started');
    aborted.abort('the user changed their mind');
    expect(await settled).toBe('rejected');
    if (cancelled !== undefined) expect(await textFrom(client, cancelled)).toBe('cancelled');
    expect(await textFrom(client, offer.echo(unique))).toContain(unique);
  },
};

const messagesOf = ({ client }: Bench, from: number) =>
  client.heard.slice(from).flatMap(({ method, params }) => (method === 'notifications/message' ? [params['level']] : []));

const logging: Feature = {
  works: async (bench) => {
    const { client, offer, patienceMs } = bench;
    const { level, call, hears: expected, after } = offer.log;
    await client.setLogLevel(level);
    const from = client.heard.length;
    await textFrom(client, call);
    await eventually(() => messagesOf(bench, from).length >= (expected?.length ?? 1), { timeoutMs: patienceMs, everyMs: 5 });
    if (expected !== undefined) expect(messagesOf(bench, from)).toEqual(expected);
    if (after !== undefined) await textFrom(client, after);
  },
  silent: async ({ client, offer }) => {
    await client.setLogLevel(offer.log.level);
    await textFrom(client, offer.log.call);
    if (offer.log.after !== undefined) await textFrom(client, offer.log.after);
  },
};

/** A feature in which the server asks its client for something in the middle of a call. */
const asking = (
  request: { readonly method: string; readonly params?: (offer: Offer) => object },
  asks: (offer: Offer) => { readonly call: ToolCall; readonly says: RegExp },
): Feature => ({
  works: async (bench) => {
    const { client, offer } = bench;
    const { call, says } = asks(offer);
    const from = client.heard.length;
    expect(await textFrom(client, call)).toMatch(says);
    const asked = client.heard.slice(from).filter(({ method }) => method === request.method);
    expect(asked).toMatchObject([{ params: request.params?.(offer) ?? {} }]);
  },
  refused: ({ offer }) => asks(offer).call,
});

/** Code of the error that a server of 2025-11-25 answers with while a URL has not been opened. */
const URL_REQUIRED = -32042;

const elicitationRequired: Feature = {
  works: async ({ client, offer, unique }) => {
    const { call, says, url } = required(offer, unique);
    const from = client.heard.length;
    const first = await client.callTool(call).catch((error: unknown) => error as { code?: unknown; data?: unknown });
    const asked = client.heard.slice(from).map(({ params }) => params['url']);
    // A client of 2026-07-28 is asked instead, and calls again by itself.
    if ('content' in first) expect(asked).toContain(url);
    else expect(first).toMatchObject({ code: URL_REQUIRED, data: { elicitations: [{ mode: 'url', url }] } });
    expect('content' in first ? textOf(first) : await textFrom(client, call)).toMatch(says);
  },
  refused: ({ offer, unique }) => required(offer, unique).call,
  'not-offered': async ({ offer }) => {
    expect(offer.needsUrl).toBeUndefined();
    return Promise.resolve();
  },
};

function required({ needsUrl }: Offer, key: string): ReturnType<NonNullable<Offer['needsUrl']>> {
  if (needsUrl === undefined) throw new Error('the upstream has no tool that ends in error -32042');
  return needsUrl(key);
}

const roots: Feature = {
  works: async ({ client, offer, patienceMs }) => {
    expect(await textFrom(client, offer.roots, { signal: AbortSignal.timeout(patienceMs) })).toContain(ROOT.uri);
    expect(client.heard.map(({ method }) => method)).toContain('roots/list');
  },
  silent: async ({ client, offer }) => {
    expect(await textFrom(client, offer.roots)).toMatch(/no roots are currently configured/);
    expect(client.heard.map(({ method }) => method)).not.toContain('roots/list');
  },
};

const listChanged: Feature = {
  works: async (bench) => {
    const { client, offer, unique } = bench;
    const { call, list, added } = offer.grow(unique);
    const names = async () =>
      list === 'tools' ? (await client.listTools()).map(({ name }) => name) : await walkResources(client);
    expect(await names()).not.toContain(added);
    const end = await client.watchLists();
    const from = client.heard.length;
    await textFrom(client, call);
    await toldOfChange(bench, from, `notifications/${list}/list_changed`, async () => (await names()).includes(added));
    await end();
  },
};

/** Waits for a notification after which a list, asked for once, is new. Changes that others made may be told of first. */
async function toldOfChange(
  { client, patienceMs }: Bench,
  from: number,
  method: string,
  isNew: () => Promise<boolean>,
): Promise<void> {
  let next = from;
  await eventually(
    async () => {
      const found = client.heard.findIndex((one, index) => index >= next && one.method === method);
      if (found === -1) throw new Error(`${method} never came${next > from ? ' again, and the list was old' : ''}`);
      next = client.heard.length;
      return isNew();
    },
    { timeoutMs: patienceMs, everyMs: 5 },
  );
}

/** Every resource that is listed, page by page. */
async function walkResources(client: InteropClient): Promise<string[]> {
  const found: string[] = [];
  const seen = new Set<string | undefined>();
  for (let cursor: string | undefined; !seen.has(cursor);) {
    seen.add(cursor);
    const page = await client.listResources(cursor);
    found.push(...page.resources.map(({ uri }) => uri));
    if (page.nextCursor === undefined) return found;
    cursor = page.nextCursor;
  }
  throw new Error('the pages go round in a circle');
}

const pagination: Feature = {
  works: async ({ client, offer }) => {
    const found = await walkResources(client);
    expect(found.filter((uri) => offer.listed.includes(uri))).toEqual(offer.listed);
    expect(new Set(found).size).toBe(found.length);
    if (offer.checksCursors) await expect(client.listResources('never given out')).rejects.toMatchObject({ code: -32602 });
  },
};

const bytesOf = (data: string | undefined) => Buffer.from(data ?? '', 'base64').toString('latin1');

const images: Feature = {
  works: async ({ client, offer }) => {
    const { content } = await client.callTool(offer.picture);
    const image = content.find(({ type }) => type === 'image');
    expect(image?.mimeType).toBe('image/png');
    expect(bytesOf(image?.data)).toMatch(/^\x89PNG/);
  },
};

const audio: Feature = {
  works: async ({ client, offer }) => {
    const [sound] = (await client.callTool(offer.sound ?? { name: 'none' })).content;
    expect(sound).toMatchObject({ type: 'audio', mimeType: 'audio/wav' });
    expect(bytesOf(sound?.data)).toMatch(/^RIFF/);
  },
  converted: async ({ client, offer }) => {
    const [sound] = (await client.callTool(offer.sound ?? { name: 'none' })).content;
    expect(sound).toMatchObject({ type: 'resource', resource: { mimeType: 'audio/wav' } });
    expect(bytesOf(sound?.resource?.blob)).toMatch(/^RIFF/);
  },
  'not-offered': async ({ client, offer }) => {
    expect(offer.sound).toBeUndefined();
    expect((await client.listTools()).map(({ name }) => name).join()).not.toMatch(/audio|sound/i);
  },
};

const big: Feature = {
  works: async ({ client, offer }) => {
    const { content } = await client.callTool(offer.big.call);
    // Not by toEqual, which would print it.
    expect(offer.big.isWhole(content)).toBe(true);
  },
};

const structured: Feature = {
  works: async ({ client, offer: { measure } }) => {
    const listed = (await client.listTools()).find(({ name }) => name === measure.call.name);
    expect(listed?.outputSchema).toMatchObject({ type: 'object' });
    expect((await client.callTool(measure.call)).structuredContent).toEqual(measure.value);
  },
  converted: async ({ client, offer: { measure } }) => {
    expect(JSON.parse(await textFrom(client, measure.call))).toEqual(measure.value);
  },
};

/** All of them. */
export const FEATURE_TESTS: Readonly<Record<FeatureId, Feature>> = {
  tools,
  prompts,
  resources,
  subscribe,
  completion,
  progress,
  cancel,
  logging,
  'elicitation-form': asking({ method: 'elicitation/create' }, ({ form }) => form),
  'elicitation-url': asking(
    { method: 'elicitation/create', params: ({ url }) => ({ mode: 'url', url: url.url }) },
    ({ url }) => url,
  ),
  'elicitation-required': elicitationRequired,
  sampling: asking({ method: 'sampling/createMessage' }, ({ sampling }) => sampling),
  roots,
  'list-changed': listChanged,
  pagination,
  images,
  audio,
  '5-mib': big,
  structured,
};
