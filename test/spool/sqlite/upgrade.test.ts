import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { type Claim, type Completion, type Spool, SpoolError } from '../../../src/spool/spool.ts';
import { goBack } from '../../../src/spool/sqlite/way-back.ts';
import { part10Of } from '../../support/small-instance.ts';
import { auditFiles, auditLedger } from '../../support/spool-audit.ts';
import { queriesOfV1, unpackSpoolV1 } from '../../support/spool-v1.ts';
import {
  claim,
  claimNow,
  newInstance,
  openTemporarySpool,
  readInstance,
  receive,
} from '../../support/temporary-spool.ts';

const never = new AbortController().signal;

/** Plans, converts and sends all there is, held or not. Returns the digests of what each destination got. */
async function deliverAll(spool: Spool): Promise<Map<string, string>> {
  const delivered = new Map<string, string>();
  const settle = async (
    kind: Claim['kind'],
    with_: (claimed: Claim) => Partial<Completion> | Promise<Partial<Completion>>,
  ) => {
    const rows = await spool.query({ limit: 1000 });
    const taskIds = rows
      .flatMap(({ tasks }) => tasks)
      .flatMap((task) => (task.kind === kind ? task.taskId : []));
    const claims = await spool.claim({ kind, limit: 1000, taskIds }, never);
    for (const one of claims) await spool.complete([{ claim: one, outcome: 'done', ...(await with_(one)) }]);
  };
  const send = async ({ kind, entry }: Claim) => {
    const bytes = await readInstance(spool, entry.entryId);
    const digest = createHash('sha256').update(bytes.subarray(entry.dataSetOffset)).digest('hex');
    delivered.set(`${kind} ${entry.sopInstanceUid}`, digest);
    return {};
  };
  await spool.retry({});
  await settle('rules', () => ({ tasks: [{ kind: 'delivery:a' }] }));
  await settle('conversion', () => ({ tasks: [{ kind: 'delivery:a' }] }));
  await settle('delivery:a', send);
  await settle('delivery:b', send);
  return delivered;
}

function schemaOf(path: string): unknown[] {
  using db = new DatabaseSync(path, { readOnly: true });
  return db
    .prepare("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name")
    .all();
}

function statesIn(path: string): unknown[] {
  using db = new DatabaseSync(path);
  return db
    .prepare('SELECT DISTINCT state FROM task ORDER BY 1')
    .all()
    .map(({ state }) => state);
}

// Fault case 33.
test('a backlog of version 1 is delivered by this one, whatever state its entries were in', async (t) => {
  const { directory, received } = unpackSpoolV1();
  t.teardown(() => rmSync(directory, { recursive: true }));
  const temporary = await openTemporarySpool({ directory });
  const { spool } = temporary;

  const before = await spool.status();
  t.like(before, {
    accepted: received.length,
    produced: 2,
    states: { pending: 6, held: 2, discarded: 1, delivered: 1 },
    producedStates: { delivered: 1, pending: 1 },
  });
  const halfDone = readdirSync(join(directory, 'work'));
  t.deepEqual(halfDone, ['8002']);
  const delivered = await deliverAll(spool);

  t.like(await spool.status(), { states: { pending: 0, held: 0, discarded: 1, delivered: 9 } });
  const skipped = ['1.2.3.9.3', '1.2.3.9.4', '1.2.3.9.5']; // Delivered before, discarded, sent as its products.
  for (const { sopInstanceUid, sha256 } of received) {
    if (skipped.includes(sopInstanceUid)) continue;
    const digests = [
      delivered.get(`delivery:a ${sopInstanceUid}`),
      delivered.get(`delivery:b ${sopInstanceUid}`),
    ];
    t.true(digests.includes(sha256), sopInstanceUid);
  }
  t.true(delivered.has('delivery:a 1.2.3.8.2'));
  t.false(delivered.has('delivery:a 1.2.3.8.1'));
  t.true(existsSync(join(directory, 'backups/ledger-v1.sqlite')));
  await spool.close();
  t.deepEqual([...auditLedger(directory), ...auditFiles(directory)], []);
});

