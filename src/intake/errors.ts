import { type Disposition, GatewayError } from '../errors.ts';

/** An input cannot take its place: its address is in use, or not ours. */
export class InputUnavailableError extends GatewayError {
  override readonly code = 'INPUT_UNAVAILABLE';
  override readonly disposition = 'hold';
}

/** What an HTTP request may end with before it is answered in full. Closed: these become texts and labels. */
export const REQUEST_ERROR_DISPOSITIONS = {
  /** A multipart body that is none, or ends before its last delimiter. */
  MULTIPART_MALFORMED: 'hold',
  /** More bytes or parts than the settings allow in one request. */
  REQUEST_TOO_LARGE: 'hold',
  /** Nothing came for as long as the settings allow. */
  REQUEST_STALLED: 'retry',
  /** The client went away, or was cut off by a stop. */
  REQUEST_ABORTED: 'retry',
} as const satisfies Record<string, Disposition>;

export type RequestErrorCode = keyof typeof REQUEST_ERROR_DISPOSITIONS;

/** The body of an HTTP request cannot be read to its end. */
export class RequestError extends GatewayError {
  override readonly code: RequestErrorCode;
  override readonly disposition: Disposition;

  constructor(code: RequestErrorCode, message: string) {
    super(message);
    this.code = code;
    this.disposition = REQUEST_ERROR_DISPOSITIONS[code];
  }
}
