import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitationCompleteNotificationSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { eventually } from '@switchyard/testing';
import { type ConnectingEdge, type Person, startConnectingEdge } from './connecting.fixture.js';
import { textOf } from './sdk-client.fixture.js';

let place: ConnectingEdge;

beforeAll(async () => {
  place = await startConnectingEdge();
});
afterAll(() => place[Symbol.asyncDispose]());

/** Calls a tool as an SDK's client whose user is sent to URLs; each is told of. @returns the text of the result */
type CallWithSdk = (person: Person, slug: string, sendTo: (url: string) => void) => Promise<string>;

const capabilities = { elicitation: { url: {} } };
const at = (slug: string) => new URL(`/mcp/${slug}`, place.edge.url);
const as = ({ key }: Person) => ({ requestInit: { headers: { authorization: `Bearer ${key}` } } });

const withV1: CallWithSdk = async (person, slug, sendTo) => {
  const client = new Client({ name: 'v1', version: '1' }, { capabilities });
  const asked: string[] = [];
  const completed: string[] = [];
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    if (params.mode !== 'url') throw new Error('a form was asked for');
    asked.push(params.elicitationId);
    sendTo(params.url);
    return { action: 'accept' };
  });
  client.setNotificationHandler(ElicitationCompleteNotificationSchema, ({ params }) => void completed.push(params.elicitationId));
  await client.connect(new StreamableHTTPClientTransport(at(slug), as(person)));
  const text = textOf(await client.callTool({ name: 'act' }));
  await eventually(() => completed.length > 0);
  expect(completed).toEqual(asked);
  await client.close();
  return text;
};

const withV2: CallWithSdk = async (person, slug, sendTo) => {
  const client = new ModernClient({ name: 'v2', version: '2' }, { capabilities, versionNegotiation: { mode: 'auto' } });
  client.setRequestHandler('elicitation/create', ({ params }) => {
    if (params.mode !== 'url') throw new Error('a form was asked for');
    sendTo(params.url);
    return { action: 'accept' };
  });
  await client.connect(new ModernTransport(at(slug), as(person)));
  const text = textOf(await client.callTool({ name: 'act' }));
  await client.close();
  return text;
};

describe.each([
  ['SDK v1', withV1],
  ['SDK v2', withV2],
])('an unmodified client of %s', (_sdk, call) => {
  it.each(['nova', 'oldie'])('CS-1 sends its user to connect to %s, and has its answer from the same call', async (upstream) => {
    const person = await place.person();
    const urls: string[] = [];
    const text = await call(person, upstream, (url) => {
      urls.push(url);
      // Who signs in takes longer than who agrees to.
      setTimeout(() => void place.connect(person, upstream), 300);
    });
    expect(text).toBe(place.tokenOf(person, upstream));
    expect(urls).toEqual([`${place.edge.url}/connect/${upstream}`]);
  });
});
