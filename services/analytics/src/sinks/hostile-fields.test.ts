import { EventSchema, type EventJson, type EventView } from '@switchyard/contracts';
import { EVENT_FIELDS } from '../api/events-sql.js';
import { EXPORT_FORMATS } from '../api/export/export-format.js';
import { MAPPINGS } from './mappings.js';
import { cefProblems, parseCef } from './mappings/cef-format.fixture.js';
import { SAMPLES } from './mappings/sample-events.fixture.js';
import { toldEvent } from './mappings/told-event.js';
import { syslogMessage } from './syslog/syslog-message.js';

/** By what each is after. */
const HOSTILE: Readonly<Record<string, string>> = {
  'line feeds': 'a\nb\r\nc\rd',
  'other line ends': 'a\u2028b\u2029c\u0085d\vd\fe',
  ansi: '\u001b[2J\u001b]0;title\u0007\u009b1A',
  nul: 'a\0b',
  'right to left': 'a\u202egpj.exe\u2066\u200f',
  'lone surrogates': '\ud800a\udfff',
  formula: "=cmd|' /C calc'!A0",
  'formula behind blanks': '  +1',
  'formula in full width': '\uff1d1+1',
  'formula that begins with an at': '@SUM(A1)',
  'formula that begins with a minus': '-1+1',
  'csv quotes': 'a","b\r\n"c',
  'cef head': 'a|b\\|c\\',
  'cef extension': 'src=1.2.3.4 act=allowed\\=',
  'syslog element': 'a"]b[origin x="y"]\\',
  'syslog frame': '12 <13>1 - - - - - -',
  'json end': '"}\n{"event_id":"forged',
  html: '<script>alert(1)</script>&amp;',
  'names of properties': '__proto__',
};

/** Fields that hold text that came from outside, or may: whatever the catalogue says, a stranger's event is told too. */
const FIELDS = EventSchema.fields.flatMap((field) => {
  if (field.fieldKind === 'map') return field.jsonName === 'detail' ? [field.jsonName] : [];
  if (field.fieldKind === 'list') return [field.jsonName];
  return field.fieldKind === 'scalar' && field.scalar === 9 ? [field.jsonName] : [];
});

const holding = (field: string, text: string): EventJson => {
  const value =
    field === 'detail'
      ? { [text]: text }
      : EventSchema.fields.find((one) => one.jsonName === field)?.fieldKind === 'list'
        ? [text, text]
        : text;
  return { ...SAMPLES['M1 call, ok'], [field]: value };
};

const moves = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** Fields of one record, as RFC 4180 reads it. */
function cellsOf(line: string): string[] {
  const cells = line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g);
  return [...cells].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '');
}

/** What is wrong with what a format makes of an event: empty where nothing is. */
const FORMATS: Readonly<Record<string, (event: EventJson) => readonly string[]>> = {
  csv: (event) => {
    const record = EXPORT_FORMATS.csv.line(event as EventView);
    const line = record.slice(0, -2);
    const cells = cellsOf(line);
    return [
      ...(record.endsWith('\r\n') && !moves.test(line) ? [] : ['more than one line']),
      ...(cells.length === EVENT_FIELDS.length ? [] : [`${cells.length} columns`]),
      ...cells.filter((cell) => /^\s*[=+@\uff1d]/u.test(cell)).map((cell) => `a formula: ${cell}`),
    ];
  },
  ndjson: (event) => {
    const line = EXPORT_FORMATS.ndjson.line(event as EventView);
    const isSame = JSON.stringify(JSON.parse(line)) === JSON.stringify(event);
    return [...(moves.test(line.slice(0, -1)) ? ['more than one line'] : []), ...(isSame ? [] : ['another value'])];
  },
  ...Object.fromEntries(
    (['raw', 'ocsf', 'ecs', 'cef'] as const).map((name) => [
      name,
      (event: EventJson) => {
        const line = MAPPINGS[name].map(toldEvent(event), JSON.stringify(event));
        const problems = name === 'cef' ? cefProblems(line) : [];
        if (name === 'cef') parseCef(line);
        else JSON.parse(line);
        return [
          ...([...line].some((one) => one < ' ') ? ['more than one line'] : []),
          ...(line.isWellFormed() ? [] : ['no UTF-8']),
          ...problems,
        ];
      },
    ]),
  ),
  syslog: (event) => {
    const told = toldEvent(event);
    const text = syslogMessage(
      { event: told, text: MAPPINGS.ocsf.map(told, JSON.stringify(event)) },
      { enterpriseId: '51000' },
      true,
    );
    const isFramed =
      /^<\d{1,3}>1 \S+ [!-~]{1,255} [!-~]{1,48} [!-~]{1,128} [!-~]{1,32} (?:\[[!#-<>-\\^-~]{1,32}(?: [!#-<>-\\^-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*\])+ \{[^\n]*\}$/.test(
        text,
      );
    return [...(isFramed ? [] : ['no message of RFC 5424']), ...(/\p{Cc}/u.test(text) ? ['a control character'] : [])];
  },
};

describe('D5 hostile text breaks no line, no column and no sink, in whichever field it is', () => {
  it('knows every field that can hold text', () => {
    expect(FIELDS).toEqual(
      expect.arrayContaining(['principal_name', 'capability', 'teams', 'detail', 'client_version', 'on_behalf_of', 'reason']),
    );
    expect(FIELDS.length).toBeGreaterThan(35);
  });

  it.each(Object.keys(FORMATS).flatMap((format) => Object.keys(HOSTILE).map((what) => [format, what] as const)))(
    '%s: %s',
    (format, what) => {
      const wrong = FIELDS.flatMap((field) => {
        const problems = FORMATS[format]?.(holding(field, HOSTILE[what] ?? '')) ?? ['no such format'];
        return problems.map((problem) => `${field}: ${problem}`);
      });
      expect(wrong).toEqual([]);
    },
  );
});
