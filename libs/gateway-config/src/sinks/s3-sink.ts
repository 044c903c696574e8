import { z } from 'zod';
import { everySink, httpReach, httpUrl, MAPPINGS, secret } from './sink-parts.js';

const file = z.string().regex(/^\/./, 'must be the absolute path of a file. Correct it.');

const credentials = z
  .strictObject({
    accessKey: z
      .strictObject({
        id: z.string().min(1).describe('Access key id. A reference, too, where it should not stand here.'),
        secret: secret.describe('Secret access key, as a reference.'),
        sessionToken: secret.optional().describe('Session token of temporary keys, as a reference.'),
      })
      .optional()
      .describe('Fixed keys.'),
    webIdentity: z
      .strictObject({
        roleArn: z.string().min(1).describe('Role that is assumed (AWS_ROLE_ARN).'),
        tokenFile: file.describe("The pod's token, on the machine of analytics (AWS_WEB_IDENTITY_TOKEN_FILE)."),
        stsEndpoint: httpUrl.optional().describe("Where STS is, if not at the region's public address."),
      })
      .optional()
      .describe('A role by web identity: IAM roles for service accounts.'),
    container: z
      .strictObject({
        url: httpUrl.describe('AWS_CONTAINER_CREDENTIALS_FULL_URI. `allow` must name its address, such as 169.254.170.23/32.'),
        tokenFile: file.optional().describe('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE.'),
      })
      .optional()
      .describe('Keys of the container: EKS Pod Identity, ECS.'),
  })
  .refine(
    (given) => Object.values(given).filter((one) => one !== undefined).length === 1,
    'must have one of accessKey, webIdentity and container. Keep one.',
  )
  .describe('What requests are signed with. It needs `s3:PutObject` under the prefix, and nothing else.');

/** Settings of a sink that is a bucket. */
export const s3Sink = z
  .strictObject({
    type: z
      .literal('s3')
      .describe('A bucket of Amazon S3, or of what speaks its API. Events are gathered into objects, each hour apart.'),
    ...everySink(MAPPINGS),
    bucket: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket. Correct it.')
      .describe('Bucket. It must be there.'),
    region: z
      .string()
      .regex(/^[a-z0-9-]{1,40}$/, 'must be the name of a region, such as eu-central-1. Correct it.')
      .default('us-east-1')
      .describe('Region that requests are signed for.'),
    endpoint: httpUrl
      .optional()
      .describe('Where the API is, if not at the public address of the region: `https://minio.example.com:9000`.'),
    pathStyle: z
      .boolean()
      .optional()
      .describe(
        'Whether the bucket is in the path of URLs instead of the host. Unless given: where there is an `endpoint`, which most servers besides Amazon need.',
      ),
    prefix: z
      .string()
      .max(300)
      .regex(/^((?!\.{1,2}\/)[\w!.*'()=-]+\/)*$/, 'must be made of names that each end with "/", such as audit/mcp/. Correct it.')
      .default('switchyard/')
      .describe(
        'What names of objects begin with. Behind it comes `dt=YYYY-MM-DD/hour=HH/<emitter>/<epoch>-<first>-<last>-<digest>`, the hour being that in which events occurred, in UTC.',
      ),
    format: z
      .enum(['jsonl', 'parquet'])
      .default('jsonl')
      .describe(
        '`jsonl`: one event a line, in the words of the mapping, compressed by gzip. `parquet`: the fields of events as columns, and the words of the mapping in the column `event`.',
      ),
    gatherMs: z
      .int()
      .min(100)
      .max(900_000)
      .default(60_000)
      .describe('How long events are gathered, in milliseconds. Events are in the bucket so much later.'),
    objectBytes: z
      .int()
      .min(65_536)
      .max(64 * 1024 ** 2)
      .default(8 * 1024 ** 2)
      .describe('Bytes of events, before compression, that are gathered at most, and then written whatever the time.'),
    encryption: z
      .enum(['bucket', 'AES256', 'aws:kms'])
      .default('bucket')
      .describe("Encryption by the server: as the bucket's own default says, with keys of S3, or with a key of AWS KMS."),
    kmsKeyId: z.string().min(1).optional().describe("ARN of the key, with `aws:kms`. Unless given: the account's own for S3."),
    storageClass: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]{1,40}$/, 'must be a storage class, such as STANDARD_IA. Correct it.')
      .optional()
      .describe("Storage class of objects. Unless given: the bucket's own."),
    credentials,
    ...httpReach,
  })
  .superRefine(({ encryption, kmsKeyId }, context) => {
    if (kmsKeyId !== undefined && encryption !== 'aws:kms')
      context.addIssue({ code: 'custom', path: ['kmsKeyId'], message: 'needs encryption: aws:kms. Say so, or remove it.' });
  });
