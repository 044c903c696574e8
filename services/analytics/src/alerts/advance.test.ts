import { advance, type Telling } from './advance.js';
import type { Finding } from './finding.js';
import { nothingKnown, type RuleState } from './rule-state.js';

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1);
const TELLING: Telling = {
  forMinutes: 0,
  clearMinutes: 5,
  groupMinutes: 5,
  repeatMinutes: 240,
  sendResolved: true,
  channels: ['ops'],
};

const finding = (key: string, value = 1): Finding => ({
  key,
  about: { principal: key },
  value,
  limit: 1,
  says: `${key} is denied`,
});
const keys = (count: number, first = 0) => Array.from({ length: count }, (_, index) => `u${first + index}`);

/** What happens each minute: which keys hold, and whether it is silent. */
type Minutes = readonly { readonly at: number; readonly hold: readonly string[]; readonly silenced?: boolean }[];

/** Goes through minutes. @returns what was told and what became an event, each as `minute what count` */
function through(minutes: Minutes, telling: Partial<Telling> = {}) {
  let state: RuleState = nothingKnown('');
  const messages: string[] = [];
  const events: string[] = [];
  for (const { at, hold, silenced = false } of minutes) {
    const nowMs = START + at * MINUTE;
    state = advance(
      state,
      { findings: hold.map((key) => finding(key)), nowMs, isSilenced: silenced },
      { ...TELLING, ...telling },
    );
    messages.push(...state.messages.map(({ what, count }) => `${at} ${what} ${count}`));
    events.push(...state.changes.map(({ type, count, isSilenced }) => `${at} ${type} ${count}${isSilenced ? ' silenced' : ''}`));
    state = { ...state, messages: [], changes: [] };
  }
  return { state, messages, events };
}

const each = (from: number, to: number, hold: readonly string[], silenced = false) =>
  Array.from({ length: to - from + 1 }, (_, index) => ({ at: from + index, hold, silenced }));

describe('what becomes of an alert', () => {
  it.each<readonly [id: string, Minutes, Partial<Telling>, messages: string[], events: string[]]>([
    ['AL20 fires at once and once', each(0, 3, ['a']), {}, ['0 fired 1'], ['0 alert.fired 1']],
    ['AL21 waits until it has held for long enough', each(0, 3, ['a']), { forMinutes: 2 }, ['2 fired 1'], ['2 alert.fired 1']],
    ['AL22 says nothing of what held for less', [...each(0, 1, ['a']), ...each(2, 9, [])], { forMinutes: 2 }, [], []],
    [
      'AL23 is over when it has not held for a while, and that is told',
      [...each(0, 1, ['a']), ...each(2, 9, [])],
      {},
      ['0 fired 1', '6 resolved 1'],
      ['0 alert.fired 1', '6 alert.resolved 1'],
    ],
    [
      'AL24 does not end and begin with every gap',
      [...each(0, 1, ['a']), ...each(2, 4, []), ...each(5, 6, ['a'])],
      {},
      ['0 fired 1'],
      ['0 alert.fired 1'],
    ],
    ['AL25 a storm is one message with a count', each(0, 2, keys(80)), {}, ['0 fired 80'], ['0 alert.fired 80']],
    [
      'AL26 what begins soon after a message is told together, later',
      [{ at: 0, hold: keys(1) }, { at: 1, hold: keys(2) }, { at: 2, hold: keys(3) }, ...each(3, 7, keys(3))],
      {},
      ['0 fired 1', '5 fired 2'],
      ['0 alert.fired 1', '1 alert.fired 1', '2 alert.fired 1'],
    ],
    [
      'AL27 is told again after a while, with all that holds',
      [{ at: 0, hold: ['a'] }, { at: 5, hold: ['a', 'b'] }, ...each(6, 16, ['a', 'b'])],
      { repeatMinutes: 10 },
      ['0 fired 1', '5 fired 1', '10 firing 2'],
      ['0 alert.fired 1', '5 alert.fired 1'],
    ],
    [
      'AL28 is told to nobody while it is silent, and afterwards where it still holds',
      [...each(0, 4, ['a'], true), ...each(5, 6, ['a'])],
      {},
      ['5 fired 1'],
      ['0 alert.fired 1 silenced'],
    ],
    [
      'AL29 what ended while it was silent, and was never told of, is not told',
      [...each(0, 1, ['a'], true), ...each(2, 9, [], true), ...each(10, 12, [])],
      {},
      [],
      ['0 alert.fired 1 silenced', '6 alert.resolved 1 silenced'],
    ],
    [
      'AL30 the end of what was told of is told after the silence',
      [{ at: 0, hold: ['a'] }, ...each(1, 9, [], true), ...each(10, 11, [])],
      {},
      ['0 fired 1', '10 resolved 1'],
      ['0 alert.fired 1', '5 alert.resolved 1 silenced'],
    ],
    [
      'AL31 says nothing of ends where it is told so',
      [{ at: 0, hold: ['a'] }, ...each(1, 9, [])],
      { sendResolved: false },
      ['0 fired 1'],
      ['0 alert.fired 1', '5 alert.resolved 1'],
    ],
    ['AL32 is an event where there is no channel', each(0, 1, ['a']), { channels: [] }, [], ['0 alert.fired 1']],
  ])('%s', (_id, minutes, telling, messages, events) => {
    const found = through(minutes, telling);
    expect({ messages: found.messages, events: found.events }).toEqual({ messages, events });
  });

  it('AL33 names ten, counts the rest, and stays small', () => {
    const nowMs = START;
    const name = '\u001b✓'.repeat(500);
    const findings = keys(150).map((key) => ({ ...finding(key + name), says: name, about: { tool: name, server: name } }));
    const state = advance(nothingKnown(''), { findings, nowMs, isSilenced: false }, TELLING);
    expect(state.messages[0]?.items).toHaveLength(10);
    expect(state.messages[0]?.count).toBe(100);
    expect(state.changes[0]?.says).toHaveLength(10);
    expect(Buffer.byteLength(JSON.stringify(state))).toBeLessThan(150_000);
  });

  it('AL34 keeps since when something holds, and what was measured last', () => {
    const first = advance(nothingKnown(''), { findings: [finding('a', 5)], nowMs: START, isSilenced: false }, TELLING);
    const second = advance(first, { findings: [finding('a', 9)], nowMs: START + MINUTE, isSilenced: false }, TELLING);
    expect(second.instances).toMatchObject([
      { says: 'a is denied', value: 9, sinceMs: START, firedAtMs: START, toldAtMs: START },
    ]);
  });
});
