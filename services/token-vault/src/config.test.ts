import { ConfigError, parseConfig, parseConfigText } from '@switchyard/runtime';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { tokenVaultConfigSchema, tokenVaultFileSchema } from './config.js';

const transit = { address: 'https://bao.example.com:8200', key: 'switchyard', auth: { token: 't' } };
const awsKms = { region: 'eu-central-1', keyId: 'alias/switchyard', credentials: { accessKey: { id: 'i', secret: 's' } } };
const gcpKey = 'projects/p/locations/l/keyRings/r/cryptoKeys/k';
const gcpKms = { key: gcpKey, credentials: { metadataServer: 'http://metadata.google.internal' } };
const production = (kek: object) => ({ profile: 'production', kek });
const development = (kek: object) => ({ profile: 'development', kek });

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
      dataKeys: { cacheSeconds: 600, rotateDays: 7 },
      referenceDirectory: '.',
    });
  });

  const refused: [id: string, value: object, sentence: RegExp][] = [
    [
      'V11-production-local-key',
      { ...good, profile: 'production' },
      /kek\.file: .*production does not take.*key management service/,
    ],
    ['V11-production-local-key-beside', production({ file: 'kek', transit }), /kek\.file: .*production does not take/],
    [
      'V11-production-http-transit',
      production({ transit: { ...transit, address: 'http://bao:8200' } }),
      /kek\.transit\.address: is http/,
    ],
    [
      'V11-production-http-aws',
      production({ awsKms: { ...awsKms, endpoint: 'http://kms:4566' } }),
      /kek\.awsKms\.endpoint: is http/,
    ],
    [
      'V11-production-http-gcp',
      production({ gcpKms: { ...gcpKms, endpoint: 'http://kms:9010' } }),
      /kek\.gcpKms\.endpoint: is http/,
    ],
    ['kek-none', development({}), /kek: says none of file, transit, awsKms, gcpKms\. Add one/],
    ['kek-two', development({ transit, awsKms }), /kek\.awsKms: stands beside transit.*Remove all but one/],
    ['kek-create-beside-service', development({ transit, createIfMissing: true }), /kek\.createIfMissing: is for `file` alone/],
    [
      'transit-no-auth',
      development({ transit: { ...transit, auth: {} } }),
      /kek\.transit\.auth: says none of token, appRole, kubernetes/,
    ],
    [
      'transit-two-auths',
      development({ transit: { ...transit, auth: { token: 't', kubernetes: { role: 'r' } } } }),
      /kek\.transit\.auth\.kubernetes: stands beside token/,
    ],
    ['transit-no-key', development({ transit: { ...transit, key: undefined } }), /kek\.transit\.key: is required/],
    ['transit-no-url', development({ transit: { ...transit, address: 'bao:8200' } }), /kek\.transit\.address: must be a URL/],
    ['aws-no-credentials', development({ awsKms: { ...awsKms, credentials: {} } }), /kek\.awsKms\.credentials: says none of/],
    [
      'aws-region',
      development({ awsKms: { ...awsKms, region: 'EU west' } }),
      /kek\.awsKms\.region: must be the name of a region/,
    ],
    ['gcp-key-with-version', development({ gcpKms: { ...gcpKms, key: `${gcpKey}/cryptoKeyVersions/1` } }), /without a version/],
    ['cache-too-long', { ...good, dataKeys: { cacheSeconds: 601 } }, /dataKeys\.cacheSeconds: must be at most 600/],
    ['profile-missing', { kek: good.kek }, /profile: is required/],
    ['profile-unknown', { ...good, profile: 'prod' }, /profile: must be "development" or "production"/],
    ['kek-missing', { profile: 'development' }, /kek: is required/],
    ['kek-in-clear', { ...good, kek: { key: 'AAAA' } }, /kek/],
    ['unknown-key', { ...good, kekfile: 'x' }, /kekfile/],
  ];
  it.each(refused)('is refused: %s', (_id, value, sentence) => {
    expect(refusalOf(value)).toMatch(sentence);
  });

  it.each([
    ['transit', { transit }],
    ['transit-agent-on-localhost', { transit: { ...transit, address: 'http://127.0.0.1:8100' } }],
    ['aws', { awsKms }],
    ['gcp', { gcpKms }],
  ])('V11 is taken for production with a key service: %s', (_id, kek) => {
    expect(parseConfig(tokenVaultConfigSchema, production(kek), 'vault.yaml').profile).toBe('production');
  });

  it('is refused with line and column', () => {
    const text = 'profile: production\nkek:\n  file: /etc/kek\n';
    const parse = () => parseConfigText(tokenVaultConfigSchema, text, { file: 'vault.yaml', references: 'keep' });
    expect(parse).toThrow(/vault\.yaml:3:9: kek\.file: .*Use a key management service/);
  });

  it('V11 is taken as the example for production has it', () => {
    const file = path.resolve(import.meta.dirname, '../../../deploy/staging/token-vault.production.yaml');
    const text = readFileSync(file, 'utf8');
    expect(parseConfigText(tokenVaultFileSchema, text, { file, references: 'keep' }).profile).toBe('production');
  });

  it('V4 shows no secrets when it is printed', () => {
    const config = parseConfig(
      tokenVaultConfigSchema,
      development({ transit: { ...transit, auth: { token: 'hvs.canary' } } }),
      'v',
    );
    expect(JSON.stringify(config)).not.toContain('canary');
  });

  it.each([
    ['token-vault-development', 'production', /platform\.nats\.password: is the one that docker-compose\.yml has/],
    ['token-vault-development', 'development', undefined],
    ['drawn-at-random', 'production', undefined],
  ])('V11 the password %s for %s', (password, profile, sentence) => {
    const nats = { servers: ['nats://127.0.0.1:4222'], user: 'token-vault', password };
    const platform = { nats, audit: { dir: 'spool' }, emitter: 'vault-1' };
    const value = { profile, kek: { transit }, platform };
    if (sentence === undefined) expect(parseConfig(tokenVaultFileSchema, value, 'vault.yaml').profile).toBe(profile);
    else expect(refusalOf(value, tokenVaultFileSchema)).toMatch(sentence);
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
