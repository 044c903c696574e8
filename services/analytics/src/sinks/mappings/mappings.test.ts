import { EVENT_TYPES, EventSchema, OUTCOMES, type EventJson } from '@switchyard/contracts';
import fc from 'fast-check';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { MAPPINGS } from '../mappings.js';
import { cefProblems, parseCef } from './cef-format.fixture.js';
import { ecsProblems } from './ecs-schema.fixture.js';
import { ocsfProblems } from './ocsf-schema.fixture.js';
import { HOSTILE, SAMPLES } from './sample-events.fixture.js';
import { toldEvent } from './told-event.js';

type Told = Readonly<Record<string, unknown>>;

const names = ['ocsf', 'ecs', 'cef'] as const;
const told = (name: (typeof names)[number], event: EventJson) => MAPPINGS[name].map(toldEvent(event), JSON.stringify(event));
const parsed = (name: 'ocsf' | 'ecs', event: EventJson) => JSON.parse(told(name, event)) as Told;
const at = (value: unknown, ...keys: readonly (string | number)[]) =>
  keys.reduce((one, key) => (one as Told | undefined)?.[key], value);

/** A value for every field of an event that nothing else holds. */
const FULL: EventJson = Object.fromEntries(
  EventSchema.fields.map((field) => {
    if (field.fieldKind === 'message') return [field.jsonName, new Date(1_763_740_800_000 + field.number).toISOString()];
    if (field.fieldKind === 'list') return [field.jsonName, [`the-${field.jsonName}`]];
    if (field.fieldKind === 'map')
      return [field.jsonName, { a: field.jsonName === 'detail' ? 'the-detail' : 70_000 + field.number }];
    return [field.jsonName, field.scalar === 9 ? `the-${field.jsonName}` : 70_000 + field.number];
  }),
);

describe.each(names)('mapping %s', (name) => {
  const golden = path.join(import.meta.dirname, `golden/${name}.txt`);

  it('tells the sample events as the golden file has them', () => {
    const lines = Object.entries(SAMPLES).map(([id, event]) => `# ${id}\n${told(name, event)}\n`);
    // To change it: delete it, run this, and look at what was written.
    if (!existsSync(golden)) {
      writeFileSync(golden, lines.join(''));
      throw new Error(`${golden} was missing and is written anew`);
    }
    expect(lines.join('')).toBe(readFileSync(golden, 'utf8'));
  });

  it('tells every type of the catalogue in words of its own', () => {
    const unknown = told(name, { ...SAMPLES['M1 call, ok'], type: 'no.such_type' }).replaceAll('no.such_type', '');
    for (const type of EVENT_TYPES) {
      const line = told(name, { ...SAMPLES['M1 call, ok'], type });
      expect(line).toContain(type);
      // The type itself apart: what it is in the words of the format.
      expect([type, line.replaceAll(type, '') === unknown]).toEqual([type, false]);
    }
  });

  it('leaves no field of an event out', () => {
    const text = told(name, { ...FULL, type: 'tool.called' });
    const missing = EventSchema.fields.filter(({ jsonName, fieldKind, number }) => {
      if (jsonName === 'type') return false;
      if (fieldKind === 'message')
        return !text.includes(
          jsonName === 'occurred_at' || name !== 'cef'
            ? momentOf(text, FULL[jsonName as 'occurred_at'])
            : (FULL.recorded_at ?? ''),
        );
      return !text.includes(`the-${jsonName}`) && !text.includes(String(70_000 + number));
    });
    expect(missing.map(({ jsonName }) => jsonName)).toEqual([]);
  });

  it('D5-2 makes one line of anything that an event can hold, and never throws', () => {
    const event = fc.dictionary(
      fc.oneof(fc.constantFrom(...EventSchema.fields.map(({ jsonName }) => jsonName)), fc.string()),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(event, (fields) => {
        const line = told(name, fields);
        expect(line.split('').filter((one) => one < ' ')).toEqual([]);
        expect(line.isWellFormed()).toBe(true);
        if (name === 'cef') parseCef(line);
        else JSON.parse(line);
      }),
      { numRuns: 300 },
    );
  });
});

/** Milliseconds or text, as the mapping tells times. */
const momentOf = (text: string, time = '') => (text.includes(time) ? time : String(Date.parse(time)));

const ALL: readonly EventJson[] = [
  ...Object.values(SAMPLES),
  ...EVENT_TYPES.flatMap((type) => [
    ...OUTCOMES.map((outcome) => ({ ...SAMPLES['M1 call, ok'], type, outcome })),
    { type, event_id: 'a/1/1' },
  ]),
  ...EVENT_TYPES.map((type) => ({ ...FULL, type })),
];

