import { type Disposition, GatewayError } from '../errors.ts';
import { type Abort, type AbortReason, describeRejection, type Rejection } from './pdu.ts';

/** Bytes from the peer that are no PDU, or not one that may come now. PS3.8 9.3. */
export class PduFormatError extends GatewayError {
  override readonly code = 'PDU_FORMAT';
  override readonly disposition = 'retry';
  /** What the A-ABORT says about it. */
  readonly abortReason: AbortReason;

  constructor(message: string, abortReason: AbortReason, context: Record<string, string | number> = {}) {
    super(message, { ...context, abortReason });
    this.abortReason = abortReason;
  }
}

/** A message that breaks PS3.7: a command set that cannot be read, a response nobody waits for. */
export class MessageFormatError extends GatewayError {
  override readonly code = 'MESSAGE_FORMAT';
  override readonly disposition = 'retry';
}

/** No transport connection with the peer. */
export class ConnectionFailedError extends GatewayError {
  override readonly code = 'CONNECTION_FAILED';
  override readonly disposition = 'retry';
}

/** The peer answered A-ASSOCIATE-RJ. PS3.8 9.3.4. */
export class AssociationRejectedError extends GatewayError {
  override readonly code = 'ASSOCIATION_REJECTED';
  override readonly disposition: 'retry' | 'hold';
  readonly rejection: Rejection;

  constructor(calledAeTitle: string, rejection: Rejection) {
    super(
      `Cannot open association with "${calledAeTitle}": the peer rejected it: ${describeRejection(rejection)}`,
      { calledAeTitle, result: rejection.result, source: rejection.source, reason: rejection.reason },
    );
    this.rejection = rejection;
    this.disposition = rejection.result === 2 ? 'retry' : 'hold'; // 2 is rejected-transient.
  }
}

/** The peer, or this side, aborted the association. `unclear` once a byte of the object was sent. */
export class AssociationAbortedError extends GatewayError {
  override readonly code = 'ASSOCIATION_ABORTED';
  override readonly disposition: Disposition;

  constructor(message: string, abort: Abort, disposition: Disposition, options?: ErrorOptions) {
    super(message, { source: abort.source, reason: abort.reason }, options);
    this.disposition = disposition;
  }
}

/** The association is over, or the connection went away under it. */
export class AssociationClosedError extends GatewayError {
  override readonly code = 'ASSOCIATION_CLOSED';
  override readonly disposition: Disposition;

  constructor(message: string, disposition: Disposition, options?: ErrorOptions) {
    super(message, {}, options);
    this.disposition = disposition;
  }
}

/** The peer broke PS3.7 or PS3.8. */
export class PeerProtocolError extends GatewayError {
  override readonly code = 'PEER_PROTOCOL';
  override readonly disposition: Disposition;

  constructor(message: string, disposition: Disposition, options?: ErrorOptions) {
    super(message, {}, options);
    this.disposition = disposition;
  }
}

/** The peer did not do in time what was expected of it. */
export class PeerTimeoutError extends GatewayError {
  override readonly code = 'PEER_TIMEOUT';
  override readonly disposition: Disposition;

  constructor(awaited: string, timeoutMs: number, disposition: Disposition) {
    super(`Cannot wait for the ${awaited} any longer: it must come within ${timeoutMs} ms`, {
      awaited,
      timeoutMs,
    });
    this.disposition = disposition;
  }
}

/** The peer receives only PDUs too small to be real. */
export class PeerPduTooSmallError extends GatewayError {
  override readonly code = 'PEER_PDU_TOO_SMALL';
  override readonly disposition = 'hold';
}

/** The association has no accepted presentation context for this SOP class in this transfer syntax. */
export class NoPresentationContextError extends GatewayError {
  override readonly code = 'NO_PRESENTATION_CONTEXT';
  override readonly disposition = 'hold';
}

/** The data set to send ended early or could not be read. The peer has not got it whole. */
export class DataSetSourceError extends GatewayError {
  override readonly code = 'DATA_SET_SOURCE';
  override readonly disposition: 'retry' | 'hold';

  constructor(message: string, disposition: 'retry' | 'hold', options?: ErrorOptions) {
    super(message, {}, options);
    this.disposition = disposition;
  }
}

/** A data set of Storage Commitment that breaks PS3.4 Annex J. */
export class CommitmentFormatError extends GatewayError {
  override readonly code = 'COMMITMENT_FORMAT';
  override readonly disposition = 'hold';
  /** What its sender is answered. */
  readonly status: number;

  constructor(message: string, status: number, options?: ErrorOptions) {
    super(message, { status }, options);
    this.status = status;
  }
}
