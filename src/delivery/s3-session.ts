/** Deliveries to one bucket. All that needs the SDK is here and in what this imports: it is loaded when it is used. */
import { GetObjectCommand, HeadBucketCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { GatewayError } from '../errors.ts';
import type { TlsTarget } from '../tls/client.ts';
import { tlsErrorOf } from '../tls/client.ts';
import { openClientTls } from '../tls/client-settings.ts';
import { paced } from './bandwidth.ts';
import type { DeliveryItem, DestinationDeps, DestinationSession } from './destination-kind.ts';
import { DeliveryError } from './errors.ts';
import { sopInstanceUidOf } from './existing-file.ts';
import { pathOfInstance } from './instance-path.ts';
import { type Outcome, outcomeOfError, STOPPED } from './outcome.ts';
import { openOutgoing, type PreparedInstance } from './outgoing.ts';
import { HeadBuffers } from './part10-source.ts';
import { isUniquePerInstance, type PathTemplate, parsePathTemplate } from './path-template.ts';
import { openS3Client } from './s3-client.ts';
import { outcomeOfS3Error } from './s3-outcome.ts';
import type { S3Settings } from './s3-settings.ts';
import { upload } from './s3-upload.ts';

/** What the longest File Meta Information in the field leaves plenty of. */
const FILE_META_BYTES_MAX = 8192;
const UID_KEY = 'sop-instance-uid';

export class S3Session implements DestinationSession<PreparedInstance> {
  readonly slots: number;
  readonly #buffers = new HeadBuffers();
  readonly #settings: S3Settings;
  readonly #deps: DestinationDeps;
  readonly #template: PathTemplate;
  readonly #tls: TlsTarget | undefined;
  readonly #client: S3Client;
  readonly #closing = new AbortController();
  readonly #sending = new Set<Promise<unknown>>();

  constructor(settings: S3Settings, deps: DestinationDeps) {
    this.slots = settings.uploads_max;
    this.#settings = settings;
    this.#deps = deps;
    this.#template = parsePathTemplate(settings.template);
    const isPlain = settings.endpoint !== undefined && new URL(settings.endpoint).protocol === 'http:';
    this.#tls = isPlain ? undefined : openClientTls(settings.tls, deps);
    this.#client = openS3Client(settings, this.#tls);
  }

  expect(): void {}

  prepare(item: DeliveryItem): Promise<PreparedInstance> {
    return openOutgoing(item, { instances: this.#deps.instances, buffers: this.#buffers });
  }

  async send(prepared: PreparedInstance): Promise<Outcome> {
    const sending = this.#send(prepared);
    const settled = sending.catch(() => {}).finally(() => this.#sending.delete(settled));
    this.#sending.add(settled);
    return sending;
  }

  async echo(): Promise<void> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.#settings.bucket }), {
        abortSignal: this.#closing.signal,
      });
    } catch (error) {
      // Whoever may write need not be allowed to look.
      if (statusOf(error) === 403) return;
      const { message } = this.#outcomeOf(error);
      throw new DeliveryError('ECHO_REFUSED', `Cannot count the destination as well: ${message}`);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#sending); // They remove their parts.
    this.#client.destroy();
    this.#tls?.material.close();
  }

  async #send({ item, source, close }: PreparedInstance): Promise<Outcome> {
    const { signal } = this.#closing;
    const { bucket: Bucket } = this.#settings;
    const { sopInstanceUid, sopClassUid } = item.entry;
    try {
      signal.throwIfAborted();
      const Key = pathOfInstance(this.#template, source, item);
      if (!isUniquePerInstance(this.#template)) await this.#assertSameInstance(Key, sopInstanceUid);
      await upload(this.#client, paced(source, this.#deps), {
        object: {
          Bucket,
          Key,
          ContentType: 'application/dicom',
          Metadata: { [UID_KEY]: sopInstanceUid, 'sop-class-uid': sopClassUid },
          ...this.#kept(),
        },
        partBytes: this.#settings.part_size_bytes,
        partsMax: this.#settings.parts_max,
        md5: this.#settings.checksums === 'md5',
        signal,
      });
      await this.#assertLength(Key, source.sizeBytes);
      return { taken: true, outcome: 'delivered' };
    } catch (error) {
      if (signal.aborted) return STOPPED;
      return this.#outcomeOf(error);
    } finally {
      await close();
    }
  }

  /** How objects are kept, as far as the settings say it. */
  #kept() {
    const { storage_class, server_side_encryption, kms_key_id } = this.#settings;
    return {
      ...(storage_class && { StorageClass: storage_class as 'STANDARD' }),
      ...(server_side_encryption && { ServerSideEncryption: server_side_encryption }),
      ...(kms_key_id && { SSEKMSKeyId: kms_key_id }),
    };
  }

  /** A key that is taken by anything but the same instance stays with it. */
  async #assertSameInstance(Key: string, sopInstanceUid: string): Promise<void> {
    const about = { Bucket: this.#settings.bucket, Key };
    const abortSignal = this.#closing.signal;
    let existing: string | undefined;
    try {
      const { Metadata } = await this.#client.send(new HeadObjectCommand(about), { abortSignal });
      existing = Metadata?.[UID_KEY];
      if (existing === undefined) {
        const Range = `bytes=0-${FILE_META_BYTES_MAX - 1}`;
        const { Body } = await this.#client.send(new GetObjectCommand({ ...about, Range }), { abortSignal });
        existing = sopInstanceUidOf((await Body?.transformToByteArray()) ?? new Uint8Array());
      }
    } catch (error) {
      if (statusOf(error) === 404 && (error as Error).name !== 'NoSuchBucket') return;
      throw error;
    }
    if (existing === sopInstanceUid) return;
    throw new DeliveryError(
      'PATH_TAKEN',
      'Cannot write the object as its key belongs to another instance: the template must make a key of its own ' +
        'for each, such as by {SOPInstanceUID}',
    );
  }

  /** What the server says that it has now. */
  async #assertLength(Key: string, sizeBytes: number): Promise<void> {
    let lengthBytes: number | undefined = 0;
    try {
      const about = { Bucket: this.#settings.bucket, Key };
      const head = await this.#client.send(new HeadObjectCommand(about), {
        abortSignal: this.#closing.signal,
      });
      lengthBytes = head.ContentLength;
    } catch (error) {
      // It said that it has it. Not everybody may look, and not every server shows.
      if ([403, 405, 501].includes(statusOf(error) ?? 0)) return;
      if (statusOf(error) !== 404) throw error;
    }
    if (lengthBytes === undefined || lengthBytes === sizeBytes) return;
    throw new DeliveryError(
      'OBJECT_LENGTH',
      `Sent an object of ${sizeBytes} bytes, and the server has ${lengthBytes || 'none'} of them`,
      { sizeBytes, lengthBytes },
    );
  }

  #outcomeOf(error: unknown) {
    if (error instanceof GatewayError) return outcomeOfError(error, 'send');
    const tlsError = error instanceof Error && this.#tls ? tlsErrorOf(error, 'S3') : undefined;
    if (tlsError) return outcomeOfError(tlsError, 'open');
    const outcome = outcomeOfS3Error(error);
    if (!outcome) throw error;
    return outcome;
  }
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}
