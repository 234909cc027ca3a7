/** Reports of destinations on what they have taken: kept for delivery, which asked for them. */
import { randomUUID } from 'node:crypto';
import { type CommitmentAnswer, serveCommitmentReport } from '../dimse/commitment-service.ts';
import type { NormalizedRequest } from '../dimse/provider-options.ts';
import { COMMITMENT_COLLECTION, type CommitmentSent, reportRecord, type Spool } from '../spool/spool.ts';
import { commitmentReportIdle, commitmentReportReceived } from '../telemetry/commitment-events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/**
 * Serves an N-EVENT-REPORT: answered with success once it is on disk. A report that nobody asked for, or that was
 * settled before, is answered with success as well, or its sender would try for ever; nothing follows from it.
 */
export function receiveCommitmentReport(
  request: NormalizedRequest,
  { spool, telemetry }: { readonly spool: Spool; readonly telemetry: Telemetry },
): Promise<CommitmentAnswer> {
  return serveCommitmentReport(request, async (report) => {
    const { transactionUid } = report;
    const collection = COMMITMENT_COLLECTION.sent;
    const [record] = await spool.records({ collection, key: transactionUid });
    if (record === undefined) {
      commitmentReportIdle(telemetry, { transactionUid, why: 'unknown' });
      return;
    }
    await spool.keep([reportRecord(report, record.value as CommitmentSent, randomUUID())]);
    const { source } = request.association;
    const { committed, failed } = report;
    commitmentReportReceived(telemetry, {
      source,
      transactionUid,
      committed: committed.length,
      failed: failed.length,
    });
  });
}