describe('OCSF 1.8.0', () => {
  it('V-O1 every event is what its class demands and allows', () => {
    const problems = ALL.map((event) => [event.type, event.outcome, ocsfProblems(parsed('ocsf', event))] as const);
    expect(problems.filter(([, , found]) => found.length > 0)).toEqual([]);
  });

  it.each<[id: string, change: Told, problem: string]>([
    ['V-O2 an attribute that it does not have', { tool: 'x' }, 'tool: is no attribute'],
    ['V-O3 a required attribute is missing', { api: undefined }, 'api: is required'],
    ['V-O4 another type', { time: '2026' }, 'time: "2026" is no timestamp_t'],
    ['V-O5 a value that is not listed', { severity_id: 9 }, 'severity_id: 9 is not among its values'],
    ['V-O6 a caption of another value', { severity: 'High' }, 'severity: is not "Informational"'],
    [
      'V-O7 an object without what it needs',
      { actor: {} },
      'actor.: needs one of process, user, invoked_by, session, app_name, app_uid',
    ],
    ['V-O8 an attribute of a profile that is not named', { cloud: {} }, 'cloud: is of the profile cloud'],
    ['V-O9 another class', { class_uid: 1001 }, 'class_uid: 1001 is no class that is known here'],
  ])('%s is found', (_id, change, problem) => {
    const event = JSON.parse(JSON.stringify({ ...parsed('ocsf', SAMPLES['M1 call, ok'] ?? {}), ...change })) as Told;
    expect(ocsfProblems(event)).toContain(problem);
  });

  it.each<[type: string, outcome: string, classUid: number, activity: number, status: number]>([
    ['tool.called', 'ok', 6003, 99, 1],
    ['resource.read', 'error', 6003, 2, 2],
    ['policy.denied', 'denied', 6003, 99, 2],
    ['tool.intended', 'pending', 6003, 99, 99],
    ['tool.called', 'cancelled', 6003, 99, 99],
    ['tool.called', 'unknown', 6003, 99, 0],
    ['auth.signed_in', 'ok', 3002, 1, 1],
    ['auth.rejected', 'denied', 3002, 1, 2],
    ['auth.signed_out', 'ok', 3002, 2, 1],
    ['auth.person_disabled', 'ok', 3001, 5, 1],
    ['auth.key_created', 'ok', 3004, 1, 1],
    ['config.applied', 'ok', 3004, 3, 1],
    ['audit.gap_found', 'error', 6008, 1, 2],
  ])('%s, %s is %i, activity %i, status %i', (type, outcome, classUid, activity, status) => {
    const event = parsed('ocsf', { ...SAMPLES['M1 call, ok'], type, outcome });
    expect([event['class_uid'], event['activity_id'], event['status_id']]).toEqual([classUid, activity, status]);
  });

  it.each([
    ['high', 'High', 8],
    ['critical', 'Critical', 10],
    ['', 'Medium', 5],
  ])('V-S1 an event of severity "%s" is %s', (severity, caption, ofTen) => {
    const event = { ...SAMPLES['M9 not let in'], severity };
    expect(parsed('ocsf', event)).toMatchObject({ severity: caption, severity_id: ofTen === 10 ? 5 : ofTen === 8 ? 4 : 3 });
    expect(at(parsed('ecs', event), 'event', 'severity')).toBe(ofTen);
    expect(parseCef(told('cef', event)).header[6]).toBe(String(ofTen));
  });

  it('V-O10 says who, what, when, where and how it ended', () => {
    const event = parsed('ocsf', SAMPLES['M3 call, denied'] ?? {});
    expect(at(event, 'metadata', 'uid')).toBe('edge-1/1763740800000/3');
    expect(at(event, 'time')).toBe(Date.parse('2026-11-21T16:00:00.250Z'));
    expect(at(event, 'actor', 'user', 'email_addr')).toBe('ana@example.com');
    expect(at(event, 'api', 'operation')).toBe('tools/call');
    expect(at(event, 'resources', 0, 'name')).toBe('tracker__get_issue');
    expect(event).toMatchObject({ action: 'Denied', disposition: 'Blocked', status_detail: 'policy_denied', severity: 'Medium' });
  });
});

