import { type Disposition, GatewayError } from '../errors.ts';

/** Codes of deliveries that failed before the destination had its say. */
export type DeliveryErrorCode =
  | 'SOP_CLASS_NOT_ACCEPTED'
  | 'TRANSFER_SYNTAX_NOT_ACCEPTED'
  | 'ODD_LENGTH'
  | 'DIGEST_MISMATCH'
  | 'EDIT_IMPOSSIBLE'
  | 'PATH_IMPOSSIBLE'
  | 'PATH_TAKEN'
  | 'FOLDER_UNAVAILABLE'
  | 'INSTANCE_UNREADABLE'
  | 'ECHO_REFUSED'
  | 'DESTINATION_UNKNOWN';

/** A delivery that could not be made, for a reason on our side of the wire or in the negotiation. */
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

const DISPOSITIONS = {
  SOP_CLASS_NOT_ACCEPTED: 'hold',
  TRANSFER_SYNTAX_NOT_ACCEPTED: 'hold',
  ODD_LENGTH: 'hold',
  DIGEST_MISMATCH: 'hold',
  EDIT_IMPOSSIBLE: 'hold',
  PATH_IMPOSSIBLE: 'hold',
  PATH_TAKEN: 'hold',
  FOLDER_UNAVAILABLE: 'retry',
  INSTANCE_UNREADABLE: 'retry',
  ECHO_REFUSED: 'retry',
  DESTINATION_UNKNOWN: 'hold',
} as const satisfies Record<DeliveryErrorCode, Disposition>;
