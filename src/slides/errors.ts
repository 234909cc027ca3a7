import { GatewayError } from '../errors.ts';

/** Why a slide file cannot be read. */
export type SlideFileErrorCode =
  | 'SLIDE_FILE_DAMAGED' // It breaks the rules of its own format, or ends too early.
  | 'SLIDE_FILE_UNSUPPORTED'; // It may be right, but nothing here reads it.

/** A slide file cannot be read. It is kept; another copy of it may do. */
export class SlideFileError extends GatewayError {
  override readonly code: SlideFileErrorCode;
  override readonly disposition = 'hold';

  constructor(
    code: SlideFileErrorCode,
    message: string,
    context: Record<string, string | number> = {},
    options?: ErrorOptions,
  ) {
    super(message, context, options);
    this.code = code;
  }
}
