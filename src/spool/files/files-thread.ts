import type { SpoolError } from '../errors.ts';
import type { Arrival } from '../port.ts';
import type { FileInTheMaking } from '../reception.ts';
import type { BlockPool, StagedBytes } from '../staging.ts';
import { ThreadLink } from '../thread-link.ts';
import type { Adoptee, FiledInstance, FilesWorkerOptions, FromFiles, ToFiles } from './messages.ts';

/** The main thread's end of the thread that writes large files. */
export class FilesThread {
  readonly #link: ThreadLink<ToFiles, FromFiles>;

  constructor(workerData: FilesWorkerOptions, listener: { died(error: SpoolError): void }) {
    this.#link = new ThreadLink(new URL('./worker.ts', import.meta.url), {
      workerData,
      receive: (message) => this.#link.settle(message),
      died: (error) => listener.died(error),
    });
  }

  addArena(arena: SharedArrayBuffer): void {
    this.#link.post({ type: 'arena', arena });
  }

  /** Begins a file of the folder `files`. `name` is unique for ever. */
  begin(name: string, arrival: Arrival, blocks: BlockPool): FileInTheMaking<FiledInstance> {
    const link = this.#link;
    const { sopClassUid, sopInstanceUid, transferSyntaxUid } = arrival;
    link.post({ type: 'begin', name, dataSetOffset: arrival.fileMeta.byteLength });
    return {
      async write(bytes: StagedBytes) {
        try {
          await link.ask((id) => link.post({ type: 'write', id, name, bytes })).answer;
        } finally {
          blocks.give(bytes.blocks);
        }
      },
      finish() {
        const expected = { sopClassUid, sopInstanceUid, transferSyntaxUid };
        return link.ask<FiledInstance>((id) => link.post({ type: 'finish', id, name, expected })).answer;
      },
      discard: () => link.post({ type: 'discard', name }),
      forget: () => link.post({ type: 'forget', name }),
    };
  }

  adopt(adoptees: readonly Adoptee[]): Promise<readonly FiledInstance[]> {
    return this.#link.ask<FiledInstance[]>((id) => this.#link.post({ type: 'adopt', id, adoptees })).answer;
  }

  remove(paths: readonly string[]): void {
    this.#link.post({ type: 'remove', paths });
  }

  /** Waits for removals, then ends the thread. */
  async close(): Promise<void> {
    await this.#link.ask((id) => this.#link.post({ type: 'settle', id })).answer.catch(() => {});
    await this.#link.terminate();
  }
}
