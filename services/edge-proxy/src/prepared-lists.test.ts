import { create } from '@bufbuild/protobuf';
import { SnapshotSchema } from '@switchyard/contracts';
import type { NameTable } from './capability-names.js';
import { compileCatalog } from './catalog.js';
import { fetchedList } from './fetched-list.js';
import { type ListParts, pageOf, prepareList, type PreparedList, PreparedLists } from './prepared-lists.js';

const newCatalog = () => compileCatalog(create(SnapshotSchema, { publicUrl: 'http://localhost', servers: [{ slug: 's' }] }));
const catalog = newCatalog();
const newTable = (): NameTable => ({ byExposed: new Map(), bySource: new Map() });
const listOf = (name: string) =>
  fetchedList('up', [{ name, text: Buffer.from(`{"name":"${name}"}`), nameRange: { start: 8, end: 11 } }]);
const TABLE = newTable();

const server = catalog.servers.get('s')!;
const parts: ListParts = { server, era: 'modern', list: 'tools', table: TABLE, audience: '10 ', pages: 0, lists: [listOf('x')] };
const empty = () => prepareList([]);

describe('a list that has been put together', () => {
  it.each<[string, Partial<ListParts>, boolean]>([
    ['PL-1 is shown again where nothing has changed', {}, true],
    ['PL-2 also where its parts have come again, and are the same', { lists: [listOf('x')] }, true],
    ['PL-3 is put together anew for other callers', { audience: '11 ' }, false],
    ['PL-4 of other parts', { lists: [listOf('y')] }, false],
    ['PL-5 of fewer', { lists: [] }, false],
    ['PL-6 of another kind', { list: 'prompts' }, false],
    ['PL-7 for the other era', { era: 'legacy' }, false],
    ['PL-8 for another server', { server: { ...server, slug: 'other' } }, false],
    ['PL-18 when a page has another owner', { pages: 1 }, false],
    ['PL-9 under other names', { table: newTable() }, false],
  ])('%s', (_id, change, isSame) => {
    const prepared = new PreparedLists();
    const first = prepared.get(catalog, parts, empty);
    expect(prepared.get(catalog, { ...parts, ...change }, empty) === first).toBe(isSame);
  });

  it('PL-10 is put together anew under a new configuration', () => {
    const prepared = new PreparedLists();
    const first = prepared.get(catalog, parts, empty);
    expect(prepared.get(newCatalog(), parts, empty)).not.toBe(first);
  });

  it('PL-11 makes room for newer ones: memory is bounded', () => {
    const prepared = new PreparedLists();
    const big = (): PreparedList => ({ ...empty(), text: Buffer.alloc(30 * 1024 * 1024) });
    const made = ['a', 'b', 'c'].map((audience) => prepared.get(catalog, { ...parts, audience }, big));
    const again = ['c', 'b', 'a'].map((audience) => prepared.get(catalog, { ...parts, audience }, empty));
    expect(again.map((one, index) => one === made[2 - index])).toEqual([true, true, false]);
  });
});

describe('a page of it', () => {
  const prepared = prepareList(['{"a":1}', '{}', '[1,2]'].map((text) => Buffer.from(text)));
  it.each([
    ['PL-12 all', 0, 3, '{"a":1},{},[1,2]'],
    ['PL-13 more than all', 0, 9, '{"a":1},{},[1,2]'],
    ['PL-14 the first', 0, 1, '{"a":1}'],
    ['PL-15 one between', 1, 2, '{}'],
    ['PL-16 the rest', 1, 3, '{},[1,2]'],
  ])('%s', (_id, from, to, text) => {
    expect(pageOf(prepared, from, to).toString()).toBe(text);
  });

  it('PL-17 of nothing is nothing', () => {
    expect([prepareList([]).count, prepareList([]).text.length]).toEqual([0, 0]);
  });
});
