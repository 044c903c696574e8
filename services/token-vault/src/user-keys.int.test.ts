import { API_KEY_ISSUER } from '@switchyard/api-keys';
import { BUCKETS, connectionChangeKey, DEFAULT_TENANT } from '@switchyard/contracts';
import { ANA, BEN, type Person } from './front.fixture.js';
import { proofOf, shown, startPersonal, UPSTREAM, type Outcome, type PersonalRig } from './personal.fixture.js';

const SETTINGS = { url: 'https://tracker.example/mcp', name: 'X-Api-Key', format: 'Token {key}', label: 'Personal token' };
const PAGE = `/connect/${UPSTREAM}`;

const reasonOf = (outcome: Outcome) => ('reason' in outcome ? outcome.reason : 'leased');
const versionOf = (outcome: Outcome) => ('version' in outcome ? outcome.version : '');

describe('people enter keys of their own', () => {
  let p: PersonalRig;
  const configure = (settings: Record<string, string> = SETTINGS, kind = 'user-key') =>
    p.rig.apply([{ upstream: UPSTREAM, kind, settings }]);
  beforeEach(async () => {
    p = await startPersonal();
    await configure({ ...SETTINGS, help_url: 'https://tracker.example/settings/tokens' });
  });
  afterEach(() => p[Symbol.asyncDispose]());

  const enter = async (key: string, { label = 'default', browser = p.browser(), page = PAGE } = {}) =>
    shown(await browser.submit(shown(await browser.open(page)), { label, key, do: 'connect' }));
  const as = async <T>(person: Person, work: () => Promise<T>) => {
    p.front.who = person;
    return work();
  };
  const press = async (label: string, what: string, browser = p.browser()) =>
    shown(await browser.submit(shown(await browser.open(PAGE)), { label, do: what }));
  const shownTo = async (person: Person) => {
    const outcome = await p.lease(person);
    return 'headers' in outcome ? outcome.headers : outcome.reason;
  };
  const changes = async (count: number) =>
    (await p.rig.events('connection.changed', count)).flatMap(({ detail, upstream }) =>
      upstream === UPSTREAM ? [detail?.['change']] : [],
    );

  it('says where, asks for it as the configuration says, and shows the upstream each person’s own', async () => {
    expect(await p.lease(ANA)).toMatchObject({ reason: 'connection_required', connectUrl: `${p.front.publicUrl}${PAGE}` });
    const form = shown(await p.browser().open(PAGE));
    for (const text of ['Connect tracker', 'Personal token', 'tracker.example', ANA.email, 'type="password"'])
      expect(form.text).toContain(text);
    expect(form.text).toMatch(/href="https:\/\/tracker\.example\/settings\/tokens" target="_blank" rel="noopener noreferrer"/);
    const done = await as(ANA, () => enter('  key-of-ana\n'));
    expect([done.status, done.url]).toEqual([200, `${p.front.publicUrl}${PAGE}?connected=default`]);
    expect(done.text).toContain('tracker is connected');
    await as(BEN, () => enter('key-of-ben'));
    expect(await shownTo(ANA)).toEqual({ 'X-Api-Key': 'Token key-of-ana' });
    expect(await shownTo(BEN)).toEqual({ 'X-Api-Key': 'Token key-of-ben' });
    expect(p.upstream.registrations).toBe(0);
  });

  it('V4 shows it on no page again, and leaves it in no record, event or message', async () => {
    const key = 'canary-of-ana-0123456789';
    const browser = p.browser();
    const pages = [await enter(key, { browser })];
    for (const path of [PAGE, `${PAGE}?replace=default`, '/connect']) pages.push(shown(await browser.open(path)));
    pages.push(await enter(`${key} ${key}`.replace(' ', '\n'), { browser, page: `${PAGE}?replace=default` }));
    expect(pages.map(({ status }) => status)).toEqual([200, 200, 200, 200, 400]);
    const { state } = p.rig.platform;
    const records: string[] = [];
    for (const bucket of [BUCKETS.connections, BUCKETS.connecting, BUCKETS.connectionChanges]) {
      const kv = await state.bucket(bucket, DEFAULT_TENANT);
      for (const name of await kv.keys()) records.push(name, Buffer.from((await kv.get(name))!.value).toString('latin1'));
    }
    await p.lease(ANA);
    const events = JSON.stringify([
      ...(await p.rig.events('connection.changed', 2)),
      ...(await p.rig.events('connection.leased', 1)),
    ]);
    expect(records.length).toBeGreaterThan(4);
    for (const text of [...pages.map((page) => page.text), ...records, events]) expect(text).not.toContain(key);
  });

  const misread: readonly [id: string, key: string, sentence: string][] = [
    ['nothing', ' ', 'Nothing was entered'],
    ['two lines', 'wrong-a\nwrong-b', 'holds characters that no key has'],
    ['a letter that is none of ASCII', 'wrong-é', 'holds characters that no key has'],
    ['the scheme with it', 'token wrong-a', 'without “Token”'],
    ['too much', 'w'.repeat(4_097), 'longer than 4096'],
  ];
  it.each(misread)('%s: is refused on the form, and stored nowhere', async (_id, key, sentence) => {
    const page = await enter(key);
    expect([page.status, page.url]).toEqual([400, `${p.front.publicUrl}${PAGE}`]);
    expect(page.text).toContain(sentence);
    expect(page.text).not.toContain('wrong-');
    expect(await p.lease(ANA)).toMatchObject({ reason: 'connection_required' });
  });

  it('ends once where the upstream refuses it, however many calls it refused, until its owner enters one', async () => {
    await enter('key-1');
    const first = await p.lease(ANA);
    const rejectedVersion = versionOf(first);
    const refused = await Promise.all(Array.from({ length: 10 }, () => p.lease(ANA, { rejectedVersion })));
    expect(new Set(refused.map(reasonOf))).toEqual(new Set(['connection_required']));
    expect(refused[0]).toMatchObject({ message: expect.stringMatching(/tracker does not accept the key|has ended/) as unknown });
    expect(reasonOf(await p.lease(ANA))).toBe('connection_required');
    const events = await p.rig.events('connection.changed', 4);
    expect(events.filter(({ reason }) => reason === 'key_refused')).toHaveLength(1);
    const kv = await p.rig.platform.state.bucket(BUCKETS.connectionChanges, DEFAULT_TENANT);
    const told = await kv.get(connectionChangeKey(UPSTREAM, { issuer: p.front.publicUrl, subject: ANA.subject }));
    expect(JSON.parse(Buffer.from(told?.value ?? []).toString())).toMatchObject({ state: 'reauth_required' });
    expect(shown(await p.browser().open(PAGE)).text).toContain('has ended: connect it again');
    // The same again: it may have been given rights meanwhile. Whoever hears late of the first refusal does not end it.
    await enter('key-1');
    expect(reasonOf(await p.lease(ANA, { rejectedVersion }))).toBe('leased');
    expect(versionOf(await p.lease(ANA))).not.toBe(rejectedVersion);
  });

  it('keeps several, of which one is used; one is replaced, chosen and ended', async () => {
    const browser = p.browser();
    await enter('key-1', { browser });
    await enter('key-2', { browser, label: 'work' });
    expect(await shownTo(ANA)).toEqual({ 'X-Api-Key': 'Token key-1' });
    await press('work', 'choose', browser);
    expect(await shownTo(ANA)).toEqual({ 'X-Api-Key': 'Token key-2' });
    const page = shown(await browser.open(`${PAGE}?replace=work`));
    expect(page.text).toContain('Replace the key of “work”');
    await enter('key-3', { browser, label: 'work', page: `${PAGE}?replace=work` });
    expect(await shownTo(ANA)).toEqual({ 'X-Api-Key': 'Token key-3' });
    await press('work', 'disconnect', browser);
    expect(await shownTo(ANA)).toEqual({ 'X-Api-Key': 'Token key-1' });
    await press('default', 'disconnect', browser);
    expect(await shownTo(ANA)).toBe('connection_required');
    expect(await changes(7)).toEqual(expect.arrayContaining(['connected', 'default_changed', 'disconnected']));
    // There is nobody to be told.
    const connecting = await p.rig.platform.state.bucket(BUCKETS.connecting, DEFAULT_TENANT);
    expect(await connecting.keys('revoke ')).toEqual([]);
  });

  it('A8 takes a key from no form but its own, and only for whoever is signed in', async () => {
    const browser = p.browser();
    const page = shown(await browser.open(PAGE));
    const csrf = /name="csrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
    const post = async (fields: Record<string, string>, headers: Record<string, string>, at = browser) =>
      shown(await at.open(PAGE, { method: 'POST', body: new URLSearchParams(fields), headers })).status;
    const good = { csrf, label: 'default', key: 'key-of-an-attacker', do: 'connect' };
    expect(await post({ ...good, csrf: 'x' }, { origin: p.front.publicUrl })).toBe(403);
    expect(await post(good, { origin: 'https://evil.example' })).toBe(403);
    expect(await post(good, { 'sec-fetch-site': 'cross-site' })).toBe(403);
    // A7: the form of one session in another.
    const other = p.browser();
    await as(BEN, async () => void shown(await other.open(PAGE)));
    expect(await post(good, { origin: p.front.publicUrl }, other)).toBe(403);
    expect(await post(good, { origin: p.front.publicUrl }, p.browser())).toBe(403);
    for (const person of [ANA, BEN]) expect(await shownTo(person)).toBe('connection_required');
  });

  it('goes to no other origin than the one that it was entered for', async () => {
    await enter('key-1');
    await configure({ ...SETTINGS, url: 'https://tracker.example/elsewhere' });
    expect(await shownTo(ANA)).toEqual({ 'X-Api-Key': 'Token key-1' });
    await configure({ ...SETTINGS, url: 'https://evil.example/mcp' });
    expect(await p.lease(ANA)).toMatchObject({
      reason: 'connection_required',
      message: expect.stringContaining('another address') as unknown,
    });
    const page = shown(await p.browser().open(PAGE));
    expect(page.text).toContain('has ended: connect it again');
    await enter('key-2');
    expect(await shownTo(ANA)).toEqual({ 'X-Api-Key': 'Token key-2' });
  });

  it('is not taken for a token, nor a token for it, where the configuration changes', async () => {
    await enter('key-1');
    await configure({ url: p.upstream.url }, 'oauth');
    expect(await shownTo(ANA)).toBe('connection_required');
    expect((await p.connect(p.browser())).text).toContain('tracker is connected');
    expect(await shownTo(ANA)).toEqual({ Authorization: expect.stringMatching(/^Bearer /) as unknown });
    await configure();
    expect(await shownTo(ANA)).toBe('connection_required');
    await enter('key-2');
    expect(await shownTo(ANA)).toEqual({ 'X-Api-Key': 'Token key-2' });
  });

  it('V1 a record in the place of another’s is found out', async () => {
    await as(ANA, () => enter('key-1'));
    await as(BEN, () => enter('key-2'));
    const kv = await p.rig.platform.state.bucket(BUCKETS.connections, DEFAULT_TENANT);
    const keys = await kv.keys();
    const of = ({ subject }: Person) => keys.find((key) => key.includes(subject) && key.includes('"default"'))!;
    await kv.put(of(ANA), (await kv.get(of(BEN)))!.value);
    expect(await shownTo(ANA)).toBe('connection_required');
    expect(await shownTo(BEN)).toEqual({ 'X-Api-Key': 'Token key-2' });
  });

  it('is nothing for callers that are nobody', async () => {
    const { result } = await p.rig.lease(UPSTREAM, {
      principalIssuer: API_KEY_ISSUER,
      principalSubject: 'nobody',
      callerProof: await proofOf(p.rig, 'Bearer sy_nobody'),
    });
    expect(result).toMatchObject({ case: 'refusal', value: { reason: 'caller_unproven' } });
  });
});
