import { scanMessage } from '@switchyard/mcp';
import { OwnTasks } from './own-tasks.js';
import type { ClientSession } from './session-store.js';
import type { UpstreamMessage } from './upstream/link.js';

const session = (): ClientSession => ({}) as ClientSession;
function message(method: string, params: object): UpstreamMessage {
  const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', method, params }));
  const envelope = scanMessage(bytes);
  if (!envelope.ok) throw new Error(envelope.message);
  return { bytes, envelope };
}
const status = (taskId: string) => message('notifications/tasks/status', { taskId, status: 'working' });
const progress = (progressToken: string) => message('notifications/progress', { progressToken, progress: 1 });
const paramsOf = (bytes: Buffer | undefined): unknown =>
  bytes && (JSON.parse(bytes.toString('utf8')) as { params: unknown }).params;

describe('what an upstream says of tasks by itself', () => {
  it.each<readonly [id: string, upstream: string, said: UpstreamMessage, told: unknown]>([
    ['OT-own', 'luna', status('raw'), { taskId: 'own', status: 'working' }],
    ['OT-of-somebody-else', 'luna', status('other'), undefined],
    ['OT-of-another-upstream', 'nova', status('raw'), undefined],
    ['OT-progress', 'luna', progress('ours'), { progressToken: 7, progress: 1 }],
    ['OT-progress-of-somebody-else', 'luna', progress('other'), undefined],
    ['OT-no-notice-of-tasks', 'luna', message('notifications/message', { taskId: 'raw' }), undefined],
  ])('%s is told under the client’s own ids, or not at all', (id, upstream, said, told) => {
    const tasks = new OwnTasks();
    const mine = session();
    tasks.remember(mine, 'luna', 'raw', { exposed: 'own', progress: { ours: '"ours"', theirs: '7' } });
    // Being asked about does not lose the token.
    tasks.remember(mine, 'luna', 'raw', { exposed: 'own' });
    expect([id, paramsOf(tasks.notice(mine, upstream, said))]).toEqual([id, told]);
    expect([id, tasks.notice(session(), upstream, said)]).toEqual([id, undefined]);
  });

  it('OT-many only so many are remembered', () => {
    const tasks = new OwnTasks();
    const mine = session();
    for (let index = 0; index < 300; index += 1) tasks.remember(mine, 'luna', `raw-${index}`, { exposed: `own-${index}` });
    expect(tasks.notice(mine, 'luna', status('raw-0'))).toBeUndefined();
    expect(paramsOf(tasks.notice(mine, 'luna', status('raw-299')))).toMatchObject({ taskId: 'own-299' });
  });
});
