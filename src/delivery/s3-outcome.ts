/** What an error of S3 means for the instance that was sent. Pure. */
import { GatewayError } from '../errors.ts';
import type { FailureReason, NotTaken } from './outcome.ts';
import type { OutcomeCode } from './outcome-codes.ts';

interface Meaning {
  readonly reason: FailureReason;
  readonly code: OutcomeCode;
  /** Ends the sentence "S3 answered AccessDenied (403): …". */
  readonly text: string;
}

const BUSY: Meaning = {
  reason: 'resources',
  code: 'OUT_OF_RESOURCES',
  text: 'it has no room or no time for it now',
};
const KEYS: Meaning = {
  reason: 'unreachable',
  code: 'NOT_AUTHORIZED',
  text: '`credentials` must be those of somebody who may write to the bucket',
};
const SETTINGS: Meaning = {
  reason: 'unreachable',
  code: 'BUCKET_UNUSABLE',
  text: 'the settings of the destination, or of the bucket, must be put right',
};
const REFUSED: Meaning = { reason: 'refused', code: 'REFUSED', text: 'it refuses the instance' };
const GARBLED: Meaning = { reason: 'unclear', code: 'UPLOAD_GARBLED', text: 'it did not get what was sent' };
const STUMBLED: Meaning = {
  reason: 'processing',
  code: 'PROCESSING_FAILURE',
  text: 'something else was done there',
};

/** By the name of the error. What the settings or the clock are to blame for keeps the instances waiting. */
const BY_NAME: Readonly<Record<string, Meaning>> = {
  AccessDenied: {
    ...KEYS,
    text: 'the credentials need s3:PutObject there, and to look first s3:GetObject and s3:ListBucket',
  },
  InvalidAccessKeyId: KEYS,
  SignatureDoesNotMatch: KEYS,
  ExpiredToken: { ...KEYS, text: 'the token of the credentials has expired' },
  InvalidToken: KEYS,
  TokenRefreshRequired: KEYS,
  CredentialsProviderError: { ...KEYS, text: 'there are none where `credentials` says' },
  RequestTimeTooSkewed: {
    ...SETTINGS,
    code: 'CLOCK_SKEWED',
    text: 'the clocks of this machine and of the server must agree within 15 minutes',
  },
  RequestExpired: {
    ...SETTINGS,
    code: 'CLOCK_SKEWED',
    text: 'the clocks of this machine and of the server must agree',
  },
  NoSuchBucket: { ...SETTINGS, text: 'there is no such bucket' },
  InvalidBucketName: { ...SETTINGS, text: 'no bucket can have that name' },
  AuthorizationHeaderMalformed: { ...SETTINGS, text: '`region` must be that of the bucket' },
  PermanentRedirect: { ...SETTINGS, text: '`region` and `endpoint` must be those of the bucket' },
  IllegalLocationConstraintException: { ...SETTINGS, text: '`region` must be that of the bucket' },
  InvalidStorageClass: { ...SETTINGS, text: 'there is no such `storage_class` there' },
  MethodNotAllowed: SETTINGS,
  NotImplemented: { ...SETTINGS, text: 'it does not know what is asked; `checksums: md5` asks for less' },
  RequestTimeout: BUSY,
  SlowDown: BUSY,
  ServiceUnavailable: BUSY,
  InternalError: BUSY,
  QuotaExceeded: BUSY,
  XMinioStorageFull: BUSY,
  XMinioAdminBucketQuotaExceeded: BUSY,
  BadDigest: GARBLED,
  InvalidDigest: GARBLED,
  IncompleteBody: GARBLED,
  InvalidPart: GARBLED,
  InvalidPartOrder: GARBLED,
  NoSuchUpload: GARBLED,
  XAmzContentSHA256Mismatch: GARBLED,
  XAmzContentChecksumMismatch: GARBLED,
  OperationAborted: STUMBLED,
  ConditionalRequestConflict: STUMBLED,
  EntityTooLarge: { ...REFUSED, code: 'TOO_LARGE', text: 'the instance is larger than it takes' },
  KeyTooLongError: { ...REFUSED, text: 'the `template` makes a longer key than it takes' },
};

/** Errors of Node.js before anything has been sent. */
const CONNECT_ERRORS = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
]);

/** Errors as the SDK throws them. */
interface SdkError extends Error {
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: unknown;
}

/**
 * Reads an error of the SDK, or of the connection below.
 *
 * @returns undefined when it is neither, but a fault in this program
 */
export function outcomeOfS3Error(error: unknown): NotTaken | undefined {
  if (!(error instanceof Error) || error instanceof GatewayError) return undefined;
  const { name, code, $metadata, $response } = error as SdkError;
  const httpStatus = $metadata?.httpStatusCode;
  const known = Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined;
  if (known || httpStatus !== undefined) {
    const { reason, code: label, text } = known ?? byHttpStatus(httpStatus ?? 0);
    // Names are the server's to choose: of strange ones the number must do.
    const called = /^[A-Za-z0-9]{1,40}$/.test(name) && name !== 'Error' ? name : 'an error';
    const answered = httpStatus === undefined ? called : `${called} (${httpStatus})`;
    return { taken: false, reason, code: label, message: `S3 answered ${answered}: ${text}` };
  }
  if (typeof code === 'string' && CONNECT_ERRORS.has(code)) {
    return {
      taken: false,
      reason: 'unreachable',
      code: 'HTTP_UNREACHABLE',
      message: `Cannot connect to S3: ${code}`,
    };
  }
  if (name === 'TimeoutError' || typeof code === 'string' || $response !== undefined) {
    const what = typeof code === 'string' ? code : 'in time';
    return {
      taken: false,
      reason: 'unclear',
      code: 'HTTP_NO_ANSWER',
      message: `Got no answer from S3: ${what}`,
    };
  }
  return undefined;
}

function byHttpStatus(httpStatus: number): Meaning {
  if (httpStatus < 300) return { ...GARBLED, text: 'its answer cannot be read' };
  if (httpStatus < 400) return { ...SETTINGS, text: '`region` and `endpoint` must be those of the bucket' };
  if (httpStatus === 401 || httpStatus === 403) return KEYS;
  if (httpStatus === 404 || httpStatus === 405)
    return { ...SETTINGS, text: 'there is no such bucket at this endpoint' };
  if (httpStatus === 408 || httpStatus === 429 || httpStatus >= 500) return BUSY;
  return REFUSED;
}
