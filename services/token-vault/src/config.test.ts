import { ConfigError, parseConfig } from '@switchyard/runtime';
import { tokenVaultConfigSchema, tokenVaultFileSchema } from './config.js';

const good = { profile: 'development', kek: { file: 'kek' } };

function refusalOf(value: unknown, schema: Parameters<typeof parseConfig>[0] = tokenVaultConfigSchema): string {
  try {
    parseConfig(schema, value, 'vault.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}

describe('the configuration of the vault', () => {
  it('has defaults for what guards nothing', () => {
    expect(parseConfig(tokenVaultConfigSchema, good, 'vault.yaml')).toEqual({
      listen: { host: '127.0.0.1', port: 8082 },
      profile: 'development',
      kek: { file: 'kek', createIfMissing: false },
      referenceDirectory: '.',
    });
  });

  const refused: [id: string, value: object, sentence: RegExp][] = [
    [
      'V11-production-local-key',
      { ...good, profile: 'production' },
      /kek\.file: .*production does not take.*key management service/,
    ],
    ['profile-missing', { kek: good.kek }, /profile: is required/],
    ['profile-unknown', { ...good, profile: 'prod' }, /profile: must be "development" or "production"/],
    ['kek-missing', { profile: 'development' }, /kek: is required/],
    ['kek-in-clear', { ...good, kek: { key: 'AAAA' } }, /kek/],
    ['unknown-key', { ...good, kekfile: 'x' }, /kekfile/],
  ];
  it.each(refused)('is refused: %s', (_id, value, sentence) => {
    expect(refusalOf(value)).toMatch(sentence);
  });

  it('V11 is refused for production in the file of a lone vault too', () => {
    const platform = {
      nats: { servers: ['nats://127.0.0.1:4222'] },
      audit: { dir: 'spool', limitBytes: 2 ** 30 },
      emitter: 'vault-1',
    };
    expect(refusalOf({ ...good, profile: 'production', platform }, tokenVaultFileSchema)).toMatch(/production does not take/);
  });
});
