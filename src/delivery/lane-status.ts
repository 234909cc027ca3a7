import type { BreakerState } from './breaker.ts';

/** What can be seen of a lane. */
export interface LaneStatus {
  readonly destination: string;
  /** Kind of the destination; absent where the configuration has none of that name any more. */
  readonly kind?: string;
  /**
   * `suspended`: the destination is in trouble and is being probed. `closed`: it is outside of its windows.
   * `blocked`: tasks wait for a destination that the configuration no longer has.
   */
  readonly state: 'idle' | 'sending' | 'suspended' | 'closed' | 'blocked' | 'stopped';
  readonly breaker: BreakerState;
  /** When a suspended destination is asked next whether it is well again. */
  readonly nextProbeAtMs?: number;
  /** When a closed lane may send next. */
  readonly opensAtMs?: number;
  /** Where deliveries go while the destination has been down for long. */
  readonly diverting?: 'skip' | 'failover';
  /** The destination that takes over meanwhile. */
  readonly divertingTo?: string;
  /** Nothing is sent: what would have been is written down. */
  readonly reportOnly?: boolean;
  /** Being sent now. */
  readonly sending: number;
  /** Since the start of the lane. */
  readonly taken: number;
  readonly failed: number;
  readonly reported?: number;
  /** Settled without the destination, since it was down. */
  readonly skipped?: number;
  readonly failedOver?: number;
  /** Taken and not committed to, as of a few seconds ago; absent where the destination need not commit. */
  readonly awaitingCommitment?: number;
  readonly lastTakenAtMs?: number;
  /** The last failure since the destination last took something; without the peer's own words. */
  readonly lastFailure?: { readonly atMs: number; readonly code: string; readonly reason: string };
}
