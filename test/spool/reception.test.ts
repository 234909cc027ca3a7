import test from 'ava';
import type { Arrival } from '../../src/spool/port.ts';
import {
  type Custody,
  type ReceivedFile,
  SMALL_BYTES_MAX,
  StagedReception,
} from '../../src/spool/reception.ts';
import { BLOCK_BYTES, BlockPool, type StagedBytes } from '../../src/spool/staging.ts';
import { arrivalOf, newInstance } from '../support/temporary-spool.ts';

/** Keeps in memory what a reception hands over, and writes to files when told. */
class TestCustody implements Custody<ReceivedFile> {
  readonly blocks: BlockPool;
  readonly committed: { kind: 'bytes' | 'file'; content: Buffer }[] = [];
  readonly pending: (() => void)[] = [];
  discarded = 0;
  ends = 0;
  writeError: Error | undefined;

  constructor(budgetBytes?: number) {
    this.blocks = new BlockPool(() => {}, budgetBytes);
  }

  beginFile() {
    const parts: Buffer[] = [];
    return {
      write: async (bytes: StagedBytes) => {
        await new Promise<void>((resolve) => this.pending.push(resolve));
        if (this.writeError) throw this.writeError;
        parts.push(this.#take(bytes));
      },
      finish: async () => {
        this.flush();
        await Promise.resolve();
        this.committed.push({ kind: 'file', content: Buffer.concat(parts) });
        return { fileName: '1.dcm', sizeBytes: 0 };
      },
      discard: () => {
        this.discarded += 1;
      },
      forget: () => {},
    };
  }

  async commitBytes(_arrival: Arrival, bytes: StagedBytes) {
    this.committed.push({ kind: 'bytes', content: this.#take(bytes) });
    return { entryId: 1 };
  }

  async commitFile() {
    return { entryId: 2 };
  }

  spent(): void {}

  ended(): void {
    this.ends += 1;
  }

  /** Lets the writes in flight happen. */
  flush(): void {
    for (const resume of this.pending.splice(0)) resume();
  }

  #take(bytes: StagedBytes): Buffer {
    const content = Buffer.concat(this.blocks.memory.slices(bytes));
    this.blocks.give(bytes.blocks);
    return content;
  }
}

function begin(custody: TestCustody) {
  const arrival = arrivalOf(newInstance());
  return { arrival, reception: new StagedReception(arrival, custody, () => {}) };
}

for (const [extra, kind] of [
  [0, 'bytes'],
  [1, 'file'],
] as const) {
  test(`StagedReception makes ${kind} of an instance of 1 MiB + ${extra}`, async (t) => {
    const custody = new TestCustody();
    const { arrival, reception } = begin(custody);
    const dataSet = Buffer.alloc(SMALL_BYTES_MAX - arrival.fileMeta.byteLength + extra, 'ab');

    reception.write(dataSet.subarray(0, 70_000));
    reception.write(dataSet.subarray(70_000));
    await reception.commit();

    t.is(custody.committed[0]?.kind, kind);
    t.true(custody.committed[0]?.content.equals(Buffer.concat([arrival.fileMeta, dataSet])));
    t.is(custody.blocks.blocksInUse, 0);
    t.is(custody.ends, 1);
  });
}

test('StagedReception moves to a file early when memory is scarce, and asks for a pause', async (t) => {
  const custody = new TestCustody(2 * BLOCK_BYTES);
  const { arrival, reception } = begin(custody);
  const dataSet = Buffer.alloc(5 * BLOCK_BYTES, 'xyz');

  t.false(reception.write(dataSet));
  let resumed = false;
  reception.onWritable(() => {
    resumed = true;
  });
  custody.flush();
  await new Promise((resolve) => setImmediate(resolve));

  t.true(resumed);
  await reception.commit();
  t.is(custody.committed[0]?.kind, 'file');
  t.true(custody.committed[0]?.content.equals(Buffer.concat([arrival.fileMeta, dataSet])));
});

test('StagedReception drains the rest when a write has failed, and says so at the commit', async (t) => {
  const custody = new TestCustody();
  const { reception } = begin(custody);
  custody.writeError = new Error('disk full');
  reception.write(Buffer.alloc(2 * SMALL_BYTES_MAX));
  custody.flush();
  await new Promise((resolve) => setImmediate(resolve));

  t.true(reception.write(Buffer.alloc(8 * SMALL_BYTES_MAX)));

  await t.throwsAsync(reception.commit(), { message: 'disk full' });
  t.is(custody.discarded, 1);
  t.is(custody.ends, 1);
});

test('StagedReception gives its memory back when it is discarded', (t) => {
  const custody = new TestCustody();
  const { reception } = begin(custody);
  reception.write(Buffer.alloc(300_000));
  t.true(custody.blocks.blocksInUse > 0);

  reception.discard('association aborted');

  t.is(custody.blocks.blocksInUse, 0);
  t.is(custody.ends, 1);
});
