import { FakeClock } from '@switchyard/testing';
import type { UpstreamLink } from './link.js';
import { ScopedLinks } from './scoped-links.js';

const IDLE_MS = 60_000;

function start(most = 2) {
  const clock = new FakeClock();
  const busy = new Set<string>();
  const made: string[] = [];
  const ended: string[] = [];
  const make = (scope: string) => {
    made.push(scope);
    return {
      scope,
      get busy() {
        return busy.has(scope);
      },
    } as unknown as UpstreamLink;
  };
  const links = new ScopedLinks({ make, clock, most, idleMs: IDLE_MS, onEnd: ({ scope }) => void ended.push(scope) });
  return { links, clock, busy, made, ended };
}

describe('links of an upstream, one for each credential', () => {
  it('SL-1 one scope has one link, and shares it with no other', () => {
    const { links, made } = start();
    expect(links.get('ana')).toBe(links.get('ana'));
    expect(links.get('bea')).not.toBe(links.get('ana'));
    expect(links.find('ana')).toBe(links.get('ana'));
    expect(links.find('cem')).toBeUndefined();
    expect(made).toEqual(['ana', 'bea']);
  });

  it('SL-2 at the limit, the one that was used longest ago makes room, if nothing stands on it', () => {
    const { links, busy, ended } = start();
    for (const scope of ['ana', 'bea', 'ana']) links.get(scope);
    expect(links.hasRoom('cem')).toBe(true);
    links.get('cem');
    expect(ended).toEqual(['bea']);
    busy.add('ana');
    links.get('dora');
    expect(ended).toEqual(['bea', 'cem']);
  });

  it('SL-3 where all are in use there is no room, but for those who have one', () => {
    const { links, busy } = start();
    for (const scope of ['ana', 'bea']) {
      links.get(scope);
      busy.add(scope);
    }
    expect(['ana', 'bea', 'cem'].map((scope) => links.hasRoom(scope))).toEqual([true, true, false]);
  });

  it('SL-4 what nobody has used for long goes, what something stands on does not', () => {
    const { links, clock, busy, ended } = start(5);
    busy.add('ana');
    for (const scope of ['ana', 'bea']) links.get(scope);
    clock.advance(IDLE_MS / 2);
    links.get('cem');
    clock.advance(IDLE_MS / 2);
    links.sweep();
    expect(ended).toEqual(['bea']);
    expect(links.all().map(({ scope }) => scope)).toEqual(['ana', 'cem']);
  });

  it('SL-5 one can be ended by hand, and is made anew', () => {
    const { links, made, ended } = start();
    const before = links.get('ana');
    links.drop('ana');
    links.drop('nobody');
    expect(ended).toEqual(['ana']);
    expect(links.get('ana')).not.toBe(before);
    expect(made).toEqual(['ana', 'ana']);
  });
});
