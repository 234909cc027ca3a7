import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type Claim, type Spool, SpoolError } from '../../../src/spool/spool.ts';
import { eventually } from '../../support/eventually.ts';
import { part10Of } from '../../support/small-instance.ts';
import { auditFiles, auditLedger } from '../../support/spool-audit.ts';
import {
  claim,
  newInstance,
  openTemporarySpool,
  readInstance,
  receive,
} from '../../support/temporary-spool.ts';

const MIB = 1024 * 1024;
const scratch = mkdtempSync(join(tmpdir(), 'slidegate-durability-'));
test.after.always(() => rmSync(scratch, { recursive: true }));

const record = join(scratch, 'record');
const flag = join(scratch, 'failing');
process.env.SLIDEGATE_TEST_RECORD = record;
process.env.SLIDEGATE_TEST_FAIL_FILE = flag;

function recordSyncs() {
  writeFileSync(record, '');
  return openTemporarySpool({ stepModule: new URL('../../support/record-syncs.ts', import.meta.url) });
}

/** What was recorded of these events, each once, in the order of their first happening since `from`. */
function orderOf(events: readonly string[], from = 0): string[] {
  const lines = readFileSync(record, 'utf8').trim().split('\n').slice(from);
  return [...new Set(lines)].filter((line) => events.includes(line));
}

function recordedSoFar(): number {
  return readFileSync(record, 'utf8').trim().split('\n').length;
}

test.serial(
  'spool answers for a small instance after its commit, and commits after its bytes are synced',
  async (t) => {
    await using temporary = await recordSyncs();
    await receive(temporary.spool);
    const from = recordedSoFar();

    await receive(temporary.spool);

    const order = [
      'write instance',
      'sync instance',
      'step transaction-begun',
      'commit',
      'step commit-answered',
    ];
    t.deepEqual(orderOf(order, from), order);
  },
);

test.serial(
  'spool answers for a large instance after its commit, and commits after bytes and name are synced',
  async (t) => {
    await using temporary = await recordSyncs();
    await receive(temporary.spool);
    const from = recordedSoFar();

    await receive(temporary.spool, newInstance({ pixelBytes: 3 * MIB }));

    const order = [
      'write instance',
      'sync instance',
      'name instance',
      'sync files',
      'step transaction-begun',
      'commit',
      'step commit-answered',
    ];
    t.deepEqual(orderOf(order, from), order);
  },
);

test.serial('spool commits products after their bytes and names are synced', async (t) => {
  await using temporary = await recordSyncs();
  const { spool } = temporary;
  await receive(spool);
  const [task] = (await claim(spool, 'rules')) as [Claim];
  const path = join(await spool.workFolder(task.taskId), '1.dcm');
  const { sopClassUid, sopInstanceUid, transferSyntaxUid, ...product } = newInstance();
  writeFileSync(path, Buffer.concat([product.fileMeta, product.dataSet]));
  const from = recordedSoFar();

  const products = [{ path, sopClassUid, sopInstanceUid, transferSyntaxUid, tasks: [] }];
  await spool.complete([{ claim: task, products, outcome: 'converted' }]);

  const order = [
    'sync instance',
    'name instance',
    'sync files',
    'step transaction-begun',
    'commit',
    'step completion-answered',
  ];
  t.deepEqual(orderOf(order, from), order);
});

function openFailing() {
  rmSync(flag, { force: true });
  return openTemporarySpool({ stepModule: new URL('../../support/failing-disk.ts', import.meta.url) });
}

/** Resolves when the spool has found by itself that its disk is well again. */
async function healthy(spool: Spool): Promise<void> {
  await eventually('the spool is healthy', async () => (await spool.status()).healthy);
}

