/** Puts one object into a bucket: at once where it is small, else in parts, of which few are in memory at a time. */
import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { type Part10Source, readFully } from './part10-source.ts';

export interface UploadOptions {
  /** Bucket, key and what the object is to be like. */
  readonly object: Pick<
    CreateMultipartUploadCommandInput,
    'Bucket' | 'Key' | 'ContentType' | 'Metadata' | 'StorageClass' | 'ServerSideEncryption' | 'SSEKMSKeyId'
  >;
  readonly partBytes: number;
  readonly partsMax: number;
  /** Send MD5 digests, for servers that know no other checksum. */
  readonly md5: boolean;
  readonly signal: AbortSignal;
}

/** As many as there can be of one object. */
const PARTS_MAX = 10_000;
const TIDY_MS = 10_000;

/**
 * Uploads a source. The object is there complete or not at all; parts of an attempt that fails are removed.
 *
 * @throws what the source throws, and the errors of the SDK
 */
export async function upload(client: S3Client, source: Part10Source, options: UploadOptions): Promise<void> {
  const { object, partBytes, signal } = options;
  if (source.sizeBytes > partBytes) return uploadInParts(client, source, options);
  const body = Buffer.allocUnsafe(source.sizeBytes);
  await readFully(source, body, 0);
  await client.send(new PutObjectCommand({ ...object, ...sized(body, options) }), { abortSignal: signal });
}

async function uploadInParts(client: S3Client, source: Part10Source, options: UploadOptions): Promise<void> {
  const { object, signal } = options;
  const { Bucket, Key } = object;
  await removeLeftovers(client, options);
  const algorithm = options.md5 ? {} : ({ ChecksumAlgorithm: 'CRC32' } as const);
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...object, ...algorithm }), {
    abortSignal: signal,
  });
  try {
    const Parts = await sendParts(client, source, { ...options, uploadId: UploadId ?? '' });
    const complete = { Bucket, Key, UploadId, MultipartUpload: { Parts } };
    // Its 200 may hold an error all the same: the client reads it, and throws that.
    await client.send(new CompleteMultipartUploadCommand(complete), { abortSignal: signal });
  } catch (error) {
    await abortUpload(client, { Bucket, Key, UploadId });
    throw error;
  }
}

/** Reads part by part, in order, and sends some of them at the same time. */
async function sendParts(
  client: S3Client,
  source: Part10Source,
  options: UploadOptions & { readonly uploadId: string },
): Promise<CompletedPart[]> {
  const { object, uploadId: UploadId, partsMax } = options;
  const { Bucket, Key } = object;
  const partBytes = Math.max(options.partBytes, Math.ceil(source.sizeBytes / PARTS_MAX));
  const failing = new AbortController();
  const signal = AbortSignal.any([options.signal, failing.signal]);
  const parts: CompletedPart[] = [];
  const running = new Set<Promise<void>>();

  const sendPart = async (PartNumber: number, body: Buffer) => {
    const part = { Bucket, Key, UploadId, PartNumber, ...sized(body, options) };
    const sent = await client.send(new UploadPartCommand(part), { abortSignal: signal });
    const { ETag, ChecksumCRC32 } = sent;
    parts[PartNumber - 1] = { PartNumber, ETag, ...(ChecksumCRC32 && { ChecksumCRC32 }) };
  };
  try {
    for (let position = 0, number = 1; position < source.sizeBytes; position += partBytes, number += 1) {
      const body = Buffer.allocUnsafeSlow(Math.min(partBytes, source.sizeBytes - position));
      await readFully(source, body, position);
      const sending = sendPart(number, body).finally(() => running.delete(sending));
      sending.catch(() => {}); // Said by whoever waits for it below.
      running.add(sending);
      if (running.size >= partsMax) await Promise.race(running);
    }
    await Promise.all(running);
    return parts;
  } catch (error) {
    failing.abort();
    await Promise.allSettled(running);
    throw error;
  }
}

/** What an attempt left behind that was cut off by a kill or a power cut. Of objects of that key only. */
async function removeLeftovers(client: S3Client, { object, signal }: UploadOptions): Promise<void> {
  const { Bucket, Key } = object;
  try {
    const list = new ListMultipartUploadsCommand({ Bucket, Prefix: Key });
    const { Uploads = [] } = await client.send(list, { abortSignal: signal });
    const ours = Uploads.filter((one) => one.Key === Key);
    for (const { UploadId } of ours) await abortUpload(client, { Bucket, Key, UploadId });
  } catch {
    signal.throwIfAborted(); // Not every server lists, and not everybody may.
  }
}

/** Removes parts; the server forgets them by its own rules where this fails. */
async function abortUpload(
  client: S3Client,
  upload: {
    readonly Bucket: string | undefined;
    readonly Key: string | undefined;
    readonly UploadId: string | undefined;
  },
): Promise<void> {
  try {
    // Also while the gateway stops: it takes no long time.
    await client.send(new AbortMultipartUploadCommand(upload), { abortSignal: AbortSignal.timeout(TIDY_MS) });
  } catch {
    // What is wrong with the server is said by the error that led here.
  }
}

function sized(body: Buffer, { md5 }: UploadOptions) {
  return {
    Body: body,
    ContentLength: body.byteLength,
    ...(md5 && { ContentMD5: createHash('md5').update(body).digest('base64') }),
  };
}
