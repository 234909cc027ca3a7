/**
 * # Storage Commitment SCU
 *
 * Asks a PACS to commit to what it has taken, by the AE titles that it was sent with: some look for their own
 * receptions under them. The association stays open for a while, since a quick report comes back on it.
 * PS3.4 Annex J.
 */
import { EXPLICIT_LE, IMPLICIT_LE } from '../dicom/transfer-syntax.ts';
import { serveCommitmentReport } from '../dimse/commitment-service.ts';
import type { ServiceUser } from '../dimse/service-user.ts';
import { formatStatus } from '../dimse/status.ts';
import {
  type CommitmentReport,
  type CommitmentRequest,
  encodeCommitmentRequest,
  STORAGE_COMMITMENT,
} from '../dimse/storage-commitment.ts';
import { GatewayError } from '../errors.ts';
import type { CommitmentAnswer, CommitmentPeer } from './commitment-peer.ts';
import type { OutcomeCode } from './outcome-codes.ts';
import { openObserved, releaseQuietly, type ScuAssociationDeps } from './scu-association.ts';

export interface ScuCommitmentOptions {
  readonly timeoutMs: number;
  readonly resendsMax: number;
  /** How long the association stays open for a report after the last request. */
  readonly lingerMs: number;
}

type KeepReport = (report: CommitmentReport) => Promise<void>;

export class ScuCommitment implements CommitmentPeer {
  readonly timeoutMs: number;
  readonly resendsMax: number;
  readonly #lingerMs: number;
  readonly #deps: ScuAssociationDeps;
  #user: ServiceUser | undefined;
  #lingering: NodeJS.Timeout | undefined;
  #isBusy = false;

  constructor(deps: ScuAssociationDeps, { timeoutMs, resendsMax, lingerMs }: ScuCommitmentOptions) {
    this.timeoutMs = timeoutMs;
    this.resendsMax = resendsMax;
    this.#lingerMs = lingerMs;
    this.#deps = deps;
  }

  async request(request: CommitmentRequest, keepReport: KeepReport): Promise<CommitmentAnswer> {
    clearTimeout(this.#lingering);
    this.#isBusy = true;
    try {
      return await this.#ask(request, keepReport);
    } finally {
      this.#isBusy = false;
      this.#lingering = setTimeout(() => void this.#release(), this.#lingerMs);
    }
  }

  /** Ends the association: in order when it rests, at once when something is asked. */
  async end(): Promise<void> {
    clearTimeout(this.#lingering);
    if (this.#isBusy) this.#user?.abort();
    else await this.#release();
  }

  async #ask(request: CommitmentRequest, keepReport: KeepReport): Promise<CommitmentAnswer> {
    for (;;) {
      const isFresh = !this.#user?.isOpen;
      try {
        if (isFresh) this.#user = await this.#open(keepReport);
        return await this.#send(this.#user!, request);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        const answer = this.#failed(error);
        // The peer may end an idle association just as it is used again: that is no failure of its.
        if (isFresh || answer.asked || answer.reason !== 'unreachable') return answer;
      }
    }
  }

  #open(keepReport: KeepReport): Promise<ServiceUser> {
    const context = {
      abstractSyntaxUid: STORAGE_COMMITMENT.sopClassUid,
      transferSyntaxUids: [EXPLICIT_LE, IMPLICIT_LE],
    };
    return openObserved([context], this.#deps, {
      eventReport: (event) => serveCommitmentReport({ ...event, typeId: event.eventTypeId }, keepReport),
    });
  }

  async #send(user: ServiceUser, request: CommitmentRequest): Promise<CommitmentAnswer> {
    const [transferSyntaxUid] = user.acceptedTransferSyntaxes(STORAGE_COMMITMENT.sopClassUid);
    if (transferSyntaxUid === undefined) {
      return refused(
        'COMMITMENT_NOT_ACCEPTED',
        'Cannot ask for storage commitment as the destination accepted no presentation context of it: it must ' +
          'provide Storage Commitment Push Model, or the destination be set to `commitment: none`',
      );
    }
    const { sopClassUid, sopInstanceUid, request: typeId } = STORAGE_COMMITMENT;
    const { status } = await user.action(
      { sopClassUid, sopInstanceUid, typeId, transferSyntaxUid },
      encodeCommitmentRequest(request, transferSyntaxUid),
    );
    if (status === 0) return { asked: true };
    const message = `Cannot ask for storage commitment: the destination answered N-ACTION with ${formatStatus(status)}`;
    return refused('COMMITMENT_REFUSED', message, status);
  }

  #failed({ code, message, disposition }: GatewayError): CommitmentAnswer {
    if (this.#deps.signal.aborted) return { asked: false, reason: 'stopped', code, message };
    return { asked: false, reason: disposition === 'unclear' ? 'unclear' : 'unreachable', code, message };
  }

  async #release(): Promise<void> {
    const user = this.#user;
    this.#user = undefined;
    if (user?.isOpen) await releaseQuietly(user);
  }
}

function refused(code: OutcomeCode, message: string, status?: number): CommitmentAnswer {
  return { asked: false, reason: 'refused', code, message, ...(status !== undefined && { status }) };
}
