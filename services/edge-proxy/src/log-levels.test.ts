import { isLogLevel, outranks } from './log-levels.js';

const message = (level: unknown) =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level, data: 'x' } }));

describe('log levels', () => {
  it.each([
    ['L-1 no level asked for', undefined, 'debug', false],
    ['L-2 less severe than asked for', 'warning', 'notice', true],
    ['L-3 as severe', 'warning', 'warning', false],
    ['L-4 more severe', 'warning', 'emergency', false],
    ['L-5 the least severe of all is asked for', 'debug', 'debug', false],
    ['L-6 only the most severe is asked for', 'emergency', 'alert', true],
    ['L-7 a level that is none goes through', 'error', 'verbose', false],
    ['L-8 no level goes through', 'error', undefined, false],
    ['L-9 a level that is no text goes through', 'error', 3, false],
  ])('%s', (_id, wanted, level, heldBack) => {
    expect(outranks(wanted, message(level))).toBe(heldBack);
  });

  it('L-10 a message without params goes through', () => {
    expect(outranks('error', Buffer.from('{"jsonrpc":"2.0","method":"notifications/message"}'))).toBe(false);
  });

  it('L-11 are the eight of RFC 5424', () => {
    const all = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];
    expect(all.map(isLogLevel)).toEqual(all.map(() => true));
    expect(['', 'warn', 'DEBUG', 'toString', 3, undefined].map(isLogLevel)).toEqual([false, false, false, false, false, false]);
  });
});
