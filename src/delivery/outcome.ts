/** What one attempt to deliver came to. Pure: statuses and errors in, one word and its reason out. */
import { categoryOfStatus, formatStatus, statusDigits } from '../dimse/status.ts';
import { type Disposition, GatewayError } from '../errors.ts';

/** Why an instance was not taken. */
export type FailureReason =
  | 'unreachable' // The destination could not be reached; nothing of the instance was sent.
  | 'resources' // The destination has no room for it now (A7xx).
  | 'processing' // The destination stumbled over it (0110, 0213).
  | 'unclear' // No answer, or none that can be: the destination may have it.
  | 'refused' // It will not be taken until a person changes something.
  | 'local'; // Our own copy could not be read.

/** The destination has custody; or nobody was asked, and it is on record that it would have been. */
export interface Taken {
  readonly taken: true;
  readonly outcome: 'delivered' | 'warning' | 'duplicate' | 'reported';
  readonly status?: number;
  /** The destination's own words: for the operator, never for logs or metrics. */
  readonly comment?: string;
}

/** The destination does not have custody, as far as we know. */
export interface NotTaken {
  readonly taken: false;
  readonly reason: FailureReason;
  /** Closed set: a metric label. */
  readonly code: string;
  /** No patient data. */
  readonly message: string;
  readonly status?: number;
  readonly comment?: string;
  /** The destination asked to be left alone so long. */
  readonly retryAfterMs?: number;
}

export type Outcome = Taken | NotTaken;

/** It was cut off because the gateway stops; nobody's failure. */
export const STOPPED: NotTaken = {
  taken: false,
  reason: 'local',
  code: 'STOPPED',
  message: 'Cannot finish the delivery as the gateway stops',
};

/** What a destination wants of its answers. */
export interface OutcomeOptions {
  /** Whether the answer "duplicate" (0111) means that the destination has the instance. */
  readonly duplicate: 'ok' | 'error';
}

/** How far an attempt had come when it failed. */
export type Phase =
  | 'local' // Reading our own copy.
  | 'open' // Reaching the destination.
  | 'send'; // Handing over; what is not unclear then had not begun.

/** Reads a C-STORE response, by the table of `dimse/status.ts`. */
export function outcomeOfResponse(
  { status, errorComment }: { readonly status: number; readonly errorComment?: string },
  { duplicate }: OutcomeOptions,
): Outcome {
  const { outcome, meaning } = categoryOfStatus(status);
  const comment = errorComment === undefined ? '' : printable(errorComment);
  const answer = { status, ...(comment && { comment }) };
  const message = `Destination answered ${formatStatus(status)} (${meaning})`;
  switch (outcome) {
    case 'delivered':
    case 'warning':
      return { taken: true, outcome, ...answer };
    case 'duplicate':
      if (duplicate === 'ok') return { taken: true, outcome, ...answer };
      return { taken: false, reason: 'refused', code: 'DUPLICATE', message, ...answer };
    case 'retry-long':
      return { taken: false, reason: 'resources', code: 'OUT_OF_RESOURCES', message, ...answer };
    case 'retry-limited':
      return { taken: false, reason: 'processing', code: 'PROCESSING_FAILURE', message, ...answer };
    case 'hold':
      return { taken: false, reason: 'refused', code: 'REFUSED', message, ...answer };
    case 'protocol-error':
      return { taken: false, reason: 'unclear', code: 'PROTOCOL_ERROR', message, ...answer };
    default:
      return outcome satisfies never;
  }
}

/**
 * Reads an error. What kept an association from opening is the destination's trouble, even a rejection for
 * good: the instances are innocent, and wait until somebody has put it right.
 */
export function outcomeOfError(error: unknown, phase: Phase): NotTaken {
  if (!(error instanceof GatewayError)) {
    const message = 'Cannot deliver because of a fault in this program: its log says more';
    return { taken: false, reason: 'refused', code: 'INTERNAL_ERROR', message };
  }
  const ours = error.code === 'DATA_SET_SOURCE';
  if (ours && error.cause instanceof GatewayError) return outcomeOfError(error.cause, 'local');
  const { code, message } = error;
  return { taken: false, reason: reasonOf(error, ours ? 'local' : phase), code, message };
}

/** How the spool should treat it. */
export function dispositionOf(reason: FailureReason): Disposition {
  switch (reason) {
    case 'unreachable':
    case 'resources':
    case 'processing':
    case 'local':
      return 'retry';
    case 'unclear':
      return 'unclear';
    case 'refused':
      return 'hold';
    default:
      return reason satisfies never;
  }
}

/** A metric label: the statuses that the standard names, the rest by family. */
export function statusLabel(status: number | undefined): string {
  if (status === undefined) return 'none';
  if (KNOWN_STATUSES.has(status)) return statusDigits(status);
  const family = status >> 8;
  return family === 0xa7 || family === 0xa9 || family === 0x01 || family === 0x02
    ? `${statusDigits(status).slice(0, 2)}xx`
    : `${statusDigits(status).slice(0, 1)}xxx`;
}

/** Text that came over the wire, fit for a console: 64 printable characters at most (LO, PS3.5 6.2). */
export function printable(text: string): string {
  const shown = text.replaceAll(/[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]+/gu, ' ').trim();
  return Array.from(shown).slice(0, 64).join('');
}

function reasonOf(
  { code, disposition }: { code: string; disposition: Disposition },
  phase: Phase,
): FailureReason {
  if (phase === 'open') return 'unreachable';
  if (disposition === 'hold') return 'refused';
  if (phase === 'local' || code === 'INSTANCE_UNREADABLE') return 'local';
  return disposition === 'unclear' ? 'unclear' : 'unreachable';
}

const KNOWN_STATUSES = new Set([
  0x0000, 0x0001, 0x0105, 0x0106, 0x0107, 0x0110, 0x0111, 0x0112, 0x0116, 0x0117, 0x0118, 0x0119, 0x0120,
  0x0121, 0x0122, 0x0124, 0x0210, 0x0211, 0x0212, 0x0213, 0xa700, 0xa900, 0xb000, 0xb006, 0xb007, 0xc000,
]);
