import { STATUS } from '../dimse/status.ts';
import { GatewayError } from '../errors.ts';

/** What a peer is answered. The comment is one of these texts, never one of an error: those name files and UIDs. */
export interface Answer {
  readonly status: number;
  readonly errorComment?: string;
}

/** The instance is durable. */
export const KEPT: Answer = { status: STATUS.success };
export const INVALID_SOP_INSTANCE_UID: Answer = {
  status: STATUS.invalidSopInstance,
  errorComment: 'SOP Instance UID is no UID',
};
export const EMPTY_DATA_SET: Answer = { status: STATUS.cannotUnderstand, errorComment: 'Data set is empty' };

const OUT_OF_RESOURCES: Answer = { status: STATUS.outOfResources, errorComment: 'Out of resources' };
const PROCESSING_FAILURE: Answer = { status: STATUS.processingFailure, errorComment: 'Processing failure' };
/**
 * A Cxxx of our own, as PS3.4 B.2.3 allows: the sender keeps the instance and a person looks at it. Not 0111, which
 * many senders take for success.
 */
const OTHER_CONTENT: Answer = { status: 0xc111, errorComment: 'Other data set of this SOP Instance is here' };

/** The one place where an error becomes the status of a C-STORE response. PS3.4 B.2.3. */
export function answerOfError(error: unknown): Answer {
  if (error instanceof GatewayError && error.code === 'OTHER_CONTENT') return OTHER_CONTENT;
  // What passes without anyone's help is a want of room or of a disk that works: the peer should try again later.
  return error instanceof GatewayError && error.disposition === 'retry'
    ? OUT_OF_RESOURCES
    : PROCESSING_FAILURE;
}
