import { type Disposition, GatewayError } from '../errors.ts';

/** What keeps an instance from being delivered on our side of the wire, or in the negotiation. Closed set. */
const DISPOSITIONS = {
  /** The destination accepted no presentation context of the SOP class. */
  SOP_CLASS_NOT_ACCEPTED: 'hold',
  /** The destination takes the SOP class in other transfer syntaxes only. */
  TRANSFER_SYNTAX_NOT_ACCEPTED: 'hold',
  /** The length of the data set is odd, and the destination is not set to have it padded. */
  ODD_LENGTH: 'hold',
  /** The copy in the spool is no longer what was accepted. */
  DIGEST_MISMATCH: 'hold',
  /** The copy in the spool cannot be read now. */
  INSTANCE_UNREADABLE: 'retry',
  /** The edits of the rule cannot be made in this data set. */
  EDIT_IMPOSSIBLE: 'hold',
  /** No file of that path can be made in the folder. */
  PATH_IMPOSSIBLE: 'hold',
  /** The template gives the instance the name of another. */
  PATH_TAKEN: 'hold',
  /** The file-set has as many images as one should have. */
  FILE_SET_FULL: 'hold',
  /** The folder is not there, not writable or full. */
  FOLDER_UNAVAILABLE: 'retry',
  /** Nothing was sent: the HTTP server cannot be connected to. */
  HTTP_UNREACHABLE: 'retry',
  /** The HTTP server got something, and gave no whole answer. */
  HTTP_NO_ANSWER: 'unclear',
  /** The server has an object of another length than was sent. */
  OBJECT_LENGTH: 'unclear',
  /** The password or token to sign in with cannot be read. */
  SECRET_UNREADABLE: 'retry',
  /** The destination answered C-ECHO, or what stands for it, with a failure. */
  ECHO_REFUSED: 'retry',
  /** What would be sent cannot be written down. */
  REPORT_UNWRITABLE: 'retry',
  /** The configuration has no destination of that name. */
  DESTINATION_UNKNOWN: 'hold',
} as const satisfies Record<string, Disposition>;

export type DeliveryErrorCode = keyof typeof DISPOSITIONS;

/** An instance could not be delivered, for a reason on our side of the wire or in the negotiation. */
export class DeliveryError extends GatewayError {
  override readonly code: DeliveryErrorCode;
  override readonly disposition: Disposition;

  constructor(
    code: DeliveryErrorCode,
    message: string,
    context: Record<string, string | number> = {},
    options?: ErrorOptions,
  ) {
    super(message, context, options);
    this.code = code;
    this.disposition = DISPOSITIONS[code];
  }
}