for (const { failing, pixelBytes, code } of [
  { failing: 'segment-writing', pixelBytes: 64, code: 'WRITE_FAILED' },
  { failing: 'segment-written', pixelBytes: 64, code: 'WRITE_FAILED' },
  { failing: 'transaction-begun', pixelBytes: 64, code: 'COMMIT_FAILED' },
  { failing: 'transaction-filled', pixelBytes: 64, code: 'COMMIT_FAILED' },
  { failing: 'part-created', pixelBytes: 2 * MIB, code: 'WRITE_FAILED' },
  { failing: 'part-written', pixelBytes: 2 * MIB, code: 'WRITE_FAILED' },
  { failing: 'part-synced', pixelBytes: 2 * MIB, code: 'WRITE_FAILED' },
  { failing: 'part-renamed', pixelBytes: 2 * MIB, code: 'WRITE_FAILED' },
  { failing: 'folder-synced', pixelBytes: 2 * MIB, code: 'WRITE_FAILED' },
  { failing: 'transaction-filled', pixelBytes: 2 * MIB, code: 'COMMIT_FAILED' },
]) {
  const title = `spool keeps nothing of ${pixelBytes} bytes when the disk fails at ${failing}, and works again after`;
  test.serial(title, async (t) => {
    await using temporary = await openFailing();
    const { spool, directory } = temporary;
    const kept = newInstance();
    const { entryId } = await receive(spool, kept);
    writeFileSync(flag, failing);
    const instance = newInstance({ pixelBytes });

    const error = await t.throwsAsync(receive(spool, instance), { instanceOf: SpoolError });

    t.is(error?.code, code as never);
    t.is(error?.disposition, 'retry');
    rmSync(flag);
    t.is((await spool.status()).accepted, 1);
    await healthy(spool);
    const again = await receive(spool, instance);
    t.is(again.duplicateOf, undefined);
    t.true((await readInstance(spool, again.entryId)).equals(part10Of(instance)));
    t.true((await readInstance(spool, entryId)).equals(part10Of(kept)));
    t.is((await spool.status()).accepted, 2);
    await spool.close();
    t.deepEqual([...auditLedger(directory), ...auditFiles(directory)], []);
  });
}

test.serial('spool says that it is not healthy from a failed sync until a new segment works', async (t) => {
  await using temporary = await openFailing();
  const { spool, directory } = temporary;
  await receive(spool);
  writeFileSync(flag, 'segment-written segment-created');
  await t.throwsAsync(receive(spool), { instanceOf: SpoolError });
  await t.throwsAsync(receive(spool), { instanceOf: SpoolError });

  t.false((await spool.status()).healthy);

  rmSync(flag);
  await healthy(spool);
  await receive(spool);
  t.true(readdirSync(join(directory, 'segments')).length >= 2);
});

test.serial('spool completes at the second try what it could not commit at the first', async (t) => {
  await using temporary = await openFailing();
  const { spool, directory } = temporary;
  await receive(spool);
  const [task] = (await claim(spool, 'rules')) as [Claim];
  const folder = await spool.workFolder(task.taskId);
  const instances = [newInstance(), newInstance({ pixelBytes: 2 * MIB })];
  const products = instances.map((instance, index) => {
    const path = join(folder, `${index}.dcm`);
    writeFileSync(path, part10Of(instance));
    const { sopClassUid, sopInstanceUid, transferSyntaxUid } = instance;
    return { path, sopClassUid, sopInstanceUid, transferSyntaxUid, tasks: [] };
  });
  for (const failing of ['product-synced', 'product-linked', 'follow-ups-added', 'transaction-filled']) {
    writeFileSync(flag, failing);
    await t.throwsAsync(spool.complete([{ claim: task, products, outcome: 'converted' }]), {
      instanceOf: SpoolError,
    });
    t.is((await spool.status()).produced, 0);
  }
  rmSync(flag);

  await spool.complete([{ claim: task, products, outcome: 'converted' }]);

  t.like(await spool.status(), { produced: 2, states: { delivered: 1 } });
  t.true((await readInstance(spool, 3)).equals(part10Of(instances[1] as ReturnType<typeof newInstance>)));
  await spool.close();
  t.deepEqual([...auditLedger(directory), ...auditFiles(directory)], []);
  t.deepEqual(readdirSync(join(directory, 'work')), []);
});
