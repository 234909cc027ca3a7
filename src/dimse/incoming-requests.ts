import { CollectedOperation, CollectingRoom } from './collected-operation.ts';
import type { CommandSet } from './command-set.ts';
import { announcesDataSet } from './message-reader.ts';
import { encodeResponse } from './provider-response.ts';
import type { AssociationServices } from './user-options.ts';

/** One peer, which sends one at a time. */
const ROOM_BYTES = 16 * 1024 * 1024;

/**
 * N-EVENT-REPORTs that come back to the requestor of an association, answered in the order they came. A peer that
 * does not wait for the responses is served one after the other all the same.
 */
export class IncomingRequests {
  readonly #serve: NonNullable<AssociationServices['eventReport']>;
  readonly #send: (response: Buffer) => void;
  readonly #room = new CollectingRoom(ROOM_BYTES);
  #current: { readonly operation: CollectedOperation; readonly finish: () => void } | undefined;
  #answering: Promise<void> = Promise.resolve();

  /** @param send called for each response, also when the association is over by then */
  constructor(serve: NonNullable<AssociationServices['eventReport']>, send: (response: Buffer) => void) {
    this.#serve = serve;
    this.#send = send;
  }

  /** Resolves when all that came so far has been answered. */
  get answered(): Promise<void> {
    return this.#answering;
  }

  /** The command set of an N-EVENT-REPORT-RQ. */
  begin(presentationContextId: number, transferSyntaxUid: string, command: CommandSet): void {
    const event = {
      sopClassUid: command.affectedSopClassUid ?? '',
      sopInstanceUid: command.affectedSopInstanceUid ?? '',
      eventTypeId: command.eventTypeId ?? 0,
      transferSyntaxUid,
    };
    const operation = new CollectedOperation(
      (dataSet) => this.#serve(announcesDataSet(command) ? { ...event, dataSet } : event),
      { room: this.#room, failed: () => {} }, // Whoever serves says itself what went wrong.
    );
    const finish = () => {
      this.#answering = this.#answering
        .then(() => operation.end())
        .then((answer) => this.#send(encodeResponse(presentationContextId, command, answer)));
    };
    if (announcesDataSet(command)) this.#current = { operation, finish };
    else finish();
  }

  dataSetBytes(bytes: Buffer): void {
    this.#current?.operation.write(bytes);
  }

  dataSetEnd(): void {
    this.#current?.finish();
    this.#current = undefined;
  }
}
