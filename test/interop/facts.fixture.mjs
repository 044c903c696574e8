// What both fixture servers of the interop matrix offer, so that every upstream has the same tools, prompts and resources.

export const INSTRUCTIONS = 'Made for the interop matrix.';
export const MEASURED = { place: 'Oslo', celsius: -3.5 };
export const FORM = {
  message: 'Who are you?',
  requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
};
export const LINK = { message: 'Please sign in', url: 'https://example.com/sign-in' };
export const SAMPLING = { messages: [{ role: 'user', content: { type: 'text', text: 'Say hello' } }], maxTokens: 10 };
export const TEMPLATE = 'test://items/{id}';
export const RESOURCES = ['one', 'two', 'three', 'four', 'five'].map((name) => ({ name, uri: `test://numbers/${name}` }));

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const silence = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';
export const PICTURE = { type: 'image', mimeType: 'image/png', data: pixel };
export const SOUND = { type: 'audio', mimeType: 'audio/wav', data: silence };

export const text = (value) => ({ content: [{ type: 'text', text: value }] });
export const longText = (bytes) => '0123456789abcdef'.repeat(Math.ceil(bytes / 16)).slice(0, bytes);
export const completeName = (start) => ['Ana', 'Anton', 'Bea'].filter((name) => name.startsWith(start));
export const greeting = (who) => ({ messages: [{ role: 'user', content: { type: 'text', text: `Hello ${who}` } }] });
export const contents = (uri) => ({ contents: [{ uri, mimeType: 'text/plain', text: `contents of ${uri}` }] });

/** Two resources on each page. The cursors hold what a careless relay would mangle. */
export function pageOfResources(cursor) {
  const page = cursor === undefined ? 0 : PAGE_CURSORS.indexOf(cursor);
  if (page === -1) throw Object.assign(new Error('Invalid cursor'), { code: -32602 });
  const nextCursor = PAGE_CURSORS[page + 1];
  return { resources: RESOURCES.slice(page * 2, page * 2 + 2), ...(nextCursor !== undefined && { nextCursor }) };
}
const PAGE_CURSORS = [undefined, 'page 2 / ü', '{"page":3}'];

const hangs = new Map();
const hangOf = (key) => {
  const known = hangs.get(key);
  if (known !== undefined) return known;
  const made = { started: Promise.withResolvers(), cancelled: Promise.withResolvers() };
  hangs.set(key, made);
  return made;
};

const steps = new Map();

/** Tells each step, and goes on when the client has it: SDK clients drop progress that is read together with the answer. */
export async function count(key, total, tell) {
  for (let progress = 1; progress <= total; progress += 1) {
    const step = Promise.withResolvers();
    steps.set(key, step);
    await tell({ progress, total });
    await step.promise;
  }
}

/** The client has what `count` told last. */
export const goOn = (key) => steps.get(key)?.resolve();

/** Ends when the call is cancelled. */
export async function hang(key, signal) {
  const { started, cancelled } = hangOf(key);
  started.resolve('started');
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  cancelled.resolve('cancelled');
}

/** Waits until a hang of this key has come so far; says `never` after a while. */
export async function watchHang(key, state) {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, 10_000, 'never')));
  return Promise.race([hangOf(key)[state].promise, late]).finally(() => clearTimeout(timer));
}
