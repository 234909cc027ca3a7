/**
 * # Status of a C-STORE response
 *
 * PS3.7 Annex C and PS3.4 B.2.3, and what follows for a delivery, once and for all. Pure.
 */

/** Statuses that this gateway answers with. */
export const STATUS = {
  success: 0x0000,
  processingFailure: 0x0110,
  invalidSopInstance: 0x0117,
  sopClassNotSupported: 0x0122,
  unrecognizedOperation: 0x0211,
  outOfResources: 0xa700,
  cannotUnderstand: 0xc000,
} as const;

/** Statuses of N-ACTION and N-EVENT-REPORT responses that this gateway answers with. PS3.7 10.1.1 and 10.1.4. */
export const NORMALIZED_STATUS = {
  success: 0x0000,
  processingFailure: 0x0110,
  noSuchSopInstance: 0x0112,
  noSuchEventType: 0x0113,
  noSuchArgument: 0x0114,
  invalidArgumentValue: 0x0115,
  noSuchSopClass: 0x0118,
  noSuchActionType: 0x0123,
  /** Of Storage Commitment alone: PS3.3 C.14.1.1. */
  duplicateTransactionUid: 0x0131,
  unrecognizedOperation: 0x0211,
  resourceLimitation: 0x0213,
} as const;

/** What a response means for the instance that was sent. */
export type StatusOutcome =
  | 'delivered'
  | 'warning' // Delivered; the peer had something to say about it.
  | 'duplicate' // The peer has this SOP Instance already.
  | 'retry-long' // The peer is out of resources: later, with a long back-off.
  | 'retry-limited' // May pass on its own: a few tries, then a person looks.
  | 'hold' // Will not pass until a person changes something.
  | 'protocol-error'; // No answer to a C-STORE: whether the instance was taken is unclear.

export interface StatusCategory {
  readonly outcome: StatusOutcome;
  readonly meaning: string;
}

interface Row extends StatusCategory {
  readonly from: number;
  readonly to: number;
}

/** The first row that holds the status counts; the last holds every status. */
const CATEGORIES: readonly Row[] = [
  { from: 0x0000, to: 0x0000, outcome: 'delivered', meaning: 'Success' },
  { from: 0x0001, to: 0x0001, outcome: 'warning', meaning: 'Requested optional attributes not supported' },
  { from: 0x0107, to: 0x0107, outcome: 'warning', meaning: 'Attribute list error' },
  { from: 0x0116, to: 0x0116, outcome: 'warning', meaning: 'Attribute value out of range' },
  { from: 0xb000, to: 0xb000, outcome: 'warning', meaning: 'Coercion of data elements' },
  { from: 0xb006, to: 0xb006, outcome: 'warning', meaning: 'Elements discarded' },
  { from: 0xb007, to: 0xb007, outcome: 'warning', meaning: 'Data set does not match SOP class' },
  { from: 0xb000, to: 0xbfff, outcome: 'warning', meaning: 'Warning' },
  { from: 0x0111, to: 0x0111, outcome: 'duplicate', meaning: 'Duplicate SOP instance' },
  { from: 0xa700, to: 0xa7ff, outcome: 'retry-long', meaning: 'Out of resources' },
  { from: 0x0110, to: 0x0110, outcome: 'retry-limited', meaning: 'Processing failure' },
  { from: 0x0213, to: 0x0213, outcome: 'retry-limited', meaning: 'Resource limitation' },
  { from: 0xa900, to: 0xa9ff, outcome: 'hold', meaning: 'Data set does not match SOP class' },
  { from: 0xc000, to: 0xcfff, outcome: 'hold', meaning: 'Cannot understand' },
  { from: 0x0105, to: 0x0105, outcome: 'hold', meaning: 'No such attribute' },
  { from: 0x0106, to: 0x0106, outcome: 'hold', meaning: 'Invalid attribute value' },
  { from: 0x0112, to: 0x0112, outcome: 'hold', meaning: 'No such SOP instance' },
  { from: 0x0117, to: 0x0117, outcome: 'hold', meaning: 'Invalid SOP instance' },
  { from: 0x0118, to: 0x0118, outcome: 'hold', meaning: 'No such SOP class' },
  { from: 0x0119, to: 0x0119, outcome: 'hold', meaning: 'Class-instance conflict' },
  { from: 0x0120, to: 0x0120, outcome: 'hold', meaning: 'Missing attribute' },
  { from: 0x0121, to: 0x0121, outcome: 'hold', meaning: 'Missing attribute value' },
  { from: 0x0122, to: 0x0122, outcome: 'hold', meaning: 'SOP class not supported' },
  { from: 0x0124, to: 0x0124, outcome: 'hold', meaning: 'Not authorized' },
  { from: 0x0210, to: 0x0210, outcome: 'hold', meaning: 'Duplicate invocation' },
  { from: 0x0211, to: 0x0211, outcome: 'hold', meaning: 'Unrecognized operation' },
  { from: 0x0212, to: 0x0212, outcome: 'hold', meaning: 'Mistyped argument' },
  { from: 0x0100, to: 0x02ff, outcome: 'hold', meaning: 'Failure' },
  { from: 0xa000, to: 0xafff, outcome: 'hold', meaning: 'Failure' },
  { from: 0xfe00, to: 0xfeff, outcome: 'protocol-error', meaning: 'Cancel, to a request that cannot be' },
  { from: 0xff00, to: 0xffff, outcome: 'protocol-error', meaning: 'Pending, to a request that cannot be' },
  { from: 0x0000, to: 0xffff, outcome: 'hold', meaning: 'Status unknown to the standard' },
];

/** What a status (0 to 0xFFFF) of a C-STORE response means. Total: a status outside the standard is held. */
export function categoryOfStatus(status: number): StatusCategory {
  const row = CATEGORIES.find(({ from, to }) => status >= from && status <= to);
  if (row === undefined)
    throw new RangeError(`Cannot tell the category of status ${status}: it must be 0 to 65535`);
  return { outcome: row.outcome, meaning: row.meaning };
}

/** `A700`, as metrics have it. */
export function statusDigits(status: number): string {
  return status.toString(16).toUpperCase().padStart(4, '0');
}

/** `A700H`, as logs and people write it. */
export function formatStatus(status: number): string {
  return `${statusDigits(status)}H`;
}
