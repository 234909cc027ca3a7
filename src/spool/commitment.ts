/**
 * What storage commitment remembers as records of the spool: the common words of the stages, which meet here and
 * nowhere else. JSON, so that any later version can read it.
 */
import type { NewRecord } from './port.ts';

export const COMMITMENT_COLLECTION = {
  /** What a destination was asked; by delivery, before it asks. Key: the transaction UID. */
  sent: 'commitment-sent',
  /** What a destination reported, until it is settled. Kept by whoever the report reached. */
  report: 'commitment-report',
} as const;

/** Value of a record in `commitment-sent`. */
export interface CommitmentSent {
  readonly destination: string;
  readonly sentAtMs: number;
  /** SOP Instance UID, and the `commitment:<destination>` tasks that wait for it. */
  readonly instances: readonly (readonly [sopInstanceUid: string, ...taskIds: number[]])[];
}

/** Value of a record in `commitment-report`: no more than was asked. */
export interface CommitmentReported {
  readonly transactionUid: string;
  readonly committed: readonly string[];
  /** SOP Instance UID and Failure Reason (0008,1197). */
  readonly failed: readonly (readonly [sopInstanceUid: string, failureReason: number])[];
}

/** A report as it came. */
interface Report {
  readonly transactionUid: string;
  readonly committed: readonly { readonly sopInstanceUid: string }[];
  readonly failed: readonly { readonly sopInstanceUid: string; readonly failureReason: number }[];
}

/**
 * The record of a report. Instances that were not asked for are left out: the record is no larger than the one of
 * the request.
 *
 * @param reportId unlike that of every other report: one may come twice
 */
export function reportRecord(report: Report, sent: CommitmentSent, reportId: string): NewRecord {
  const asked = new Set(sent.instances.map(([sopInstanceUid]) => sopInstanceUid));
  const failed = new Map(
    report.failed
      .filter(({ sopInstanceUid }) => asked.has(sopInstanceUid))
      .map(({ sopInstanceUid, failureReason }) => [sopInstanceUid, failureReason]),
  );
  const committed = new Set(
    report.committed
      .map(({ sopInstanceUid }) => sopInstanceUid)
      .filter((sopInstanceUid) => asked.has(sopInstanceUid) && !failed.has(sopInstanceUid)),
  );
  const { transactionUid } = report;
  const value: CommitmentReported = { transactionUid, committed: [...committed], failed: [...failed] };
  return { collection: COMMITMENT_COLLECTION.report, key: `${transactionUid} ${reportId}`, value };
}
