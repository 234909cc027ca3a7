import type { SegmentWriter } from '../files/segment-writer.ts';
import type { AcceptGroup } from './accept.ts';
import type { ClaimDesk } from './claims.ts';
import type { LedgerContext } from './context.ts';
import type { Request } from './messages.ts';
import type { ReadRequest } from './reading.ts';
import { forgetRecords, keepRecords } from './records.ts';
import { complete, fail, giveBack, renew } from './settle.ts';

/** Answered within one transaction. */
export type WriteRequest = Exclude<
  Request,
  | ReadRequest
  | {
      type:
        | 'claim'
        | 'cancel-claim'
        | 'retry'
        | 'hold'
        | 'discard'
        | 'wipe'
        | 'purge'
        | 'subscribe'
        | 'close';
    }
>;

/** What writing requests work with. */
export interface Writing {
  readonly context: LedgerContext;
  readonly desk: ClaimDesk;
  readonly segments: SegmentWriter;
  readonly accept: AcceptGroup;
}

/** True for what somebody outside relies on; the rest may be done again after a power cut. */
export function mustBeSynced(request: WriteRequest): boolean {
  switch (request.type) {
    case 'claim-tasks':
    case 'renew':
    case 'release':
    case 'defer':
    case 'fail':
      return false;
    case 'complete':
      return request.completions.some(
        ({ products, discardReason }) => products.length > 0 || discardReason !== null,
      );
    default:
      return true;
  }
}

/** True for requests that may wait a moment for others to share a transaction with. */
export function isPatient(request: Request): boolean {
  switch (request.type) {
    case 'claim':
      return true;
    case 'renew':
    case 'release':
    case 'defer':
    case 'fail':
    case 'complete':
      return !mustBeSynced(request);
    default:
      return false;
  }
}

export function answerWrite({ context, desk, segments, accept }: Writing, request: WriteRequest): unknown {
  const { clock } = context;
  switch (request.type) {
    case 'accept-bytes':
      return accept.insert(request);
    case 'accept-file':
      return accept.insertFile(request);
    case 'claim-tasks':
      return desk.takeTasks(request);
    case 'keep':
      return keepRecords(context, request.records);
    case 'forget':
      return forgetRecords(context, request.collection, request.keys);
    case 'renew':
      return renew(context, desk, request);
    case 'release':
      return giveBack(context, desk, request.claims, { dueAtMs: clock.nowMs(), countsAttempt: false });
    case 'defer':
      return giveBack(context, desk, request.claims, {
        dueAtMs: clock.fromWallMs(request.dueAtMs),
        countsAttempt: false,
      });
    case 'complete':
      return complete(context, desk, request);
    case 'fail':
      return fail(context, desk, request);
    case 'probe':
      context.statements.run('setMeta', 'probed_at_ms', clock.wallMs());
      segments.abandon();
      segments.openSegment();
      return null;
    default:
      return request satisfies never;
  }
}
