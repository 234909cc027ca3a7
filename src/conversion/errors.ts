import { type Disposition, GatewayError } from '../errors.ts';

/** Every way a conversion fails, and what is to be done about it. */
const DISPOSITIONS = {
  /** No pixel spacing in the source and none in the rule: it is never guessed. */
  SPACING_MISSING: 'hold',
  /** A kind of object, or an encoding, that the job does not take. */
  SOURCE_UNSUPPORTED: 'hold',
  /** More pixels than the job takes. */
  SOURCE_TOO_LARGE: 'hold',
  /** The source's attributes contradict each other or its length. */
  SOURCE_DAMAGED: 'hold',
  /** libvips could not decode the source or encode the pyramid. */
  PYRAMID_FAILED: 'hold',
  /** The rule gives the job options it does not know or cannot use. */
  OPTIONS_INVALID: 'hold',
  /** A job that this version does not have. */
  JOB_UNKNOWN: 'hold',
  /** Our own checker found a fault in what was made. */
  VALIDATION_FAILED: 'hold',
  /** The volume of the work folder is full. */
  SCRATCH_FULL: 'retry',
  /** The worker took more memory than it may, and was killed. */
  MEMORY_LIMIT: 'retry',
  /** The worker took more time than it may, and was killed. */
  TIME_LIMIT: 'retry',
  /** The worker ended by itself: a crash in native code, or the system was out of memory. */
  WORKER_DIED: 'retry',
  /** Three workers ended over the same task. */
  WORKER_DIED_REPEATEDLY: 'hold',
  /** A fault in this program, of which the log says more. */
  UNEXPECTED: 'hold',
} as const satisfies Record<string, Disposition>;

export type ConversionErrorCode = keyof typeof DISPOSITIONS;

/** A conversion did not come to its end. The source is kept. */
export class ConversionError extends GatewayError {
  override readonly code: ConversionErrorCode;
  override readonly disposition: Disposition;

  constructor(
    code: ConversionErrorCode,
    message: string,
    context: Record<string, string | number> = {},
    options?: ErrorOptions,
  ) {
    super(message, context, options);
    this.code = code;
    this.disposition = DISPOSITIONS[code];
  }
}

/** An error of the worker process as it arrives in the gateway's: its code is one of the closed sets there. */
export class JobFailedError extends GatewayError {
  override readonly code: string;
  override readonly disposition: Disposition;

  constructor(failure: {
    readonly code: string;
    readonly disposition: Disposition;
    readonly message: string;
    readonly context: Readonly<Record<string, string | number>>;
  }) {
    super(failure.message, failure.context);
    this.code = failure.code;
    this.disposition = failure.disposition;
  }
}

/** Whether an error says that a volume is full: from Node, or from libvips in words. */
export function isOutOfSpace(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (error as NodeJS.ErrnoException).code === 'ENOSPC' || /no space left on device/i.test(error.message);
}
