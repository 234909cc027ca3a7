import { createHash } from 'node:crypto';
import type { DeliveryItem, OpenInstance } from '../../src/delivery/destination-kind.ts';
import type { AttributeEdit } from '../../src/spool/payload.ts';
import { part10Of, type SmallInstance } from './small-instance.ts';

/** Stored instances that lie in memory, each also as the item that delivers it. */
export class MemoryInstances {
  readonly #files = new Map<
    number,
    { readonly file: Buffer; readonly instance: SmallInstance; sha256: Buffer }
  >();
  /** Handles that are open now. */
  openNow = 0;
  /** Told of every read of stored bytes before they are given out. */
  onRead: (position: number) => void = () => {};

  add(instance: SmallInstance, edits?: readonly AttributeEdit[]): DeliveryItem {
    const entryId = this.#files.size + 1;
    const file = part10Of(instance);
    const sha256 = createHash('sha256').update(instance.dataSet).digest();
    this.#files.set(entryId, { file, instance, sha256 });
    const { sopClassUid, sopInstanceUid, transferSyntaxUid, studyInstanceUid, seriesInstanceUid } = instance;
    return {
      taskId: entryId * 1000 + 1,
      payload: { rule: 'otherwise', ...(edits && { edits }) },
      entry: {
        entryId,
        origin: 'received',
        sopClassUid,
        sopInstanceUid,
        transferSyntaxUid,
        studyInstanceUid,
        seriesInstanceUid,
        source: 'unknown',
        callingAeTitle: 'SOURCE',
        calledAeTitle: 'SLIDEGATE',
        peerAddress: '127.0.0.1',
        receivedAtMs: 0,
        sizeBytes: file.length,
        dataSetOffset: instance.fileMeta.length,
      },
    };
  }

  /** Changes a byte on the way, as a failing disk does. */
  damage(item: DeliveryItem, position: number): void {
    const { file } = this.#files.get(item.entry.entryId)!;
    file[position]! ^= 0xff;
  }

  async open(entryId: number): Promise<OpenInstance> {
    const { file, instance, sha256 } = this.#files.get(entryId)!;
    this.openNow += 1;
    return {
      sizeBytes: file.length,
      dataSetOffset: instance.fileMeta.length,
      transferSyntaxUid: instance.transferSyntaxUid,
      sha256,
      read: async (into, position) => {
        this.onRead(position);
        return file.copy(into, 0, position);
      },
      close: async () => {
        this.openNow -= 1;
      },
    };
  }
}
