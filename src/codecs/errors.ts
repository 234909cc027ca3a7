import { GatewayError } from '../errors.ts';

/** Why the bytes of a frame do not become pixels. */
export type FrameErrorCode =
  | 'FRAME_DAMAGED' // The bytes break the rules of their own encoding, or end too early.
  | 'FRAME_UNSUPPORTED'; // The bytes may be right, but nothing here reads them.

/** A frame cannot be decoded. The instance is kept; another copy or another encoding of it may do. */
export class FrameError extends GatewayError {
  override readonly code: FrameErrorCode;
  override readonly disposition = 'hold';

  constructor(
    code: FrameErrorCode,
    message: string,
    context: Record<string, string | number> = {},
    options?: ErrorOptions,
  ) {
    super(message, context, options);
    this.code = code;
  }
}
