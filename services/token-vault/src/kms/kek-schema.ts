import { Secret } from '@switchyard/runtime';
import { z } from 'zod';

const text = z.string().min(1);
/** As `secretText` of libs/runtime, described. */
const secret = (description: string) => text.transform(Secret.of).describe(description);
const file = (description: string) => text.describe(description);
const origin = (description: string) =>
  z
    .url({ protocol: /^https?$/, error: 'must be a URL that starts with https:// or http://.' })
    .transform((url) => url.replace(/\/+$/, ''))
    .describe(description);

const transit = z
  .strictObject({
    address: origin('Where OpenBao or Vault is, without `/v1`.'),
    namespace: text.optional().describe('Namespace, where there are such.'),
    mount: text.default('transit').describe('Path that the Transit engine is mounted at.'),
    key: text.describe('Name of the key; its type must be aes256-gcm96 or chacha20-poly1305.'),
    auth: z
      .strictObject({
        token: secret('A token, which must be kept alive by somebody else.').optional(),
        appRole: z
          .strictObject({
            mount: text.default('approle').describe('Path that the method is mounted at.'),
            roleId: text.describe('Id of the role.'),
            secretId: secret('Secret id of the role.'),
          })
          .optional()
          .describe('Log in with AppRole.'),
        kubernetes: z
          .strictObject({
            mount: text.default('kubernetes').describe('Path that the method is mounted at.'),
            role: text.describe('Name of the role.'),
            tokenFile: file('Token of the service account.').default('/var/run/secrets/kubernetes.io/serviceaccount/token'),
          })
          .optional()
          .describe('Log in as the pod’s service account.'),
      })
      .describe('How the vault shows who it is; one of `token`, `appRole` and `kubernetes`.'),
  })
  .describe('Transit secrets engine of OpenBao or HashiCorp Vault.');

const awsKms = z
  .strictObject({
    region: z
      .string()
      .regex(/^[a-z0-9-]+$/, 'must be the name of a region, such as "eu-central-1".')
      .describe('Region of the key.'),
    keyId: text.describe('ARN of a symmetric key, or of an alias.'),
    endpoint: origin('Where AWS KMS is, if not at its public address: a VPC endpoint.').optional(),
    credentials: z
      .strictObject({
        accessKey: z
          .strictObject({
            id: text.describe('Access key id.'),
            secret: secret('Secret access key.'),
            sessionToken: secret('Session token of temporary keys.').optional(),
          })
          .optional()
          .describe('Fixed keys.'),
        webIdentity: z
          .strictObject({
            roleArn: text.describe('Role that is assumed (AWS_ROLE_ARN).'),
            tokenFile: file('The pod’s token (AWS_WEB_IDENTITY_TOKEN_FILE).'),
            stsEndpoint: origin('Where STS is, if not at the region’s public address.').optional(),
          })
          .optional()
          .describe('A role by web identity: IAM roles for service accounts.'),
        container: z
          .strictObject({
            url: origin('AWS_CONTAINER_CREDENTIALS_FULL_URI.'),
            tokenFile: file('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE.').optional(),
          })
          .optional()
          .describe('Keys of the container: EKS Pod Identity, ECS.'),
      })
      .describe('What requests are signed with; one of `accessKey`, `webIdentity` and `container`.'),
  })
  .describe('AWS KMS.');

const gcpKms = z
  .strictObject({
    key: z
      .string()
      .regex(
        /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/,
        'must be projects/…/locations/…/keyRings/…/cryptoKeys/…, without a version.',
      )
      .describe('Resource name of the key, without a version.'),
    endpoint: origin('Where Cloud KMS is.').default('https://cloudkms.googleapis.com'),
    credentials: z
      .strictObject({
        serviceAccountFile: file('Key file of a service account, JSON.').optional(),
        metadataServer: origin('Asks the machine’s metadata server: `http://metadata.google.internal`.').optional(),
      })
      .describe('Where access tokens come from; one of `serviceAccountFile` and `metadataServer`.'),
  })
  .describe('Google Cloud KMS.');

/** The configuration's `kek`: exactly one kind of key. */
export const kekSchema = z.strictObject({
  file: text.optional().describe('File with the key-encryption key: 32 bytes in base64url, mode 0600. Not in production.'),
  createIfMissing: z.boolean().default(false).describe('Makes a new key where there is no file. For a first start only.'),
  transit: transit.optional(),
  awsKms: awsKms.optional(),
  gcpKms: gcpKms.optional(),
});

export type KekConfig = z.output<typeof kekSchema>;
export type TransitConfig = z.output<typeof transit>;
export type AwsKmsConfig = z.output<typeof awsKms>;
export type GcpKmsConfig = z.output<typeof gcpKms>;
