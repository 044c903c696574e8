import { FakeClock } from '@switchyard/testing';
import { randomBytes } from 'node:crypto';
import { KmsRejected, KmsUnavailable, type Kms, type KmsContext } from './kms.js';

/** A key service under test, and what can be done to it. */
export interface KmsUnderTest extends AsyncDisposable {
  readonly kms: Kms;
  /** Another key of the same kind. */
  readonly other: Kms;
  /** Absent where the key has one version only. */
  readonly rotate?: () => void;
  /** Makes all versions but the newest undecryptable. */
  readonly retire?: () => void;
  /** Absent where there is no service that could be away. */
  readonly setMode?: (mode: 'up' | 'failing' | 'silent') => void;
  /** Makes the service forget what it gave out for logging in: tokens, sessions. */
  readonly forgetLogins?: () => void;
}

const context: KmsContext = { app: 'switchyard', tenant: 'default', purpose: 'records', keyId: '00112233445566ff' };
const flip = (text: string, at: number) => `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;

/** What every key service does, whoever makes it. */
export function describeKms(name: string, open: (clock: FakeClock) => Promise<KmsUnderTest>): void {
  describe(`a key service: ${name}`, () => {
    let tested: KmsUnderTest;
    let clock: FakeClock;
    const dataKey = randomBytes(32);

    beforeEach(async () => {
      clock = new FakeClock();
      tested = await open(clock);
    });
    afterEach(() => tested[Symbol.asyncDispose]());

    it('unwraps what it wrapped', async () => {
      const { ciphertext, keyVersion } = await tested.kms.wrap(dataKey, context);
      expect(await tested.kms.unwrap(ciphertext, context)).toEqual(dataKey);
      expect(keyVersion).not.toBe('');
    });

    it('unwraps whatever the order of the context', async () => {
      const { ciphertext } = await tested.kms.wrap(dataKey, context);
      const reversed = Object.fromEntries(Object.entries(context).reverse());
      expect(await tested.kms.unwrap(ciphertext, reversed)).toEqual(dataKey);
    });

    it('wraps differently every time, and shows nothing', async () => {
      const [a, b] = [await tested.kms.wrap(dataKey, context), await tested.kms.wrap(dataKey, context)];
      expect(a.ciphertext).not.toBe(b.ciphertext);
      expect(a.ciphertext).not.toContain(dataKey.toString('base64'));
    });

    const otherContexts: [id: string, change: KmsContext][] = [
      ['V1-tenant', { ...context, tenant: 'other' }],
      ['V1-purpose', { ...context, purpose: 'versions' }],
      ['V2-key-id', { ...context, keyId: 'ff00112233445566' }],
      ['V1-shifted-text', { ...context, tenant: 'defaul', purpose: 'trecords' }],
      ['less', { app: 'switchyard', tenant: 'default' }],
      ['more', { ...context, more: 'x' }],
      ['empty', {}],
    ];
    it.each(otherContexts)('refuses another context: %s', async (_id, change) => {
      const { ciphertext } = await tested.kms.wrap(dataKey, context);
      await expect(tested.kms.unwrap(ciphertext, change)).rejects.toThrow(KmsRejected);
    });

    it.each([
      ['V2-flipped', (text: string) => flip(text, text.length - 8)],
      ['V2-truncated', (text: string) => text.slice(0, -8)],
      ['V2-empty', () => ''],
      ['V2-garbage', () => 'not a ciphertext'],
    ])('refuses what was altered: %s', async (_id, alter) => {
      const { ciphertext } = await tested.kms.wrap(dataKey, context);
      await expect(tested.kms.unwrap(alter(ciphertext), context)).rejects.toThrow(KmsRejected);
    });

    it('does not open with another key', async () => {
      const { ciphertext } = await tested.kms.wrap(dataKey, context);
      await expect(tested.other.unwrap(ciphertext, context)).rejects.toThrow(/./);
    });

    it('V9 opens what older versions wrapped, and wraps with the newest', async () => {
      const before = await tested.kms.wrap(dataKey, context);
      tested.rotate?.();
      const after = await tested.kms.wrap(dataKey, context);
      expect(await tested.kms.unwrap(before.ciphertext, context)).toEqual(dataKey);
      expect(await tested.kms.unwrap(after.ciphertext, context)).toEqual(dataKey);
      tested.retire?.();
      const retired = tested.retire !== undefined;
      const opened = await tested.kms.unwrap(before.ciphertext, context).catch((error: unknown) => error);
      expect(opened instanceof KmsRejected).toBe(retired);
      expect(await tested.kms.unwrap(after.ciphertext, context)).toEqual(dataKey);
    });

    it('V8 says so when it is away, and works again afterwards', async () => {
      const { ciphertext } = await tested.kms.wrap(dataKey, context);
      for (const mode of tested.setMode === undefined ? [] : (['failing', 'silent'] as const)) {
        tested.setMode?.(mode);
        await expect(tested.kms.wrap(dataKey, context)).rejects.toThrow(KmsUnavailable);
        await expect(tested.kms.unwrap(ciphertext, context)).rejects.toThrow(KmsUnavailable);
      }
      tested.setMode?.('up');
      expect(await tested.kms.unwrap(ciphertext, context)).toEqual(dataKey);
    });

    it('logs in again when its login was forgotten, or is over', async () => {
      const { ciphertext } = await tested.kms.wrap(dataKey, context);
      tested.forgetLogins?.();
      expect(await tested.kms.unwrap(ciphertext, context)).toEqual(dataKey);
      clock.advance(3_600_000);
      tested.forgetLogins?.();
      expect(await tested.kms.unwrap(ciphertext, context)).toEqual(dataKey);
    });

    it('V4 puts nothing secret into what it throws', async () => {
      const thrown: unknown[] = [await tested.kms.unwrap('AAAA', context).catch((error: unknown) => error)];
      tested.setMode?.('failing');
      thrown.push(await tested.kms.wrap(dataKey, context).catch((error: unknown) => error));
      const told = thrown.map((error) => (error instanceof Error ? `${error.message} ${String(error.cause)}` : '')).join();
      for (const secret of [dataKey.toString('base64'), 'secret-1', 'pod-jwt', 'wJalrXUtnFEMI', 'PRIVATE KEY', 'root']) {
        expect(told).not.toContain(secret);
      }
    });
  });
}
