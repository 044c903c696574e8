import { edited, gated, requestText, resultText } from './gated.fixture.js';
import {
  createdTaskId,
  describedTaskId,
  readTask,
  relatedEdits,
  relatedTaskId,
  taskParamEdits,
  taskSupportOf,
  unrelatedEdits,
  wantsTasks,
} from './tasks.js';

const RELATED = 'io.modelcontextprotocol/related-task';

describe('tasks in messages', () => {
  it.each<readonly [id: string, tool: string, support: string]>([
    ['TS-required', '{"name":"a","execution":{"taskSupport":"required"}}', 'required'],
    ['TS-optional', '{"execution":{"taskSupport":"optional"},"name":"a"}', 'optional'],
    ['TS-forbidden', '{"name":"a","execution":{"taskSupport":"forbidden"}}', 'forbidden'],
    ['TS-absent', '{"name":"a"}', 'forbidden'],
    ['TS-odd', '{"name":"a","execution":{"taskSupport":1}}', 'forbidden'],
    ['TS-no-object', '{"name":"a","execution":[]}', 'forbidden'],
  ])('%s a tool says whether it can be called as a task', (id, tool, support) => {
    expect([id, taskSupportOf(Buffer.from(tool))]).toEqual([id, support]);
  });

  it.each<readonly [id: string, era: 'legacy' | 'modern', result: string, taskId: string | undefined]>([
    ['TC-legacy', 'legacy', '{"task":{"taskId":"t","status":"working"}}', 't'],
    ['TC-legacy-escaped', 'legacy', '{"task":{"task\\u0049d":"\\u0074"}}', 't'],
    ['TC-legacy-flat', 'legacy', '{"resultType":"task","taskId":"t"}', undefined],
    ['TC-legacy-number', 'legacy', '{"task":{"taskId":1}}', undefined],
    ['TC-modern', 'modern', '{"resultType":"task","taskId":"t"}', 't'],
    ['TC-modern-complete', 'modern', '{"resultType":"complete","taskId":"t"}', undefined],
    ['TC-modern-nested', 'modern', '{"resultType":"task","task":{"taskId":"t"}}', undefined],
  ])('%s a result that is a task', (id, era, result, taskId) => {
    const { bytes, envelope } = gated(resultText(result));
    const found = createdTaskId(bytes, envelope, era);
    expect([id, found?.text]).toEqual([id, taskId]);
    if (found) expect(JSON.parse(bytes.toString('utf8', found.range.start, found.range.end))).toBe(taskId);
  });

  it('TC-described finds the id of a described task', () => {
    const { bytes, envelope } = gated(resultText('{"status":"working","taskId":"t"}'));
    expect(describedTaskId(bytes, envelope)?.text).toBe('t');
  });

  it.each<readonly [id: string, text: string, without: string]>([
    [
      'TR-request',
      requestText('elicitation/create', `{"_meta":{"${RELATED}":{"taskId":"t"},"x":1.0},"message":"m"}`),
      requestText('elicitation/create', '{"_meta":{"x":1.0},"message":"m"}'),
    ],
    ['TR-result', resultText(`{"_meta":{"${RELATED}":{"taskId":"t"}},"a":1}`), resultText('{"_meta":{},"a":1}')],
  ])('%s says to which task a message belongs, and can be taken out', (id, text, without) => {
    const message = gated(text);
    expect([id, relatedTaskId(message.bytes, message.envelope)?.text]).toEqual([id, 't']);
    expect([id, edited(message, unrelatedEdits(message.bytes, message.envelope))]).toEqual([id, without]);
  });

  it.each<readonly [id: string, result: string, related: string]>([
    ['TA-bare', '{"action":"accept"}', `{"action":"accept","_meta":{"${RELATED}":{"taskId":"t"}}}`],
    ['TA-meta', '{"_meta":{"x":1}}', `{"_meta":{"x":1,"${RELATED}":{"taskId":"t"}}}`],
    ['TA-other', `{"_meta":{"${RELATED}":{"taskId":"u"}}}`, `{"_meta":{"${RELATED}":{"taskId":"t"}}}`],
  ])('%s an answer is put to its task', (id, result, related) => {
    const message = gated(resultText(result));
    expect([id, edited(message, relatedEdits(message.bytes, message.envelope, 't'))]).toEqual([id, resultText(related)]);
  });

  it('TP-1 a call asks for a task, or for none', () => {
    const plain = gated(requestText('tools/call', '{"name":"a"}'));
    const asking = requestText('tools/call', '{"name":"a","task":{}}');
    expect(edited(plain, taskParamEdits(plain.bytes, plain.envelope, '{}'))).toBe(asking);
    const task = gated(asking);
    expect(edited(task, taskParamEdits(task.bytes, task.envelope, undefined))).toBe(requestText('tools/call', '{"name":"a"}'));
  });

  it.each<readonly [id: string, error: string, wants: boolean]>([
    ['TW-1', '{"code":-32021,"data":{"requiredCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}}', true],
    ['TW-2', '{"code":-32021,"data":{"requiredCapabilities":{"extensions":{"io.modelcontextprotocol/ui":{}}}}}', false],
    ['TW-3', '{"code":-32021,"data":{"requiredCapabilities":{"sampling":{}}}}', false],
    ['TW-4', '{"code":-32602,"data":{"requiredCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}}', false],
    ['TW-5', '{"code":-32021}', false],
  ])('%s a refusal for want of tasks is told from others', (id, error, wants) => {
    const { bytes, envelope } = gated(`{"jsonrpc":"2.0","id":1,"error":${error}}`);
    expect([id, wantsTasks(bytes, envelope)]).toEqual([id, wants]);
  });

  it('TG-1 reads how a task stands', () => {
    const { bytes, envelope } = gated(resultText('{"status":"completed","pollIntervalMs":5,"result":{"content":[]}}'));
    const state = readTask(bytes, envelope);
    expect(state).toMatchObject({ status: 'completed', pollIntervalMs: 5, errorRange: undefined });
    expect(bytes.toString('utf8', state?.resultRange?.start, state?.resultRange?.end)).toBe('{"content":[]}');
    const none = gated(resultText('{"content":[]}'));
    expect(readTask(none.bytes, none.envelope)).toBeUndefined();
  });
});
