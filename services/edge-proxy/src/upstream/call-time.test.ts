import { CallTime } from './call-time.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

function started(limitMs?: number, isExcused?: () => boolean): { time: CallTime; over: string[] } {
  const over: string[] = [];
  const time = new CallTime(100, (what) => void over.push(what), isExcused);
  time.bound(limitMs);
  return { time, over };
}

const pass = (ms: number) => jest.advanceTimersByTime(ms);

describe('the time that an upstream has for a call', () => {
  it.each<readonly [id: string, limitMs: number | undefined, act: (time: CallTime) => void, expected: string[]]>([
    ['CT-1 ends with its silence', undefined, () => pass(100), ['silent']],
    ['CT-2 goes on with every word', undefined, (time) => [1, 2, 3].forEach(() => (pass(90), time.heard())), []],
    ['CT-3 ends in all, whatever it says', 250, (time) => [1, 2, 3].forEach(() => (pass(90), time.heard())), ['over']],
    ['CT-4 ends once', 90, () => pass(1_000), ['over']],
    ['CT-5 is over when it is stopped', 150, (time) => (time.stop(), pass(1_000)), []],
    ['CT-6 stands still while somebody is asked', 150, (time) => (time.asking(), pass(60_000)), []],
    ['CT-7 begins its silence anew with the answer', 150, (time) => (pass(90), ask(time, 60_000), pass(59)), []],
    ['CT-8 has what was left of all of it', 150, (time) => (pass(90), ask(time, 60_000), pass(60)), ['over']],
    ['CT-9 counts the last of several answers', 150, severalAsked, []],
    ['CT-10 is not endless, however often it asks', undefined, (time) => askOften(time, 40), ['over']],
    ['CT-11 is not silent while nobody listens', undefined, (time) => (time.deaf(), pass(1_000)), []],
    ['CT-12 is silent again when somebody does', undefined, (time) => (time.deaf(), time.heard(), pass(100)), ['silent']],
    ['CT-13 takes an answer that comes when it is over', 50, (time) => lateAnswer(time), ['over']],
  ])('%s', (_id, limitMs, act, expected) => {
    const { time, over } = started(limitMs);
    act(time);
    expect(over).toEqual(expected);
    time.stop();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('CT-14 is not over while silence is excused', () => {
    let isExcused = true;
    const { time, over } = started(undefined, () => isExcused);
    pass(1_050);
    expect(over).toEqual([]);
    isExcused = false;
    pass(50);
    expect(over).toEqual(['silent']);
    time.stop();
  });
});

function ask(time: CallTime, ms: number): void {
  const answered = time.asking();
  pass(ms);
  answered();
}

function severalAsked(time: CallTime): void {
  const [one, two] = [time.asking(), time.asking()];
  pass(1_000);
  one();
  one();
  pass(1_000);
  two();
  pass(99);
}

function askOften(time: CallTime, minutes: number): void {
  for (let minute = 0; minute < minutes; minute += 1) ask(time, 60_000);
}

function lateAnswer(time: CallTime): void {
  const answered = time.asking();
  pass(31 * 60_000);
  answered();
}
