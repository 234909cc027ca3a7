import type { z } from 'zod';
import type { Kind } from '../kinds.ts';
import type { Claim, DeliveryPayload, Entry, StoredInstance } from '../spool/spool.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Pace } from './bandwidth.ts';
import type { CommitmentPeer } from './commitment-peer.ts';
import type { Outcome } from './outcome.ts';

/** What a member of the table of destinations must provide. */
export interface DestinationKind<Settings extends z.ZodObject> extends Kind<Settings> {
  /** Makes ready to send; touches no network, so that a destination that is down does not keep us from starting. */
  open(settings: z.infer<Settings>, deps: DestinationDeps): DestinationSession | Promise<DestinationSession>;
  /** Where it is, so that settings that are wrong together can be told. */
  addressOf(settings: z.infer<Settings>): DestinationAddress;
}

export interface DestinationAddress {
  /** The same for two destinations that are one and the same. */
  readonly place: string;
  /** The setting that says it. */
  readonly setting: string;
  /** Where it listens, if it is a server. */
  readonly server?: { readonly host: string; readonly port: number };
  /** Absolute path, if it is a folder of this machine. */
  readonly folder?: string;
}

export interface DestinationDeps {
  /** Name in the configuration. */
  readonly name: string;
  /** Where the instances are: the spool. */
  readonly instances: { open(entryId: number): Promise<OpenInstance> };
  /** What is sent is read through it, by {@link paced}, so that no more leaves per second than allowed. */
  readonly pace?: Pace;
  readonly telemetry: Telemetry;
}

/** A stored instance. One that has no digest is taken as it is. */
export type OpenInstance = Omit<StoredInstance, 'sha256' | 'location'> &
  Partial<Pick<StoredInstance, 'sha256'>>;

/** One thing to deliver. */
export type DeliveryItem = Pick<Claim<DeliveryPayload>, 'entry' | 'payload' | 'taskId'>;

/** An item that needs nothing but its turn: what could be read ahead has been. */
export interface PreparedItem {
  readonly item: DeliveryItem;
  /** Lets go of what was opened. Safe to call twice. */
  close(): Promise<void>;
}

export interface SendOptions {
  /** Which of the session's `slots` sends: what one slot sends goes in order, over one association where there are any. */
  readonly slot: number;
  /** Over an association that nothing else uses, since the item may be what ends them. */
  readonly alone: boolean;
}

/** Deliveries to one destination. */
export interface DestinationSession<Prepared extends PreparedItem = PreparedItem> {
  /** How many items it can send at the same time. */
  readonly slots: number;
  /** Present when the destination has to commit to what it has taken. */
  readonly commitment?: CommitmentPeer;
  /** Tells what will be sent soon, so that it can be negotiated at once. */
  expect(entries: readonly Entry[]): void;
  /**
   * Opens the instance and reads its beginning, while others are being sent.
   *
   * @throws {GatewayError} when our own copy cannot be read
   */
  prepare(item: DeliveryItem): Promise<Prepared>;
  /** Delivers, or says why not: it rejects only for bugs. Closes `prepared`. */
  send(prepared: Prepared, options: SendOptions): Promise<Outcome>;
  /**
   * Asks whether the destination is there.
   *
   * @throws {GatewayError} when it is not
   */
  echo?(): Promise<void>;
  /** Ends in order what is idle, and cuts off what is being sent: that settles as `STOPPED`. */
  close(): Promise<void>;
}
