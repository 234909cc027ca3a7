import { type Disposition, GatewayError } from '../errors.ts';

/** What the spool may answer instead of doing what it was asked. Closed: these become texts and labels. */
export const SPOOL_ERROR_DISPOSITIONS = {
  /** Bytes could not be written or synced: disk full or failing. Nothing of the instance is left. */
  WRITE_FAILED: 'retry',
  /** The rows could not be committed. Nothing of the request has happened. */
  COMMIT_FAILED: 'retry',
  /** The lease ran out, an operator stepped in, or the claim was settled before. */
  CLAIM_LOST: 'unclear',
  /** No such entry. */
  ENTRY_UNKNOWN: 'hold',
  /** The entry is known, its bytes were removed by retention. */
  BYTES_PURGED: 'hold',
  /** Another data set of the same SOP Instance UID is here, and the policy is to refuse the later. */
  OTHER_CONTENT: 'hold',
  /** A product is no file of the task's work folder, or no Part 10 file. */
  PRODUCT_REJECTED: 'hold',
  /** A request that no version of the caller should have made. */
  REQUEST_REJECTED: 'hold',
  /** Another process serves this directory. */
  SPOOL_LOCKED: 'hold',
  /** The directory was written by a later version. */
  SCHEMA_TOO_NEW: 'hold',
  /** The spool is closed, or its thread has died. */
  SPOOL_CLOSED: 'retry',
} as const satisfies Record<string, Disposition>;

export type SpoolErrorCode = keyof typeof SPOOL_ERROR_DISPOSITIONS;

/** The spool could not do what it was asked. */
export class SpoolError extends GatewayError {
  override readonly code: SpoolErrorCode;
  override readonly disposition: Disposition;

  constructor(
    code: SpoolErrorCode,
    message: string,
    context: Record<string, string | number> = {},
    options?: ErrorOptions,
  ) {
    super(message, context, options);
    this.code = code;
    this.disposition = SPOOL_ERROR_DISPOSITIONS[code];
  }
}

/** Some claims of a batch were no longer held by the caller. The rest of the batch has been committed. */
export class ClaimsLostError extends SpoolError {
  readonly taskIds: readonly number[];

  constructor(verb: string, taskIds: readonly number[]) {
    super(
      'CLAIM_LOST',
      `Cannot ${verb} ${taskIds.length} of the claims as they were lost: tasks ${taskIds.join(', ')}`,
      { lost: taskIds.length },
    );
    this.taskIds = [...taskIds];
  }
}

/** Free space is under the watermark: nothing more is taken in until it rises. */
export class SpoolRefusingError extends GatewayError {
  override readonly code = 'SPOOL_REFUSING';
  override readonly disposition = 'retry';

  constructor(context: { freeBytes: number; reservedBytes: number; watermarkFreeBytes: number }) {
    super(
      `Cannot receive as free space less the reserve must be >= ${context.watermarkFreeBytes} bytes: ` +
        `${context.freeBytes} are free, ${context.reservedBytes} reserved`,
      context,
    );
  }
}