test('the way back leaves the database of version 1 to the letter, and loses nothing', async (t) => {
  const { directory: served, received } = unpackSpoolV1();
  const directory = `${served}-crashed`;
  t.teardown(() => [served, directory].map((folder) => rmSync(folder, { recursive: true })));
  const ledger = join(directory, 'ledger.sqlite');
  const schema = schemaOf(join(served, 'ledger.sqlite'));
  const { spool } = await openTemporarySpool({ directory: served });
  // What version 1 knows nothing of: records, commitments, order, and what takes the place of another.
  await spool.keep([{ collection: 'commitment', key: '1.2.3', value: {}, dueAtMs: 5 }]);
  const study = { studyInstanceUid: '1.2.7' };
  const first = newInstance(study);
  await receive(spool, first);
  await receive(spool, newInstance(study));
  for (const one of await claim(spool, 'rules', 9)) {
    await spool.complete([
      {
        claim: one,
        outcome: 'planned',
        tasks: [{ kind: 'delivery:a' }, { kind: 'commitment:b' }, { kind: 'commitment:a' }],
      },
    ]);
  }
  await spool.hold({ kind: 'commitment:a' }, 'wait');
  await spool.claim({ kind: 'delivery:a', limit: 1, inOrderOf: 'study' }, never);
  const rest = await spool.claim({ kind: 'delivery:a', limit: 100, inOrderOf: 'study' }, never);
  await spool.release(rest);
  const later = newInstance({ ...study, sopInstanceUid: first.sopInstanceUid, patientId: 'P-1' });
  const [, ofSecond] = await claim(spool, 'commitment:b', 100);
  await spool.defer([ofSecond!], { dueAtMs: Date.now() + 3_600_000 });
  await receive(spool, later, { onOtherContent: 'replace' });
  const before = await spool.status();
  cpSync(served, directory, { recursive: true }); // As if it had been killed now.
  await spool.close();
  t.deepEqual(statesIn(ledger), [
    'barred',
    'behind',
    'claimed',
    'delayed',
    'discarded',
    'done',
    'held',
    'ready',
  ]);

  const went = goBack(directory, 1);

  t.deepEqual([went.from, went.to], [2, 1]);
  t.true(existsSync(went.backup));
  t.deepEqual(schemaOf(ledger), schema);
  t.deepEqual([...auditLedger(directory), ...auditFiles(directory)], []);
  const db = new DatabaseSync(ledger);
  for (const [name, sql] of Object.entries(queriesOfV1())) t.notThrows(() => db.prepare(sql), name);
  t.deepEqual(statesIn(ledger), ['delayed', 'discarded', 'done', 'held', 'ready']);
  const claimable = db.prepare(queriesOfV1().claimable as string);
  t.true(claimable.all('delivery:b', 100).length > 0);
  t.deepEqual(claimable.all('commitment:b', 100), []);
  t.deepEqual(
    db.prepare("SELECT * FROM task WHERE kind LIKE 'commitment:%' AND settled_at_ms IS NULL").all(),
    [],
  );
  db.close();

  const again = await openTemporarySpool({ directory });
  const { pending, discarded, ...others } = before.states;
  const replaced = { pending: pending - 1, discarded: discarded + 1 }; // Nobody is at work on it any more.
  t.deepEqual((await again.spool.status()).states, { ...others, ...replaced });
  const delivered = await deliverAll(again.spool);
  t.like(await again.spool.status(), { states: { pending: 0, held: 0 } });
  const digest = createHash('sha256').update(later.dataSet).digest('hex');
  t.is(delivered.get(`delivery:a ${later.sopInstanceUid}`), digest);
  t.is((await again.spool.query({ limit: 1000 })).length, received.length + 2 + 3);
  t.true(part10Of(later).length > 0);
  await again.spool.close();
  t.deepEqual([...auditLedger(directory), ...auditFiles(directory)], []);
});

test('the way back is refused while the gateway runs, and to where there is none', async (t) => {
  await using temporary = await openTemporarySpool();
  const { directory } = temporary;

  t.is(t.throws(() => goBack(directory, 1), { instanceOf: SpoolError })?.code, 'SPOOL_LOCKED');
  await temporary.spool.close();
  for (const to of [0, 2, 3]) {
    t.is(t.throws(() => goBack(directory, to), { instanceOf: SpoolError })?.code, 'REQUEST_REJECTED');
  }
  t.is(
    t.throws(() => goBack(join(directory, 'nowhere'), 1), { instanceOf: SpoolError })?.code,
    'REQUEST_REJECTED',
  );
  await temporary.reopen();
  t.deepEqual(await claimNow(temporary.spool, 'rules'), []);
});
