import { setTimeout } from 'node:timers/promises';
import type { Claim, NewTask, Spool } from '../../src/spool/spool.ts';
import { ClaimsLostError, SpoolError } from '../../src/spool/spool.ts';
import {
  completeAll,
  convert,
  deliver,
  failed,
  planned,
  receiveMany,
  stateOf,
} from '../support/spool-facts.ts';
import { arrivalOf, claim, newInstance, readInstance, receive } from '../support/temporary-spool.ts';
import type { Fact } from './contract.ts';

const MIB = 1024 * 1024;

/** What operators do, what is told, what is kept and what goes. */
export function testKeeping(fact: Fact): void {
  // Operators.

  fact('acts on the tasks that an operator means, and only those', async (t, spool) => {
    const entryIds: number[] = [];
    for (const reason of ['no space', 'unknown SOP class', 'no space left', 'no space']) {
      entryIds.push((await receive(spool)).entryId);
      await completeAll(spool, 'rules', { tasks: [{ kind: 'delivery:a' }, { kind: 'delivery:b' }] });
      await spool.fail(
        (await claim(spool, 'delivery:a')).map((one) => ({ ...failed(one), message: reason })),
      );
    }
    const [first, , , last] = entryIds as [number, number, number, number];
    const discarding = { reason: 'duplicate study', by: 'ann' };

    t.is(await spool.retry({ reasonContains: 'no space', destination: 'a', entryIds: [first, last] }), 2);
    t.is(await spool.retry({ reasonContains: 'no space', kind: 'delivery:b' }), 0);
    t.is(await spool.retry({ kind: 'delivery:b', destination: 'a' }), 0);
    t.is(await spool.hold({ destination: 'b' }, 'waiting for the new PACS'), 4);
    t.is(await spool.hold({ destination: 'b' }, 'again'), 0);
    const byCode = { destination: 'a', states: ['held'] as const, reasonContains: 'REFUSED' };
    t.is((await spool.discard(byCode, { ...discarding, preview: true })).count, 2);
    t.is(
      (await spool.discard({ destination: 'a', states: ['held'] }, { ...discarding, preview: true })).count,
      2,
    );
    t.is((await spool.discard({ destination: 'a', states: ['held'] }, discarding)).count, 2);
    t.is((await spool.discard({ sinceMs: Date.now() + 60_000 }, discarding)).count, 0);

    const rows = await spool.query({ entryIds });
    const states = rows.map(({ tasks }) => tasks.slice(1).map(({ state }) => state));
    t.deepEqual(states, [
      ['waiting', 'held'],
      ['discarded', 'held'],
      ['discarded', 'held'],
      ['waiting', 'held'],
    ]);
    t.like(rows[1]?.tasks[1], { code: 'OPERATOR', reason: 'Discarded by ann: duplicate study' });
    t.like(rows[1]?.tasks[2], { code: 'OPERATOR', reason: 'waiting for the new PACS' });
  });

  fact('takes a claimed task out of the hands of its holder when an operator holds it', async (t, spool) => {
    const { entryId } = await receive(spool);
    const [claimed] = await claim(spool, 'rules');

    t.is(await spool.hold({ entryIds: [entryId] }, 'wait'), 1);

    await t.throwsAsync(spool.complete([planned(claimed as Claim)]), { instanceOf: ClaimsLostError });
    t.is(await stateOf(spool, entryId), 'held');
    t.is(await spool.retry({ entryIds: [entryId] }), 1);
    const [again] = await claim(spool, 'rules');
    t.is(again?.attempt, 1);
  });

  fact('acts on more tasks than fit a page', async (t, spool) => {
    const count = 1203;
    await Promise.all(Array.from({ length: count }, () => receive(spool)));

    t.is(await spool.hold({ kind: 'rules' }, 'stop'), count);
    t.is(await spool.retry({ kind: 'rules' }), count);
    t.is((await spool.discard({}, { reason: 'load test', by: 'ann' })).count, count);

    t.like(await spool.status(), { accepted: count, states: { discarded: count } });
  });

  // Records.

  fact('keeps records across a restart, each under its name', async (t, _spool, temporary) => {
    const value = { uids: ['1.2.3'], ok: true };
    await temporary.spool.keep([
      { collection: 'asked', key: 'b', value, dueAtMs: 5000 },
      { collection: 'asked', key: 'a', value: 1 },
      { collection: 'other', key: 'a', value: 'x' },
    ]);
    await temporary.spool.keep([{ collection: 'asked', key: 'a', value: null }]);

    const spool = await temporary.reopen();

    const asked = await spool.records({ collection: 'asked' });
    t.deepEqual(
      asked.map(({ keptAtMs: _, ...record }) => record),
      [
        { collection: 'asked', key: 'a', value: null },
        { collection: 'asked', key: 'b', value, dueAtMs: 5000 },
      ],
    );
    t.true(asked.every(({ keptAtMs }) => Math.abs(keptAtMs - Date.now()) < 60_000));
    t.like(await spool.records({ collection: 'other', key: 'a' }), [{ value: 'x' }]);
    t.deepEqual(await spool.records({ collection: 'other', key: 'b' }), []);
    t.is(await spool.forget('asked', ['a', 'c']), 1);
    t.deepEqual(
      (await spool.records({ collection: 'asked' })).map(({ key }) => key),
      ['b'],
    );
  });

  fact('gives records page by page, and those that are due', async (t, spool) => {
    const keys = Array.from({ length: 7 }, (_, index) => `k${index}`);
    await spool.keep(
      keys.map((key, index) => ({
        collection: 'c',
        key,
        value: index,
        ...(index > 2 && { dueAtMs: 100 - index }),
      })),
    );
    const keysOf = async (query: Omit<Parameters<Spool['records']>[0], 'collection'>) =>
      (await spool.records({ collection: 'c', ...query })).map(({ key }) => key);

    t.deepEqual(await keysOf({ limit: 3 }), ['k0', 'k1', 'k2']);
    t.deepEqual(await keysOf({ limit: 3, afterKey: 'k2' }), ['k3', 'k4', 'k5']);
    t.deepEqual(await keysOf({ dueBeforeMs: 97 }), ['k6', 'k5', 'k4']);
    t.deepEqual(await keysOf({ dueBeforeMs: 97, key: 'k4' }), ['k4']);
    t.deepEqual(await keysOf({ dueBeforeMs: 97, key: 'k3' }), []);
    t.deepEqual(await keysOf({ dueBeforeMs: 97, key: 'k0' }), []);
    await t.throwsAsync(spool.records({ collection: 'c', afterKey: 'k1', dueBeforeMs: 1 }), {
      instanceOf: SpoolError,
    });
  });

  fact('keeps all records of a call or none, and none that is too large', async (t, spool) => {
    const large = { collection: 'c', key: 'large', value: 'x'.repeat(MIB) };

    await t.throwsAsync(spool.keep([{ collection: 'c', key: 'small', value: 1 }, large]), {
      instanceOf: SpoolError,
    });

    t.deepEqual(await spool.records({ collection: 'c' }), []);
  });

  // Reading.

  fact('finds entries by number, UID, study and state, page by page', async (t, spool) => {
    const entryIds: number[] = [];
    for (let index = 0; index < 5; index += 1) {
      const instance = newInstance({ studyInstanceUid: index < 3 ? '1.2.77' : '1.2.78' });
      entryIds.push((await receive(spool, instance)).entryId);
    }
    const [a, b, c, d, e] = entryIds as [number, number, number, number, number];
    await deliver(spool, a);
    const idsOf = async (query: Parameters<Spool['query']>[0]) =>
      (await spool.query(query)).map(({ entryId }) => entryId);

    t.deepEqual(await idsOf({ limit: 2 }), [e, d]);
    t.deepEqual(await idsOf({ limit: 2, beforeEntryId: d }), [c, b]);
    t.deepEqual(await idsOf({ studyInstanceUid: '1.2.77' }), [c, b, a]);
    t.deepEqual(await idsOf({ studyInstanceUid: '1.2.77', state: 'pending', limit: 1 }), [c]);
    t.deepEqual(await idsOf({ state: 'delivered' }), [a]);
    t.deepEqual(await idsOf({ state: 'pending', beforeEntryId: c }), [b]);
    t.deepEqual(await idsOf({ entryIds: [b, d, 999] }), [d, b]);
    t.deepEqual(await idsOf({ entryIds: [a, b], state: 'delivered' }), [a]);
    const [row] = await spool.query({ entryIds: [c] });
    t.deepEqual(await idsOf({ sopInstanceUid: row?.sopInstanceUid as string }), [c]);
  });

  fact('finds what is held for one destination while it goes on to others', async (t, spool) => {
    await receiveMany(spool, 4);
    const both: NewTask[] = [{ kind: 'delivery:a' }, { kind: 'delivery:a' }, { kind: 'delivery:b' }];
    await completeAll(spool, 'rules', { tasks: both });
    const [, second, , ...others] = await claim(spool, 'delivery:a', 8);
    await spool.fail([second as Claim, ...others].map(failed));
    const idsOf = async (query: Omit<Parameters<Spool['query']>[0], 'heldKind'>) =>
      (await spool.query({ heldKind: 'delivery:a', ...query })).map(({ entryId }) => entryId);

    t.deepEqual(await idsOf({}), [4, 3, 2, 1]);
    t.deepEqual(await idsOf({ state: 'held' }), []);
    t.deepEqual(await idsOf({ beforeEntryId: 3 }), [2, 1]);
    t.deepEqual(await idsOf({ heldSinceMs: Date.now() + 60_000 }), []);
    t.deepEqual(await spool.query({ heldKind: 'delivery:b' }), []);
    await completeAll(spool, 'delivery:b');
    await spool.retry({ entryIds: [4] });
    t.deepEqual(await idsOf({ heldSinceMs: Date.now() - 60_000 }), [3, 2, 1]);
    t.deepEqual(await idsOf({ state: 'held' }), [3]);
  });

  fact('acts on what a destination has to commit to as on what it has to take', async (t, spool) => {
    await receiveMany(spool, 2);
    await completeAll(spool, 'rules', { tasks: [{ kind: 'delivery:a' }, { kind: 'commitment:a' }] });

    t.is(await spool.hold({ destination: 'a' }, 'moving'), 4);
    t.is(await spool.retry({ destination: 'a', kind: 'commitment:a' }), 2);
    t.is((await spool.discard({ destination: 'a' }, { reason: 'gone', by: 'ann' })).count, 4);
  });

  fact('counts open tasks by kind and state, with the age of the oldest', async (t, spool) => {
    const before = Date.now();
    for (let index = 0; index < 3; index += 1) await receive(spool);
    await completeAll(
      spool,
      'rules',
      { tasks: [{ kind: 'delivery:a', priority: 3 }, { kind: 'delivery:b' }] },
      2,
    );
    await spool.fail((await claim(spool, 'delivery:a')).map(failed));

    const { tasks } = await spool.status();

    const counts = tasks.map(({ kind, state, count }) => `${kind} ${state} ${count}`).sort();
    t.deepEqual(counts, [
      'delivery:a held 1',
      'delivery:a waiting 1',
      'delivery:b waiting 2',
      'rules waiting 1',
    ]);
    for (const { oldestAtMs } of tasks) t.true(oldestAtMs >= before && oldestAtMs <= Date.now());
  });

  fact('tells listeners what has changed', async (t, spool) => {
    const heard: string[] = [];
    const stop = spool.subscribe((event) => {
      heard.push(event.type === 'entry' ? `${event.entryId} ${event.state}` : Object.values(event).join(' '));
    });
    const { entryId } = await receive(spool);
    await completeAll(spool, 'rules');
    await spool.keep([{ collection: 'asked', key: '1', value: {} }]);
    stop();
    await receive(spool);

    t.deepEqual(heard, [`${entryId} pending`, 'work rules', `${entryId} delivered`, 'record asked']);
  });

  fact('tells listeners no more than they want', async (t, spool) => {
    const [records, entries]: [string[], string[]] = [[], []];
    const stopRecords = spool.subscribe(({ type }) => records.push(type), ['record']);
    await receive(spool);
    const stopEntries = spool.subscribe(({ type }) => entries.push(type), ['entry']);
    await receive(spool);
    stopEntries();
    await receive(spool);
    await spool.keep([{ collection: 'asked', key: '1', value: {} }]);

    t.deepEqual(records, ['record']);
    t.deepEqual(entries, ['entry']);
    stopRecords();
  });

  fact('tells whose claims an operator has ended before it answers the operator', async (t, spool) => {
    const heard: (readonly number[])[] = [];
    const stop = spool.subscribe((event) => {
      if (event.type === 'withdrawn') heard.push(event.taskIds);
    });
    for (let count = 0; count < 3; count += 1) await receive(spool);
    const claims = await spool.claim({ kind: 'rules', limit: 2 }, AbortSignal.timeout(5000));

    t.is(await spool.hold({ kind: 'rules' }, 'wait'), 3);

    t.deepEqual(heard.flat().toSorted(), claims.map(({ taskId }) => taskId).toSorted());
    stop();
  });

  fact('knows nothing of entries that never were', async (t, spool) => {
    const error = await t.throwsAsync(spool.open(17), { instanceOf: SpoolError });
    t.is(error?.code, 'ENTRY_UNKNOWN');
    t.deepEqual(await spool.query({ entryIds: [17] }), []);
    await t.throwsAsync(spool.workFolder(17_001), { instanceOf: SpoolError });
  });

  // Retention.

  fact('removes the bytes of what was settled long ago, and nothing else', async (t, spool) => {
    const small = await receive(spool);
    const large = await receive(spool, newInstance({ pixelBytes: 2 * MIB }));
    await completeAll(spool, 'rules');
    const open = await receive(spool);
    const held = await receive(spool);
    await spool.hold({ entryIds: [held.entryId] }, 'wait');
    const settledBeforeMs = Date.now() + 1;

    t.is(await spool.purge({ settledBeforeMs: 0, limit: 100 }), 0);
    t.is(await spool.purge({ settledBeforeMs, limit: 1 }), 1);
    t.is(await spool.purge({ settledBeforeMs, limit: 100 }), 1);

    for (const { entryId } of [small, large]) {
      const error = await t.throwsAsync(spool.open(entryId), { instanceOf: SpoolError });
      t.is(error?.code, 'BYTES_PURGED');
      t.is(await stateOf(spool, entryId), 'delivered');
      t.true((await spool.headerIndex(entryId)) !== undefined);
    }
    for (const { entryId } of [open, held]) t.true((await readInstance(spool, entryId)).length > 0);
    t.is((await spool.status()).accepted, 4);
  });

  // Fault case 35.
  fact('removes bytes of settled entries early when space is wanted, and of no other', async (t, spool) => {
    const { entryId: source } = await convert(t, spool, 1);
    await completeAll(spool, 'delivery:pacs');
    const { entryId: settled } = await receive(spool);
    await completeAll(spool, 'rules');
    const open = await receive(spool, newInstance({ pixelBytes: 2 * MIB }));
    const held = await receive(spool);
    await spool.hold({ entryIds: [held.entryId] }, 'wait');

    t.is(await spool.purge({ settledBeforeMs: 0, limit: 100, freeBytesWanted: 0 }), 0);
    t.is(await spool.purge({ settledBeforeMs: 0, limit: 2, freeBytesWanted: Number.MAX_SAFE_INTEGER }), 2);
    t.true((await readInstance(spool, source)).length > 0);
    t.is(await spool.purge({ settledBeforeMs: 0, limit: 100, freeBytesWanted: Number.MAX_SAFE_INTEGER }), 1);

    for (const entryId of [source, source + 1, settled]) {
      await t.throwsAsync(spool.open(entryId), { instanceOf: SpoolError });
    }
    for (const { entryId } of [open, held]) t.true((await readInstance(spool, entryId)).length > 0);
  });

  fact(
    'removes settled bytes by itself as soon as less is free than is wanted',
    async (t, spool) => {
      const { entryId } = await receive(spool);
      await completeAll(spool, 'rules');

      const error = await t.throwsAsync(
        async () => {
          for (;;) await readInstance(spool, entryId).then(() => setTimeout(20));
        },
        { instanceOf: SpoolError },
      );

      t.is(error?.code, 'BYTES_PURGED');
    },
    { keep_free_bytes: Number.MAX_SAFE_INTEGER },
  );

  fact('keeps sources, headers and rows longer, each as long as told', async (t, spool) => {
    const { entryId } = await convert(t, spool, 1);
    await completeAll(spool, 'delivery:pacs');
    const late = Date.now() + 1;

    t.is(await spool.purge({ settledBeforeMs: late, sourcesSettledBeforeMs: 0, limit: 100 }), 1);
    t.true((await readInstance(spool, entryId)).length > 0);
    t.is(await spool.purge({ settledBeforeMs: late, limit: 100 }), 1);
    t.is(await spool.purge({ settledBeforeMs: late, headersSettledBeforeMs: late, limit: 100 }), 2);
    t.is(await spool.headerIndex(entryId), undefined);
    t.is((await spool.query({})).length, 2);
  });

  // Restart.

  fact('lets interrupted claims wait again, and takes nothing from before', async (t, _spool, temporary) => {
    const { entryId } = await receive(temporary.spool);
    const [before] = await claim(temporary.spool, 'rules');

    const spool = await temporary.reopen();

    const [after] = await claim(spool, 'rules');
    t.is(after?.entry.entryId, entryId);
    t.is(after?.attempt, 1);
    await t.throwsAsync(spool.complete([planned(before as Claim)]), { instanceOf: ClaimsLostError });
    await spool.complete([planned(after as Claim)]);
  });

  fact('does nothing more once it is closed', async (t, spool, temporary) => {
    const reception = spool.receive(arrivalOf(newInstance()));
    await spool.close();
    await spool.close();

    t.throws(() => spool.receive(arrivalOf(newInstance())), { instanceOf: SpoolError });
    await t.throwsAsync(reception.commit(), { instanceOf: SpoolError });
    await t.throwsAsync(spool.status(), { instanceOf: SpoolError });
    await temporary.reopen();
  });
}
