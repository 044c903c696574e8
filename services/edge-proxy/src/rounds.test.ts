import { Rounds, type Visited } from './rounds.js';

const TURNS = 5;
const ROUND_MS = 500;

function visitedOne(): Visited & { visits: number } {
  return {
    place: 0,
    turn: 0,
    visits: 0,
    visit() {
      this.visits += 1;
    },
  };
}

describe('rounds', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('visits each once in a round, whenever it joined', () => {
    const rounds = new Rounds(ROUND_MS, TURNS);
    const all = Array.from({ length: 12 }, visitedOne);
    for (const one of all) {
      rounds.join(one);
      jest.advanceTimersByTime(ROUND_MS / TURNS / 2);
    }
    const before = all.map(({ visits }) => visits);
    jest.advanceTimersByTime(3 * ROUND_MS);
    expect(all.map(({ visits }, index) => visits - before[index]!)).toEqual(all.map(() => 3));
  });

  it('visits nobody at once', () => {
    const rounds = new Rounds(ROUND_MS, TURNS);
    const [first, late] = [visitedOne(), visitedOne()];
    rounds.join(first);
    jest.advanceTimersByTime(ROUND_MS * 1.3);
    rounds.join(late);
    jest.advanceTimersByTime(ROUND_MS - ROUND_MS / TURNS - 1);
    expect([first.visits, late.visits]).toEqual([2, 0]);
  });

  it('does not visit what has left, and goes on for the rest', () => {
    const rounds = new Rounds(ROUND_MS, TURNS);
    const [gone, stays] = [visitedOne(), visitedOne()];
    rounds.join(gone);
    rounds.join(stays);
    rounds.leave(gone);
    jest.advanceTimersByTime(ROUND_MS);
    expect([gone.visits, stays.visits]).toEqual([0, 1]);
  });

  it('holds no timer while nobody is there', () => {
    const rounds = new Rounds(ROUND_MS, TURNS);
    const one = visitedOne();
    rounds.join(one);
    expect(jest.getTimerCount()).toBe(1);
    rounds.leave(one);
    expect(jest.getTimerCount()).toBe(0);
    rounds.join(one);
    jest.advanceTimersByTime(ROUND_MS);
    expect(one.visits).toBe(1);
  });

  it('lets one leave in the middle of its own turn', () => {
    const rounds = new Rounds(ROUND_MS, TURNS);
    const leaving: Visited = { place: 0, turn: 0, visit: () => rounds.leave(leaving) };
    const other = visitedOne();
    rounds.join(leaving);
    rounds.join(other);
    jest.advanceTimersByTime(2 * ROUND_MS);
    expect(other.visits).toBe(2);
  });
});
