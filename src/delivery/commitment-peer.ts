import type { CommitmentReport, SopReference } from '../dimse/storage-commitment.ts';

/** What a destination answered when it was asked to commit. */
export type CommitmentAnswer =
  /** A report follows, some time. */
  | { readonly asked: true }
  | {
      readonly asked: false;
      /**
       * `unreachable`: nothing was sent. `unclear`: it was sent, and not answered. `refused`: the destination will
       * not, as it is.
       */
      readonly reason: 'unreachable' | 'unclear' | 'refused' | 'stopped';
      /** Closed set: a metric label. */
      readonly code: string;
      /** No patient data. */
      readonly message: string;
      readonly status?: number;
    };

/** The side of a destination that commits to what it has taken. */
export interface CommitmentPeer {
  /** How long its report may take. */
  readonly timeoutMs: number;
  /** Times that an instance it does not commit to is sent again. */
  readonly resendsMax: number;
  /**
   * Asks it to commit. Resolves with its answer, whatever it is: it rejects only for bugs.
   *
   * @param keepReport called for each report that comes on the same association, which is answered once it resolves
   */
  request(
    transaction: { readonly transactionUid: string; readonly references: readonly SopReference[] },
    keepReport: (report: CommitmentReport) => Promise<void>,
  ): Promise<CommitmentAnswer>;
}
