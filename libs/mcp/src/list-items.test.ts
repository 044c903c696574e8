import fc from 'fast-check';
import { scanMessage } from './gate.js';
import { listItems } from './list-items.js';

const page = (text: string, listKey = 'tools', nameKey = 'name') => {
  const bytes = Buffer.from(text);
  const envelope = scanMessage(bytes);
  if (!envelope.ok || envelope.resultRange === undefined) throw new Error('not a result');
  const found = listItems(bytes, envelope.resultRange, listKey, nameKey);
  return (
    found && {
      nextCursor: found.nextCursor,
      items: found.items.map(({ range, name }) => [name, bytes.toString('utf8', range.start, range.end)]),
    }
  );
};

const response = (result: unknown) => JSON.stringify({ jsonrpc: '2.0', id: 1, result });

describe('items of a list result', () => {
  it.each([
    [
      'LI-1 keeps the text of numbers',
      '{"jsonrpc":"2.0","id":1,"result":{"tools":[ {"x":1.0,"name":"a"} , {"name":"b"}]}}',
      [
        ['a', '{"x":1.0,"name":"a"}'],
        ['b', '{"name":"b"}'],
      ],
    ],
    ['LI-2 empty list', '{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}', []],
    [
      'LI-3 item without a name',
      '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":5},7,null]}}',
      [
        [undefined, '{"name":5}'],
        [undefined, '7'],
        [undefined, 'null'],
      ],
    ],
    [
      'LI-4 escaped key and value',
      '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"n\\u0061me":"\\u0061"}]}}',
      [['a', '{"n\\u0061me":"\\u0061"}']],
    ],
    [
      'LI-5 name inside a nested object is not the item’s',
      '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"y":{"name":"no"},"name":"yes"}]}}',
      [['yes', '{"y":{"name":"no"},"name":"yes"}']],
    ],
  ])('%s', (_id, text, items) => {
    expect(page(text)?.items).toEqual(items);
  });

  it('reads the cursor, also the empty one', () => {
    expect(page(response({ tools: [], nextCursor: '' }))?.nextCursor).toBe('');
    expect(page(response({ nextCursor: 'p2', tools: [] }))?.nextCursor).toBe('p2');
    expect(page(response({ tools: [] }))?.nextCursor).toBeUndefined();
  });

  it('says so where there is no such list', () => {
    expect(page(response({ tools: {} }))).toBeUndefined();
    expect(page(response([]))).toBeUndefined();
  });

  it('finds the same items as JSON.parse', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ name: fc.string(), extra: fc.jsonValue() })), (tools) => {
        const text = response({ before: 1, tools, after: [] });
        expect(page(text)?.items.map(([name, item]) => [name, JSON.parse(item ?? '')])).toEqual(
          (JSON.parse(text) as { result: { tools: { name: string }[] } }).result.tools.map((tool) => [tool.name, tool]),
        );
      }),
    );
  });
});
