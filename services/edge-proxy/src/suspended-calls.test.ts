import { scanMessage } from '@switchyard/mcp';
import { Cancellation } from './cancellation.js';
import type { Call } from './exchange.js';
import type { Target } from './stages/resolve.js';
import { RunningCall } from './suspended-calls.js';
import type { UpstreamAnswer, UpstreamMessage } from './upstream/link.js';

function messageOf(value: object): UpstreamMessage {
  const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...value }));
  const envelope = scanMessage(bytes);
  if (!envelope.ok) throw new Error(envelope.message);
  return { bytes, envelope };
}

function round(): { call: Call; cancellation: Cancellation } {
  const cancellation = new Cancellation();
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { roots: {}, elicitation: {} },
  };
  const inbound = messageOf({ id: 1, method: 'tools/call', params: { name: 't', _meta } });
  return { call: { inbound, exchange: { cancellation } } as unknown as Call, cancellation };
}

const question = (id: number, size = 0) =>
  messageOf({ id, method: 'elicitation/create', params: { message: 'x'.repeat(size), requestedSchema: {} } });
const parsed = (bytes: Buffer) => JSON.parse(bytes.toString('utf8')) as { id: number; error?: { code: number } };

describe('a call that may be suspended', () => {
  it.each([
    ['SC-1 asks at most 64 things at once', 64, 0],
    ['SC-2 asks at most 4 MiB at once', 4, 1024 * 1024 - 200],
  ])('%s; what is beyond that is refused', async (_id, most, size) => {
    const running = new RunningCall({} as Target);
    const { call } = round();
    const asked = running.next(call);
    const answers = Array.from({ length: most + 3 }, (_, id) => running.ask(question(id, size)));
    expect(await asked).toHaveLength(most);
    const refused = await Promise.all(answers.slice(most));
    expect(refused.map((bytes) => parsed(bytes).error?.code)).toEqual([-32000, -32000, -32000]);
    running.answer([{ key: 'ask-1', resultJson: '{"action":"cancel"}' }]);
    expect(parsed(await answers[0]!)).toMatchObject({ id: 0, result: { action: 'cancel' } });
    // There is room again.
    void running.ask(question(most + 3, size));
    expect(await running.next(call)).toHaveLength(most);
    running.cancellation.cancel();
    expect(parsed(await answers[1]!).error?.code).toBe(-32603);
  });

  it('SC-3 whose client leaves in the moment in which it is asked ends as cancelled, not as asked for nothing', async () => {
    const running = new RunningCall({} as Target);
    const { call, cancellation } = round();
    const cancelled: UpstreamAnswer = { kind: 'sessionGone' };
    running.follow(new Promise((resolve) => running.cancellation.onCancel(() => resolve(cancelled))));
    const step = running.next(call);
    void running.ask(question(1));
    await Promise.resolve();
    cancellation.cancel();
    expect(await step).toBe(cancelled);
  });
});
