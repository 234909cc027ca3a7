/** Waits of this service; a test brings shorter ones. */
export interface CommitmentTiming {
  /** An instance that is not here yet may still be on its way, over another association. */
  readonly graceMs: number;
  /** What waits is looked at again so often, besides when its entry changes. */
  readonly lookEveryMs: number;
  /** Changes that come together are looked at together. */
  readonly gatherMs: number;
  /** An association at rest for so long expects no request of its own to be answered: the report may go. */
  readonly restMs: number;
  /** How long an association may be busy before the report gets one of its own. */
  readonly busyMs: number;
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
  /** After that a report is given up. */
  readonly giveUpAfterMs: number;
  /** How long a request is remembered after its report, so that it is known when it comes again. */
  readonly rememberMs: number;
}

const DAY_MS = 86_400_000;

export const COMMITMENT_TIMING: CommitmentTiming = {
  graceMs: 2000,
  lookEveryMs: 60_000,
  gatherMs: 100,
  restMs: 500,
  busyMs: 2000,
  firstRetryMs: 5000,
  longestRetryMs: 1_800_000,
  giveUpAfterMs: 7 * DAY_MS,
  rememberMs: 7 * DAY_MS,
};