describe('Elastic Common Schema 9.4', () => {
  it('V-E1 every event compiles as the types that Elastic publishes, and is categorized as it allows', () => {
    expect(ecsProblems(ALL.map((event) => parsed('ecs', event)))).toEqual([]);
  });

  it('V-E2 what it does not have, what is of another type and what is categorized otherwise is found', () => {
    const document = parsed('ecs', SAMPLES['M1 call, ok'] ?? {});
    const event = document['event'] as Told;
    const wrong: readonly [change: object, problem: RegExp][] = [
      [{ tool: 'x' }, /'"tool"' does not exist/],
      [{ event: { ...event, colour: 1 } }, /'"colour"' does not exist/],
      [{ event: { ...event, duration: '1' } }, /'string' is not assignable to type 'number'/],
      [{ ecs: { version: '1.0.0' } }, /'"1.0.0"' is not assignable to type '"9.4.0"'/],
      [{ '@timestamp': undefined }, /'@timestamp'+ is missing/],
      [{ event: { ...event, category: ['tools'], type: [] } }, /^event\.category: tools$/],
      [{ event: { ...event, type: ['deletion', 'error'] } }, /^event\.type: error is not expected of api$/],
      [{ event: { ...event, outcome: 'ok' } }, /^event\.outcome: ok$/],
    ];
    const problems = ecsProblems(wrong.map(([change]) => ({ ...document, ...change })));
    expect(problems).toHaveLength(wrong.length);
    for (const [, problem] of wrong) expect(problems).toContainEqual(expect.stringMatching(problem));
  });

  it('V-E3 begins with its time, as data streams need', () => {
    for (const event of ALL) expect(told('ecs', event)).toMatch(/^\{"@timestamp":"/);
  });
});

describe('ArcSight CEF', () => {
  it('V-C1 every event keeps to the keys, types and lengths of the dictionary', () => {
    const problems = ALL.map((event) => [event.type, cefProblems(told('cef', event))] as const);
    expect(problems.filter(([, found]) => found.length > 0)).toEqual([]);
  });

  it('V-C2 what is no key, too long or of another type is found', () => {
    const line = told('cef', SAMPLES['M1 call, ok'] ?? {});
    expect(cefProblems(`${line} colour=red`)).toEqual(['colour is no key']);
    expect(cefProblems(line.replace('act=allowed', `act=${'x'.repeat(64)}`))).toHaveLength(1);
    expect(cefProblems(line.replace('in=312', 'in=many'))).toEqual(['in=many is no number of at most 10']);
    expect(cefProblems(line.replace('|1|rt=', '|11|rt='))).toEqual(['severity']);
    expect(cefProblems(line.replace('act=', '\u001bact='))).toContain('control character');
  });

  it('D5-3 hostile text is a value and nothing else', () => {
    const { header, extension } = parseCef(
      told('cef', { ...SAMPLES['M14 hostile text everywhere'], type: `tool|x\\y=z\n${HOSTILE}` }),
    );
    expect(header[1]).toBe('Switchyard');
    expect(header[4]).toMatch(/^tool\|x\\y=z a {2}b\|c=d\\e"f\]g\[h' \[31m/);
    const seen = HOSTILE.toWellFormed().replaceAll(/[\p{Cc}\u2028\u2029\u202e]/gu, (one) =>
      one === '\r' || one === '\n' ? one : '?',
    );
    expect(extension['suser']).toBe(seen);
    expect(extension).not.toHaveProperty('src');
    expect(
      Object.keys(extension)
        .filter((key) => key.startsWith('Switchyard'))
        .sort(),
    ).toEqual([
      ...[
        'SwitchyardArgumentsTokens',
        'SwitchyardCapabilityKind',
        'SwitchyardClientId',
        'SwitchyardClientRpcId',
        'SwitchyardClientVersion',
      ],
      ...[
        'SwitchyardDetail',
        'SwitchyardEpoch',
        'SwitchyardEra',
        'SwitchyardPrincipalKind',
        'SwitchyardResultTokens',
        'SwitchyardRevision',
      ],
      ...['SwitchyardSequence', 'SwitchyardSessionId', 'SwitchyardSnapshot', 'SwitchyardStageUs', 'SwitchyardTeams'],
      ...['SwitchyardUpstreamCapability', 'SwitchyardUpstreamRpcId', 'SwitchyardUpstreamUs'],
    ]);
  });

  it('V-C3 the id is never cut', () => {
    const event_id = `${'e'.repeat(200)}/1/1`;
    expect(parseCef(told('cef', { event_id })).extension).toMatchObject({ cs1: event_id, cs1Label: 'eventId' });
  });
});
