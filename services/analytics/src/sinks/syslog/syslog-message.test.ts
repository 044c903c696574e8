import { HOSTILE, SAMPLES } from '../mappings/sample-events.fixture.js';
import { toldEvent } from '../mappings/told-event.js';
import { syslogMessage } from './syslog-message.js';

const event = SAMPLES['M1 call, ok'] ?? {};
const message = (more: object, settings: Parameters<typeof syslogMessage>[1] = {}, text = '{}', isJson = true) =>
  syslogMessage({ event: toldEvent({ ...event, ...more }), text }, settings, isJson);

/** RFC 5424 section 6, as far as we write it. */
const MESSAGE =
  /^<(?<pri>\d{1,3})>1 (?<time>-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?<host>[!-~]{1,255}) (?<app>[!-~]{1,48}) (?<procid>[!-~]{1,128}) (?<msgid>[!-~]{1,32}) (?<sd>(?:\[[!#-<>-\\^-~]{1,32}(?: [!#-<>-\\^-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*\])+) (?<msg>[^]*)$/;

describe('syslog message (RFC 5424)', () => {
  it('SY1 has the parts of the id of the event in its header, and its type', () => {
    expect(message({})).toBe(
      '<110>1 2026-11-21T16:00:00.250Z edge-1 switchyard 1763740800000 tool.called [origin software="Switchyard"][meta sequenceId="1"] {}',
    );
  });

  it.each<[id: string, type: string, outcome: string, settings: Parameters<typeof syslogMessage>[1], priority: number]>([
    ['SY2 audit, informational', 'tool.called', 'ok', {}, 13 * 8 + 6],
    ['SY3 audit, notice', 'tool.called', 'error', {}, 13 * 8 + 5],
    ['SY4 audit, warning', 'policy.denied', 'denied', {}, 13 * 8 + 4],
    ['SY5 authpriv, warning', 'auth.rejected', 'denied', {}, 10 * 8 + 4],
    ['SY6 audit, error', 'audit.gap_found', 'error', {}, 13 * 8 + 3],
    ['SY7 audit, critical', 'vault.keys_destroyed', 'ok', {}, 13 * 8 + 2],
    ['SY8 as configured', 'auth.rejected', 'denied', { facility: 'local7' }, 23 * 8 + 4],
    ['SY9 a type of tomorrow', 'constructor', 'toString', {}, 13 * 8 + 6],
  ])('%s', (_id, type, outcome, settings, priority) => {
    expect(message({ type, outcome }, settings)).toMatch(new RegExp(`^<${priority}>1 `));
  });

  it('SY10 an organisation with a number of its own gets an element of its own', () => {
    const { sd } = MESSAGE.exec(message({ reason: 'a"b]c\\d\n' }, { enterpriseId: '51000' }))?.groups ?? {};
    expect(sd).toBe(
      String.raw`[origin software="Switchyard"][meta sequenceId="1"][switchyard@51000 eventId="edge-1/1763740800000/1" tenant="default" type="tool.called" outcome="ok" reason="a\"b\]c\\d?" principal="ana@example.com" server="work" upstream="tracker" requestId="req-1"]`,
    );
  });

  it.each<[id: string, sequence: unknown, told: string]>([
    ['SY11 the greatest', '2147483647', '[meta sequenceId="2147483647"]'],
    ['SY12 begins again behind it (section 7.3.1)', '2147483648', '[meta sequenceId="1"]'],
    ['SY13 none', undefined, ''],
    ['SY14 no number', 'x"]', ''],
    ['SY15 not positive', '-4', ''],
  ])('%s', (_id, sequence, told) => {
    expect(message({ sequence })).toContain(`[origin software="Switchyard"]${told} {}`);
  });

  it('D5-4 hostile text breaks neither the header nor an element', () => {
    const hostile = {
      emitter: HOSTILE,
      epoch: HOSTILE,
      type: HOSTILE,
      tenant: HOSTILE,
      server: HOSTILE,
      reason: HOSTILE,
      occurred_at: HOSTILE,
    };
    const text = message(hostile, { enterpriseId: '51000' });
    const { host, msgid, time, msg } = MESSAGE.exec(text)?.groups ?? {};
    expect(host).toBe('a??b|c=d\\e"f]g[h\'?[31m???????=cmd()?????CEF:0|x|y|z|1|2|3|src=1.2.3.4');
    expect([msgid?.length, time, msg]).toEqual([32, '-', '{}']);
    expect(text).not.toMatch(/\p{Cc}/u);
  });

  it('D5-5 a year of five digits has no place in a time stamp', () => {
    expect(MESSAGE.exec(message({ occurred_at: '+010000-01-01T00:00:00.000Z' }))?.groups?.['time']).toBe('-');
  });

  it('SY16 JSON is in ASCII, whatever it says; other text is marked as UTF-8 where it is not (section 6.4)', () => {
    const json = JSON.stringify({ a: 'é\u{1f600}\u007f' });
    const { msg = '' } = MESSAGE.exec(message({}, {}, json))?.groups ?? {};
    expect(msg).toMatch(/^[ -~]*$/);
    expect(JSON.parse(msg)).toEqual(JSON.parse(json));
    expect(MESSAGE.exec(message({}, {}, 'CEF:0|é', false))?.groups?.['msg']).toBe('\ufeffCEF:0|é');
    expect(MESSAGE.exec(message({}, {}, 'CEF:0|e', false))?.groups?.['msg']).toBe('CEF:0|e');
  });
});
