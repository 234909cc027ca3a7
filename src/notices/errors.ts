import { GatewayError } from '../errors.ts';

export type NoticeErrorCode =
  | 'NOTICE_UNREACHABLE' // The server of a channel of notices could not be reached, or did not answer in time.
  | 'NOTICE_REFUSED' // The server of a channel of notices did not take a notice.
  | 'NOTICE_SECRET_UNREADABLE' // A password, secret or address that a channel of notices needs cannot be read.
  | 'NOTICE_NO_SUCH_CHANNEL'; // The settings have no channel of notices of that name.

/** A notice could not be sent. Its message holds neither secrets nor addresses that are secret. */
export class NoticeError extends GatewayError {
  override readonly code: NoticeErrorCode;
  override readonly disposition = 'retry';

  constructor(code: NoticeErrorCode, message: string, options?: ErrorOptions) {
    super(message, {}, options);
    this.code = code;
  }
}
