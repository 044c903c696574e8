import { Egress, LOOPBACK } from '@switchyard/egress';
import { parseConfig } from '@switchyard/runtime';
import { tempDir, type FakeClock } from '@switchyard/testing';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newLocalKey } from '../keyring/keyring.fixture.js';
import { AWS_KEY, startAws } from './aws.fixture.js';
import { AwsKms } from './aws-kms.js';
import { GCP_KEY, startGcp } from './gcp.fixture.js';
import { GcpKms } from './gcp-kms.js';
import { kekSchema } from './kek-schema.js';
import { describeKms, type KmsUnderTest } from './kms.contract.js';
import { startTransit } from './transit.fixture.js';
import { TransitKms } from './transit-kms.js';

/** A `kek` as it is read from a file. */
const kekOf = (kek: object) => parseConfig(kekSchema, kek, 'vault.yaml');

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('not in the configuration');
  return value;
}

const allowed = [...LOOPBACK];
/** Only silence is waited for by the clock. */
const transportOf = (egress: Egress, clock: FakeClock, server: { readonly mode: string }) => ({
  fetch: egress.fetch,
  clock,
  get timeoutMs() {
    return server.mode === 'silent' ? 300 : 20_000;
  },
});

describeKms('key file', () =>
  Promise.resolve({ kms: newLocalKey(), other: newLocalKey(), [Symbol.asyncDispose]: () => Promise.resolve() }),
);

async function openTransit(clock: FakeClock, auth: (jwtFile: string) => object): Promise<KmsUnderTest> {
  await using undo = new AsyncDisposableStack();
  const dir = undo.use(await tempDir());
  const transit = undo.adopt(await startTransit(), ({ server }) => server[Symbol.asyncDispose]());
  const egress = undo.adopt(new Egress({ allowed, connectTimeoutMs: 20_000 }), (it) => it.close());
  const jwtFile = path.join(dir.path, 'jwt');
  await writeFile(jwtFile, 'pod-jwt\n');
  const open = (key: string) =>
    new TransitKms(
      given(kekOf({ transit: { address: `${transit.server.url}/`, key, auth: auth(jwtFile) } }).transit),
      transportOf(egress, clock, transit.server),
    );
  const running = undo.move();
  return {
    kms: open('switchyard'),
    other: open('other'),
    rotate: () => transit.key.rotate(),
    retire: () => (transit.key.oldestUsable = transit.key.newest),
    setMode: (mode) => (transit.server.mode = mode),
    forgetLogins: () => {
      for (const token of transit.tokens) if (token !== 'root') transit.tokens.delete(token);
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

describeKms('Transit with a token', (clock) => openTransit(clock, () => ({ token: 'root' })));
describeKms('Transit with AppRole', (clock) =>
  openTransit(clock, () => ({ appRole: { roleId: 'role-1', secretId: 'secret-1' } })),
);
describeKms('Transit with a Kubernetes service account', (clock) =>
  openTransit(clock, (tokenFile) => ({ kubernetes: { role: 'vault', tokenFile } })),
);

async function openAws(clock: FakeClock, credentials: (url: string, jwtFile: string) => object): Promise<KmsUnderTest> {
  await using undo = new AsyncDisposableStack();
  const dir = undo.use(await tempDir());
  const aws = undo.adopt(await startAws(clock), ({ server }) => server[Symbol.asyncDispose]());
  const egress = undo.adopt(new Egress({ allowed, connectTimeoutMs: 20_000 }), (it) => it.close());
  const jwtFile = path.join(dir.path, 'jwt');
  await writeFile(jwtFile, 'pod-jwt');
  const { url } = aws.server;
  const open = (keyId: string) => {
    const config = { region: 'eu-central-1', keyId, endpoint: url, credentials: credentials(url, jwtFile) };
    return new AwsKms(given(kekOf({ awsKms: config }).awsKms), transportOf(egress, clock, aws.server));
  };
  const running = undo.move();
  return {
    kms: open(AWS_KEY),
    other: open(`${AWS_KEY}-other`),
    rotate: () => aws.key.rotate(),
    setMode: (mode) => (aws.server.mode = mode),
    // Temporary credentials end; fixed ones do not.
    forgetLogins: () => void aws.accounts.delete('ASIATEMPORARY'),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

describeKms('AWS KMS with fixed keys', (clock) =>
  openAws(clock, () => ({ accessKey: { id: 'AKIDEXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' } })),
);
describeKms('AWS KMS with a role by web identity', (clock) =>
  openAws(clock, (url, tokenFile) => ({
    webIdentity: { roleArn: 'arn:aws:iam::111122223333:role/vault', tokenFile, stsEndpoint: `${url}/sts` },
  })),
);
describeKms('AWS KMS with the keys of the container', (clock) =>
  openAws(clock, (url, tokenFile) => ({ container: { url: `${url}/container`, tokenFile } })),
);

async function openGcp(clock: FakeClock, credentials: (url: string, accountFile: string) => object): Promise<KmsUnderTest> {
  await using undo = new AsyncDisposableStack();
  const dir = undo.use(await tempDir());
  const gcp = undo.adopt(await startGcp(clock), ({ server }) => server[Symbol.asyncDispose]());
  const egress = undo.adopt(new Egress({ allowed, connectTimeoutMs: 20_000 }), (it) => it.close());
  const accountFile = path.join(dir.path, 'account.json');
  await writeFile(accountFile, JSON.stringify(gcp.serviceAccount));
  const { url } = gcp.server;
  const open = (key: string) =>
    new GcpKms(
      given(kekOf({ gcpKms: { key, endpoint: url, credentials: credentials(url, accountFile) } }).gcpKms),
      transportOf(egress, clock, gcp.server),
    );
  const running = undo.move();
  return {
    kms: open(GCP_KEY),
    other: open(`${GCP_KEY}-other`),
    rotate: () => gcp.key.rotate(),
    retire: () => (gcp.key.oldestUsable = gcp.key.newest),
    setMode: (mode) => (gcp.server.mode = mode),
    forgetLogins: () => gcp.tokens.clear(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

describeKms('Google Cloud KMS with a service account', (clock) =>
  openGcp(clock, (_url, serviceAccountFile) => ({ serviceAccountFile })),
);
describeKms('Google Cloud KMS with the metadata server', (clock) => openGcp(clock, (url) => ({ metadataServer: url })));
