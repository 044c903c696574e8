import { Egress, EgressBlocked, LOOPBACK } from '@switchyard/egress';
import { alertChannelSchema, type AlertChannelConfigOf } from '@switchyard/gateway-config';
import { CERTIFICATE, FakeClock } from '@switchyard/testing';
import { lasting } from '../alerts.fixture.js';
import { boundedFinding } from '../finding.js';
import type { Notice } from '../notice.js';
import { openEmailChannel } from './email.js';
import { reply, startMailServer, type MailServer } from './mail-server.fixture.js';

const notice = (says = 'ana was denied 31 times', count = 1): Notice => ({
  rule: 'denials',
  kind: 'denial-burst',
  message: {
    ...{ id: 'alert_1', what: 'fired', atMs: Date.UTC(2026, 0, 31, 12), count, pending: [] },
    items: [{ ...boundedFinding({ key: 'a', about: {}, value: 31, limit: 20, says }), sinceMs: Date.UTC(2026, 0, 31, 11, 58) }],
  },
});

type Settings = Readonly<Record<string, unknown>>;

const settingsOf = (port: number, more: Settings = {}) =>
  alertChannelSchema.parse({
    ...{ type: 'email', host: 'localhost', port, from: 'gateway@example.com', to: ['ops@example.com'] },
    ...more,
  }) as AlertChannelConfigOf<'email'>;

/** Settings with the values of references in their places. */
const trusting = { ca: CERTIFICATE.cert };

async function send(settings: AlertChannelConfigOf<'email'>, what = notice(), allowed: readonly string[] = LOOPBACK) {
  const egress = new Egress({ allowed, connectTimeoutMs: 5_000 });
  try {
    return await openEmailChannel(settings, { egress, clock: new FakeClock() }).send(what, lasting);
  } finally {
    await egress.close();
  }
}

describe('the e-mail channel', () => {
  it.each([
    { id: 'AL90 STARTTLS', security: 'starttls', server: {}, isSecure: true },
    { id: 'AL91 TLS from the first byte', security: 'tls', server: { secure: true }, isSecure: true },
    { id: 'AL92 in the clear, where that is said', security: 'none', server: { hideSTARTTLS: true }, isSecure: false },
  ])('$id: the mail arrives', async ({ security, server, isSecure }) => {
    await using mail = await startMailServer(server);
    expect(await send({ ...settingsOf(mail.port, { security }), ...trusting })).toEqual({ is: 'delivered' });
    expect(mail.taken).toEqual([
      { from: 'gateway@example.com', to: ['ops@example.com'], isSecure, user: '', source: expect.any(String) as string },
    ]);
    const { source = '' } = mail.taken[0] ?? {};
    expect(source).toMatch(/^Subject: \[firing\] denials: ana was denied 31 times\r$/m);
    expect(source).toMatch(/^From: Switchyard <gateway@example\.com>\r$/m);
    expect(source).toMatch(/^Message-ID: <alert_1@example\.com>\r$/m);
    expect(source).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(source).toContain('alert denials (denial-burst)');
  });

  it('AL93 signs in where it is told to', async () => {
    await using mail = await startMailServer({ password: 's3cret' });
    const settings = { ...settingsOf(mail.port), ...trusting, user: 'gateway' };
    expect(await send({ ...settings, password: 's3cret' })).toEqual({ is: 'delivered' });
    expect(mail.taken).toMatchObject([{ user: 'gateway', isSecure: true }]);
    expect(await send({ ...settings, password: 'wrong' })).toEqual({ is: 'misconfigured', reason: 'eauth' });
    expect(mail.taken).toHaveLength(1);
  });

  it.each([
    { id: 'AL94 that speaks no TLS', server: { hideSTARTTLS: true, disabledCommands: ['STARTTLS'] }, trust: trusting },
    { id: 'AL95 whose certificate nobody vouches for', server: {}, trust: {} },
  ])('sends nothing to a server $id', async ({ server, trust }) => {
    await using mail = await startMailServer(server);
    const outcome = await send({ ...settingsOf(mail.port), ...trust }).catch((error: unknown) => error);
    expect(outcome).not.toEqual({ is: 'delivered' });
    expect(mail.taken).toEqual([]);
  });

  it.each([
    { id: 'AL96 a recipient that is not known', code: 550, outcome: { is: 'refused', reason: 'smtp_550' } },
    { id: 'AL97 a recipient that is busy', code: 451, outcome: { is: 'retry', reason: 'smtp_451' } },
  ])('$id: $outcome.is', async ({ code, outcome }) => {
    await using mail = await startMailServer({ rcpt: () => reply(code) });
    expect(await send({ ...settingsOf(mail.port), ...trusting })).toEqual(outcome);
  });

  describe('AL98 names that would be header fields, commands or recipients', () => {
    let mail: MailServer;
    beforeAll(async () => {
      mail = await startMailServer();
    });
    afterAll(() => mail[Symbol.asyncDispose]());
    it.each([
      ['a field', 'x\r\nBcc: evil@example.com'],
      ['a field, by a bare line feed', 'x\nBcc: evil@example.com'],
      ['a body', 'x\r\n\r\nbody'],
      ['the end of a mail', 'x\r\n.\r\nMAIL FROM:<evil@example.com>'],
      ['a line separator', 'x\u2028Bcc: evil@example.com'],
      ['an encoded word', '=?utf-8?q?x=0D=0ABcc:_evil@example.com?='],
      ['text beyond ASCII', 'ünïcode ✓'],
    ])('%s', async (_id, says) => {
      const before = mail.taken.length;
      expect(await send({ ...settingsOf(mail.port), ...trusting }, notice(says))).toEqual({ is: 'delivered' });
      expect(mail.taken.length).toBe(before + 1);
      const { source = '', to } = mail.taken.at(-1) ?? {};
      expect(to).toEqual(['ops@example.com']);
      const head = source.slice(0, source.indexOf('\r\n\r\n'));
      const fields = head.split('\r\n').flatMap((line) => (/^[ \t]/.test(line) ? [] : [line.split(':', 1)[0]]));
      expect(new Set(fields)).toEqual(
        new Set([
          ...['From', 'To', 'Subject', 'Message-ID', 'Date', 'Auto-Submitted', 'MIME-Version', 'Content-Type'],
          ...(fields.includes('Content-Transfer-Encoding') ? ['Content-Transfer-Encoding'] : []),
        ]),
      );
    });
  });

  it('AL99 reaches no private address that is not allowed', async () => {
    await using mail = await startMailServer();
    await expect(send({ ...settingsOf(mail.port), ...trusting }, notice(), [])).rejects.toThrow(EgressBlocked);
    await expect(send({ ...settingsOf(mail.port, { host: '127.0.0.1' }), ...trusting }, notice(), [])).rejects.toThrow(
      EgressBlocked,
    );
    expect(mail.taken).toEqual([]);
  });
});
