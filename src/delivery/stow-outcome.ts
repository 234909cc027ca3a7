/** What an answer to a store request means for the instance that was sent. Pure. PS3.18 10.5.3, I.2. */
import { categoryOfStatus, formatStatus } from '../dimse/status.ts';
import type { HttpAnswer } from './http-connection.ts';
import { type FailureReason, type NotTaken, type Outcome, outcomeOfResponse } from './outcome.ts';
import type { OutcomeCode } from './outcome-codes.ts';
import { type ReportedInstance, readStowReport, type StowReport } from './stow-report.ts';

export interface StowOutcomeOptions {
  readonly sopInstanceUid: string;
  /** Whether "it is there already" means that the destination has the instance. */
  readonly duplicate: 'ok' | 'error';
  /** Of now, for a `Retry-After` that is a date. */
  readonly nowMs: number;
}

interface Meaning {
  readonly reason: FailureReason;
  readonly code: OutcomeCode;
  /** Ends the sentence "Destination answered 404: …". */
  readonly text: string;
}

const ADDRESS: Meaning = {
  reason: 'unreachable',
  code: 'NO_STORE_SERVICE',
  text: 'there is no store service at this URL, which must be the base of the DICOMweb services',
};
const SIGN_IN: Meaning = {
  reason: 'unreachable',
  code: 'NOT_AUTHORIZED',
  text: 'it does not let us store; what `auth` says must be right and have that right',
};
const REFUSED: Meaning = { reason: 'refused', code: 'REFUSED', text: 'it refuses the instance' };
const BUSY: Meaning = { reason: 'resources', code: 'OUT_OF_RESOURCES', text: 'it has no room for it now' };
const PROXY: Meaning = {
  reason: 'unclear',
  code: 'NO_ANSWER_BEHIND',
  text: 'the server behind it did not answer, and may have the instance',
};
const STUMBLED: Meaning = {
  reason: 'processing',
  code: 'PROCESSING_FAILURE',
  text: 'it could not process it',
};

/**
 * Of answers that tell nothing of the instance itself. What is the fault of the settings or of the server keeps the
 * instances waiting; only what may be the fault of the instance holds it.
 */
const MEANINGS: Readonly<Record<number, Meaning>> = {
  400: REFUSED,
  401: SIGN_IN,
  403: SIGN_IN,
  407: SIGN_IN,
  408: { ...PROXY, text: 'it did not get the whole request in time' },
  409: REFUSED,
  413: {
    ...REFUSED,
    code: 'TOO_LARGE',
    text: 'the instance is larger than it, or a proxy before it, lets pass',
  },
  415: { ...REFUSED, code: 'MEDIA_TYPE_REFUSED', text: 'it does not take instances of this transfer syntax' },
  422: REFUSED,
  423: STUMBLED,
  425: STUMBLED,
  429: BUSY,
  500: STUMBLED,
  502: PROXY,
  503: BUSY,
  504: PROXY,
  507: BUSY,
};

/** Beyond, a `Retry-After` is not believed. */
const RETRY_AFTER_MAX_MS = 3_600_000;

/** Failure Reasons that servers use beside those of the standard. */
const ALREADY_THERE = 45070;
const BEING_STORED = 45071;

/** Reads the answer to a store request that held one instance. */
export function outcomeOfStow(answer: HttpAnswer, options: StowOutcomeOptions): Outcome {
  const { httpStatus, contentType, body } = answer;
  const isSuccess = httpStatus >= 200 && httpStatus < 300;
  const report = body.byteLength === 0 ? undefined : readStowReport(contentType, body);
  const failed = report && ours(report.failed, options);
  if (failed) return outcomeOfFailure(failed, answer, options);
  if (!isSuccess) return outcomeOfHttpStatus(answer, options);
  const stored = report && ours(report.stored, options);
  if (stored) return outcomeOfStored(stored);
  const [other] = report?.otherFailures ?? [];
  if (other) return outcomeOfFailure(other, answer, options);
  // 200 says that all is stored; 202 that all may be not.
  if (httpStatus !== 202 && (body.byteLength === 0 || (report && isSilent(report)))) return DELIVERED;
  return unclear(
    `Destination answered ${httpStatus}, and not what became of the instance: it should tell by a Store Instances ` +
      'Response in JSON or XML',
  );
}

const DELIVERED: Outcome = { taken: true, outcome: 'delivered' };

/** The entry of our instance: by its UID; the only one, where that names none. */
function ours(
  entries: readonly ReportedInstance[],
  { sopInstanceUid }: StowOutcomeOptions,
): ReportedInstance | undefined {
  const named = entries.find((entry) => entry.sopInstanceUid === sopInstanceUid);
  return named ?? entries.find((entry) => entry.sopInstanceUid === undefined);
}

function isSilent({ stored, failed, otherFailures }: StowReport): boolean {
  return stored.length + failed.length + otherFailures.length === 0;
}

function outcomeOfStored({ reason: warning }: ReportedInstance): Outcome {
  return warning ? { taken: true, outcome: 'warning', status: warning } : DELIVERED;
}

function outcomeOfFailure(
  { reason: status }: ReportedInstance,
  answer: HttpAnswer,
  options: StowOutcomeOptions,
): Outcome {
  const { httpStatus } = answer;
  if (status === undefined) {
    return {
      taken: false,
      reason: 'processing',
      code: 'PROCESSING_FAILURE',
      message: `Destination answered ${httpStatus}, and failed the instance without a reason`,
    };
  }
  if (status === ALREADY_THERE) return outcomeOfResponse({ status: 0x0111 }, options);
  const message = `Destination answered ${httpStatus}, and failed the instance with ${formatStatus(status)}`;
  if (status === BEING_STORED) {
    return { taken: false, reason: 'processing', code: 'PROCESSING_FAILURE', message, status };
  }
  const { outcome } = categoryOfStatus(status);
  if (outcome === 'delivered') return unclear(`${message}, which means that all is well`);
  // A warning among the failures is a failure.
  if (outcome === 'warning') return { taken: false, reason: 'refused', code: 'REFUSED', message, status };
  const read = outcomeOfResponse({ status }, options);
  return !read.taken && read.reason === 'resources' ? { ...read, ...retryAfter(answer, options) } : read;
}

function outcomeOfHttpStatus(answer: HttpAnswer, options: StowOutcomeOptions): NotTaken {
  const { httpStatus, location } = answer;
  const { reason, code, text } = MEANINGS[httpStatus] ?? (httpStatus >= 500 ? STUMBLED : ADDRESS);
  // Of a redirection the host alone: the rest may hold a session.
  const moved = location === undefined ? '' : ` (it names ${hostOf(location)} instead)`;
  const message = `Destination answered ${httpStatus}: ${text}${moved}`;
  return { taken: false, reason, code, message, ...retryAfter(answer, options) };
}

function unclear(message: string): NotTaken {
  return { taken: false, reason: 'unclear', code: 'PROTOCOL_ERROR', message };
}

/** RFC 9110 10.2.3. */
function retryAfter(
  { retryAfter: given }: HttpAnswer,
  { nowMs }: StowOutcomeOptions,
): { readonly retryAfterMs?: number } {
  if (given === undefined) return {};
  const waitMs = /^\d+$/.test(given) ? Number(given) * 1000 : Date.parse(given) - nowMs;
  if (!(waitMs > 0)) return {};
  return { retryAfterMs: Math.min(waitMs, RETRY_AFTER_MAX_MS) };
}

function hostOf(location: string): string {
  return URL.canParse(location) ? new URL(location).host : 'another path';
}
