import type {
  DeliveryItem,
  DestinationSession,
  PreparedItem,
  SendOptions,
} from '../../src/delivery/destination-kind.ts';
import type { NotTaken, Outcome } from '../../src/delivery/outcome.ts';
import { GatewayError } from '../../src/errors.ts';
import type { Entry } from '../../src/spool/port.ts';

class PeerGoneError extends GatewayError {
  override readonly code = 'CONNECTION_FAILED';
  override readonly disposition = 'retry';
}

export interface Sent extends SendOptions {
  readonly entryId: number;
}

/** A destination that does as it is told, and remembers what was sent to it. */
export class ScriptedSession implements DestinationSession {
  readonly slots: number;
  readonly sent: Sent[] = [];
  readonly events: string[] = [];
  /** What becomes of an instance; taken unless told otherwise. */
  answer: (entryId: number, options: SendOptions) => Outcome | Promise<Outcome> = () => TAKEN;
  /** Whether an echo is answered. */
  isThere = true;
  echoes = 0;
  open = 0;

  constructor(slots = 1) {
    this.slots = slots;
  }

  expect(_entries: readonly Entry[]): void {}

  async prepare(item: DeliveryItem): Promise<PreparedItem> {
    this.events.push(`prepare ${item.entry.entryId}`);
    this.open += 1;
    let isOpen = true;
    const close = async () => {
      if (isOpen) this.open -= 1;
      isOpen = false;
    };
    return { item, close };
  }

  async send({ item, close }: PreparedItem, options: SendOptions): Promise<Outcome> {
    const { entryId } = item.entry;
    this.events.push(`send ${entryId}`);
    this.sent.push({ entryId, ...options });
    const outcome = await this.answer(entryId, options);
    this.events.push(`answer ${entryId}`);
    await close();
    return outcome;
  }

  async echo(): Promise<void> {
    this.echoes += 1;
    if (!this.isThere) throw new PeerGoneError('Cannot connect');
  }

  async close(): Promise<void> {}
}

export const TAKEN: Outcome = { taken: true, outcome: 'delivered', status: 0 };

export function notTaken(reason: NotTaken['reason'], about: Partial<NotTaken> = {}): NotTaken {
  return { taken: false, reason, code: reason.toUpperCase(), message: `It was ${reason}`, ...about };
}
