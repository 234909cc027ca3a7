import { z } from 'zod';
import { Duration } from '../duration.ts';
import { ClientTlsSettings } from '../tls/client-settings.ts';
import { DEFAULT_TEMPLATE, PathTemplateSetting } from './instance-path.ts';
import { laneSettings } from './lane-settings.ts';

const MIB = 1024 * 1024;

/** Where the keys to the bucket are; they are never written into the settings. */
const S3Credentials = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z
      .literal('default')
      .describe(
        'Where the tools of AWS look: the environment, the files in ~/.aws, the role of the machine.',
      ),
  }),
  z.strictObject({
    kind: z.literal('profile').describe('A profile of the files in ~/.aws.'),
    profile: z.string().min(1).describe('Name of the profile.'),
  }),
  z.strictObject({
    kind: z.literal('environment').describe('Environment variables of other names than those of AWS.'),
    access_key_id_env: z.string().min(1).describe('Environment variable that holds the access key ID.'),
    secret_access_key_env: z
      .string()
      .min(1)
      .describe('Environment variable that holds the secret access key.'),
  }),
  z.strictObject({
    kind: z
      .literal('files')
      .describe('Files such as those of Docker secrets, read again every five minutes.'),
    access_key_id_file: z.string().min(1).describe('File that holds the access key ID.'),
    secret_access_key_file: z.string().min(1).describe('File that holds the secret access key.'),
  }),
]);

export const S3Settings = z.strictObject({
  kind: z
    .literal('s3')
    .describe('Part 10 files as objects in a bucket of Amazon S3, or of a server that speaks as it does.'),
  bucket: z.string().min(3).max(255).describe('The bucket. It must exist.'),
  template: PathTemplateSetting.default(DEFAULT_TEMPLATE).describe(
    'Key of each object; keywords or tags of attributes in braces.',
  ),
  endpoint: z
    .string()
    .refine(
      (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
      'must be an http: or https: URL',
    )
    .optional()
    .describe('URL of the server; that of AWS in the region when absent.'),
  region: z
    .string()
    .min(1)
    .default('us-east-1')
    .describe('Region of the bucket; servers of other makers seldom care.'),
  force_path_style: z
    .boolean()
    .default(false)
    .describe(
      'Whether the bucket stands in the path and not in the host name, as most servers of other makers want it.',
    ),
  credentials: S3Credentials.prefault({ kind: 'default' }).describe('Where the keys to the bucket are.'),
  tls: ClientTlsSettings.prefault({}).describe(
    'With a URL of https: whom to trust, and our own certificate.',
  ),
  part_size_bytes: z
    .int()
    .min(5 * MIB)
    .max(1024 * MIB)
    .default(8 * MIB)
    .describe('What is larger is sent in parts of this size. Each part on its way is held in memory.'),
  parts_max: z.int().min(1).max(16).default(2).describe('Parts of one instance sent at the same time.'),
  uploads_max: z.int().min(1).max(64).default(4).describe('Instances sent at the same time.'),
  connect_timeout: Duration.prefault('10s').describe('Wait for a connection, that of TLS included.'),
  response_timeout: Duration.prefault('2m').describe(
    'Wait for the server to take more bytes, and after the last one for its answer.',
  ),
  checksums: z
    .enum(['crc32', 'md5'])
    .default('crc32')
    .describe('By what the server checks what it got: CRC-32 as today; MD5 for servers that know no other.'),
  storage_class: z
    .string()
    .regex(/^[A-Z_]+$/, 'must be a storage class such as STANDARD_IA')
    .optional()
    .describe('Storage class of the objects; that of the bucket when absent.'),
  server_side_encryption: z
    .enum(['AES256', 'aws:kms', 'aws:kms:dsse'])
    .optional()
    .describe('Encryption at rest that is asked for; that of the bucket when absent.'),
  kms_key_id: z
    .string()
    .min(1)
    .optional()
    .describe('Key for encryption by KMS; its own default when absent.'),
  ...laneSettings,
});
export type S3Settings = z.infer<typeof S3Settings>;
