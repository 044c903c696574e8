import { chainMember, firstLink, writeLink } from './chain.js';
import { ChainCheck } from './chain-check.js';
import { chainRunOf } from './chain-run.js';
import { renderEvent } from './render-event.js';

const epoch = 1767225600000;

/** Linked lines of an emitter, from its first one on. */
function linked(count: number, emitter = 'edge/1', capability = 'tool'): Buffer[] {
  let link = firstLink(emitter, epoch);
  return Array.from({ length: count }, (_, index) => {
    const identity = { tenant: 'default', emitter, epoch, sequence: index + 1, recordedAtMs: epoch + index };
    const line = Buffer.from(
      renderEvent({ type: 'tool.called', outcome: 'ok', capability: `${capability} ${index}` }, identity).slice(0, -1) +
        chainMember,
    );
    link = writeLink(line, 0, line.length, link);
    return line;
  });
}

const join = (lines: readonly Buffer[]) => Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));

describe('a run of lines', () => {
  it('is what checking each line would find, however lines are put into messages', () => {
    const lines = linked(20);
    const each = new ChainCheck();
    for (const line of lines) expect(each.next(line)).toBeUndefined();
    for (const size of [1, 3, 20]) {
      const runs = new ChainCheck();
      for (let at = 0; at < lines.length; at += size) {
        const data = join(lines.slice(at, at + size));
        const before = Buffer.from(data);
        const run = chainRunOf(data);
        expect(run).toMatchObject({ tenant: 'default', chain: `edge/1/${epoch}`, first: at + 1, last: Math.min(at + size, 20) });
        expect(data.equals(before)).toBe(true);
        expect(runs.nextRun(run!)).toBeUndefined();
      }
      expect(runs.heads).toEqual(each.heads);
      expect(runs.latest).toEqual(each.latest);
    }
  });

  it('that does not follow what was before it is found by its first line', () => {
    const lines = linked(10);
    const check = new ChainCheck();
    expect(check.nextRun(chainRunOf(join(lines.slice(0, 3)))!)).toBeUndefined();
    expect(check.nextRun(chainRunOf(join(lines.slice(4, 6)))!)).toMatchObject({
      kind: 'missing',
      missing: { first: 4, last: 4 },
    });
    expect(check.nextRun(chainRunOf(join(linked(6, undefined, 'other').slice(3)))!)).toMatchObject({ kind: 'altered' });
    expect(check.heads.get(`edge/1/${epoch}`)?.sequence).toBe(3);
  });

  const changed = (at: number, change: (line: Buffer) => Buffer) =>
    linked(5).map((line, index) => (index === at ? change(line) : line));
  const replaced = (from: string, to: string) => (line: Buffer) => Buffer.from(line.toString().replace(from, to));

  it.each([
    ['altered', changed(2, replaced('tool 2', 'evil 2'))],
    ['removed', linked(5).filter((_, index) => index !== 2)],
    ['twice', linked(5).flatMap((line, index) => (index === 2 ? [line, line] : [line]))],
    ['reordered', [0, 2, 1, 3].map((index) => linked(5)[index]!)],
    ['of another emitter', changed(2, replaced('"emitter":"edge/1"', '"emitter":"edge-2"'))],
    ['of another id', changed(2, replaced(`/${epoch}/3"`, `/${epoch}/4"`))],
    ['of another tenant', changed(2, replaced('"tenant":"default"', '"tenant":"other"'))],
    ['without a link', changed(2, (line) => Buffer.from(line.toString().replace(/,"chain":"[^"]+"/, '')))],
    ['that is no event', changed(2, () => Buffer.from('rubbish'))],
    ['that is empty', changed(2, () => Buffer.alloc(0))],
    ['in a name with escapes', linked(3, 'edge"1')],
  ])('with a line %s is left to be checked line by line', (_id, lines) => {
    expect(chainRunOf(join(lines))).toBeUndefined();
  });

  it('takes lines of any length', () => {
    expect(chainRunOf(join(linked(3, 'e', 'x'.repeat(200_000))))).toMatchObject({ first: 1, last: 3 });
  });
});
