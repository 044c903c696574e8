import type { SilenceWindow } from '@switchyard/gateway-config';
import { isWithin } from './silence-windows.js';

const once: SilenceWindow = { from: '2026-01-31T12:00:00+01:00', until: '2026-01-31T12:00:00Z' };
const night: SilenceWindow = { start: '22:00', end: '06:00', timeZone: 'UTC' };
const fridayNight: SilenceWindow = { ...night, days: ['fri'] };
const berlin: SilenceWindow = { start: '08:00', end: '09:00', timeZone: 'Europe/Berlin' };
const always: SilenceWindow = { start: '00:00', end: '00:00', timeZone: 'UTC' };

describe('times in which nobody is told', () => {
  it.each<readonly [id: string, SilenceWindow, at: string, isSilent: boolean]>([
    ['AL40 once: before', once, '2026-01-31T10:59:59.999Z', false],
    ['AL40 once: first instant', once, '2026-01-31T11:00:00Z', true],
    ['AL40 once: end', once, '2026-01-31T12:00:00Z', false],
    ['AL41 over midnight: evening', night, '2026-01-30T22:00:00Z', true],
    ['AL41 over midnight: morning', night, '2026-01-31T05:59:59Z', true],
    ['AL41 over midnight: end', night, '2026-01-31T06:00:00Z', false],
    ['AL42 that begins on Fridays: Friday evening', fridayNight, '2026-01-30T23:00:00Z', true],
    ['AL42 that begins on Fridays: Saturday morning', fridayNight, '2026-01-31T05:00:00Z', true],
    ['AL42 that begins on Fridays: Friday morning', fridayNight, '2026-01-30T05:00:00Z', false],
    ['AL42 that begins on Fridays: Saturday evening', fridayNight, '2026-01-31T23:00:00Z', false],
    ['AL43 of another zone: winter', berlin, '2026-01-31T07:30:00Z', true],
    ['AL43 of another zone: summer', berlin, '2026-07-31T06:30:00Z', true],
    ['AL43 of another zone: summer, an hour later', berlin, '2026-07-31T07:30:00Z', false],
    ['AL44 all day', always, '2026-01-31T07:30:00Z', true],
    ['AL45 midnight in a zone', { ...berlin, start: '00:00', end: '01:00' }, '2026-01-30T23:30:00Z', true],
  ])('%s at %s', (_id, window, at, isSilent) => {
    expect(isWithin([window], Date.parse(at))).toBe(isSilent);
  });
});
