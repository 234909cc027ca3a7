import type { Disposition } from '../errors.ts';
import { tlsErrorOf } from '../tls/client.ts';
import type { AssociationEnd } from './association-end.ts';
import {
  AssociationAbortedError,
  AssociationClosedError,
  AssociationRejectedError,
  ConnectionFailedError,
  MessageFormatError,
  PduFormatError,
  PeerProtocolError,
} from './errors.ts';
import type { AssociationTarget } from './user-options.ts';

/** What an association was doing when it ended. */
export interface EndedWork {
  readonly target: AssociationTarget;
  readonly isConnected: boolean;
  /** `unclear` once a byte of an object has been sent. */
  readonly disposition: Disposition;
}

/** Tells whoever waits for the association, or for a response on it, why there will be none. */
export function errorOfEnd(end: AssociationEnd, work: EndedWork): Error {
  const { target, disposition } = work;
  const peer = `"${target.calledAeTitle}"`;
  switch (end.how) {
    case 'rejected':
      return new AssociationRejectedError(target.calledAeTitle, end.rejection);
    case 'aborted-by-peer': {
      const { source, reason } = end.abort;
      const message = `Cannot go on with ${peer}: it aborted the association (source ${source}, reason ${reason})`;
      return new AssociationAbortedError(message, end.abort, disposition);
    }
    case 'aborted':
      return errorOfAbort(end, work);
    case 'released':
      return new AssociationClosedError(
        `Cannot go on with ${peer}: it released the association`,
        disposition,
      );
    case 'closed': {
      const tlsError = end.error && target.tls && tlsErrorOf(end.error, `${target.host} port ${target.port}`);
      if (tlsError && disposition === 'retry') return tlsError;
      return end.error === undefined || work.isConnected
        ? new AssociationClosedError(`Cannot go on with ${peer}: the connection was closed`, disposition, {
            cause: end.error,
          })
        : new ConnectionFailedError(
            `Cannot connect to ${target.host} port ${target.port}: ${codeOf(end.error)}`,
            { host: target.host, port: target.port },
            { cause: end.error },
          );
    }
    default:
      return end satisfies never;
  }
}

function errorOfAbort(end: AssociationEnd & { how: 'aborted' }, { target, disposition }: EndedWork): Error {
  const { error } = end;
  const peer = `"${target.calledAeTitle}"`;
  if (error instanceof PduFormatError || error instanceof MessageFormatError) {
    return new PeerProtocolError(`Cannot go on with ${peer}: ${error.message}`, disposition, {
      cause: error,
    });
  }
  if (error !== undefined) return error;
  if (end.cause === 'unexpected-pdu') {
    return new PeerProtocolError(
      `Cannot go on with ${peer}: it sent a PDU that may not come now`,
      disposition,
    );
  }
  const message = `Cannot go on with ${peer}: the association was aborted on this side (${end.cause})`;
  return new AssociationAbortedError(message, end.abort, disposition);
}

/** ECONNREFUSED and the like: words of the system, which hold no addresses of their own. */
function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.name;
}
