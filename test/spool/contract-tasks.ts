import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Claim } from '../../src/spool/spool.ts';
import { ClaimsLostError, SpoolError } from '../../src/spool/spool.ts';
import { part10Of } from '../support/small-instance.ts';
import {
  completeAll,
  convert,
  entryIdOf,
  failed,
  planned,
  planStudies,
  productOf,
  receiveMany,
  stateOf,
  taskIdOf,
} from '../support/spool-facts.ts';
import { claim, claimNow, newInstance, readInstance, receive } from '../support/temporary-spool.ts';
import type { Fact } from './contract.ts';

const never = new AbortController().signal;

/** What becomes of tasks, and thereby of entries. */
export function testTasks(fact: Fact): void {
  // Claims.

  fact('lets a claim wait until there is work', async (t, spool) => {
    const waiting = spool.claim({ kind: 'rules', limit: 5 }, never);

    const { entryId } = await receive(spool);

    t.deepEqual(
      (await waiting).map(({ entry }) => entry.entryId),
      [entryId],
    );
  });

  fact('ends the waiting of a claim without work when its signal aborts', async (t, spool) => {
    const stop = new AbortController();
    const waiting = spool.claim({ kind: 'rules', limit: 1 }, stop.signal);

    stop.abort();

    t.deepEqual(await waiting, []);
    t.deepEqual(await spool.claim({ kind: 'rules', limit: 1 }, stop.signal), []);
    await receive(spool);
    t.is((await claim(spool, 'rules')).length, 1);
  });

  fact('ends the waiting of claims when it closes', async (t, _spool, temporary) => {
    const waiting = temporary.spool.claim({ kind: 'rules', limit: 1 }, never);

    await temporary.reopen();

    t.deepEqual(await waiting, []);
  });

  fact('gives a task to one claimer only', async (t, spool) => {
    const claimers = Array.from({ length: 6 }, async () => {
      const taken: number[] = [];
      while (taken.length < 10) taken.push(...(await claim(spool, 'rules', 10 - taken.length)).map(taskIdOf));
      return taken;
    });

    await Promise.all(Array.from({ length: 60 }, () => receive(spool)));

    t.is(new Set((await Promise.all(claimers)).flat()).size, 60);
  });

  fact('gives no more than the limit, the highest priority and then the oldest first', async (t, spool) => {
    for (const priority of [0, 5, 0, 9]) {
      await receive(spool);
      await completeAll(spool, 'rules', { tasks: [{ kind: 'delivery:pacs', priority }] });
    }

    const first = await claim(spool, 'delivery:pacs', 2);
    const second = await claim(spool, 'delivery:pacs', 5);

    t.deepEqual(
      [...first, ...second].map(({ entry }) => entry.entryId),
      [4, 2, 1, 3],
    );
    t.is(first.length, 2);
  });

  fact('gives no task that was added with less priority than is asked for', async (t, spool) => {
    for (const priority of [0, 100, -100]) {
      await receive(spool);
      await completeAll(spool, 'rules', { tasks: [{ kind: 'delivery:pacs', priority }] });
    }
    const request = { kind: 'delivery:pacs', limit: 5, priorityAtLeast: 0 } as const;

    const claims = await spool.claim(request, never);
    const waiting = spool.claim(request, never);
    await spool.status();
    await receive(spool);
    await completeAll(spool, 'rules', { tasks: [{ kind: 'delivery:pacs', priority: 1 }] });

    t.deepEqual(claims.map(entryIdOf), [2, 1]);
    t.deepEqual((await waiting).map(entryIdOf), [4]);
    t.deepEqual((await claim(spool, 'delivery:pacs', 5)).map(entryIdOf), [3]);
  });

  fact(
    'gives a part of the claims to what is less urgent and has waited too long',
    async (t, spool) => {
      await receiveMany(spool, 40);
      for (const claimed of await claim(spool, 'rules', 40)) {
        const priority = claimed.entry.entryId <= 20 ? -100 : 100;
        await spool.complete([{ ...planned(claimed), tasks: [{ kind: 'delivery:pacs', priority }] }]);
      }

      const byEight = (await claim(spool, 'delivery:pacs', 8)).map(entryIdOf);
      const one = [];
      for (let count = 0; count < 8; count += 1)
        one.push(...(await claim(spool, 'delivery:pacs')).map(entryIdOf));

      t.deepEqual(byEight, [21, 22, 23, 24, 25, 26, 1, 2]);
      t.deepEqual(
        one.filter((entryId) => entryId <= 20),
        [3, 4],
      );
    },
    { priority_ageing: '0ms' },
  );

  fact(
    'gives nothing less urgent while more urgent tasks wait and nothing has waited long',
    async (t, spool) => {
      await receiveMany(spool, 4);
      for (const claimed of await claim(spool, 'rules', 4)) {
        const priority = claimed.entry.entryId;
        await spool.complete([{ ...planned(claimed), tasks: [{ kind: 'delivery:pacs', priority }] }]);
      }

      const order = [];
      for (let count = 0; count < 4; count += 1)
        order.push(...(await claim(spool, 'delivery:pacs')).map(entryIdOf));

      t.deepEqual(order, [4, 3, 2, 1]);
    },
  );

  fact('gives exactly the tasks that are asked for, due or not, and does not wait', async (t, spool) => {
    await receiveMany(spool, 4);
    const [a, b, c, d] = (await claim(spool, 'rules', 4)) as [Claim, Claim, Claim, Claim];
    await spool.defer([a], { dueAtMs: Date.now() + 60_000 });
    await spool.release([b]);
    await spool.fail([failed(c)]);
    const taskIds = [a, b, c, d].map(taskIdOf);

    const claims = await spool.claim({ kind: 'rules', limit: 10, taskIds }, never);

    t.deepEqual(claims.map(taskIdOf), [a.taskId, b.taskId]);
    t.deepEqual(await spool.claim({ kind: 'rules', limit: 10, taskIds }, never), []);
    t.deepEqual(await spool.claim({ kind: 'conversion', limit: 10, taskIds }, never), []);
    await spool.complete(claims.map(planned));
  });

  // Order within studies.

  fact(
    'gives the tasks of one study in order, and none past one that is at work or tried again',
    async (t, spool) => {
      await planStudies(spool, ['1.2.1', '1.2.1', '1.2.2', '1.2.1', '1.2.1', '1.2.2']);
      const request = { kind: 'delivery:pacs', limit: 2, inOrderOf: 'study' } as const;

      const first = await spool.claim(request, never);
      const second = await spool.claim(request, never);
      t.deepEqual(first.map(entryIdOf), [1, 2]);
      t.deepEqual(second.map(entryIdOf), [3, 6]);

      const third = spool.claim(request, never);
      await spool.complete([planned(second[0] as Claim)]);
      const [again, next] = first as [Claim, Claim];
      await spool.fail([{ ...failed(again), retryAtMs: Date.now() + 100 }]);
      await spool.complete([planned(next)]);
      t.deepEqual((await third).map(entryIdOf), [1]);
      const fourth = spool.claim(request, never);
      await spool.fail([failed((await third)[0] as Claim)]);
      t.deepEqual((await fourth).map(entryIdOf), [4, 5]);
    },
  );

  fact('lets the study go on when an operator holds or discards what kept it back', async (t, spool) => {
    await planStudies(spool, ['1.2.1', '1.2.1', '1.2.1', '1.2.1']);
    const request = { kind: 'delivery:pacs', limit: 1, inOrderOf: 'study' } as const;
    const deferred = await spool.claim(request, never);
    await spool.defer(deferred, { dueAtMs: Date.now() + 60_000 });
    const waiting = spool.claim(request, never);
    await spool.status();

    await spool.hold({ entryIds: [1] }, 'wait');

    t.deepEqual((await waiting).map(entryIdOf), [2]);
    const next = spool.claim(request, never);
    await spool.discard({ entryIds: [2] }, { reason: 'test', by: 'ann' });
    t.deepEqual((await next).map(entryIdOf), [3]);
    await spool.retry({ entryIds: [1] });
    await spool.complete((await next).map(planned));
    t.deepEqual((await spool.claim(request, never)).map(entryIdOf), [1]);
  });

  fact('gives all there is when nobody asks for an order any more', async (t, _spool, temporary) => {
    await planStudies(temporary.spool, ['1.2.1', '1.2.1', '1.2.1', '1.2.1', '1.2.2']);
    const inOrder = { kind: 'delivery:pacs', inOrderOf: 'study' } as const;
    await temporary.spool.claim({ ...inOrder, limit: 1 }, never);
    t.deepEqual((await temporary.spool.claim({ ...inOrder, limit: 9 }, never)).map(entryIdOf), [5]);

    t.deepEqual((await claim(temporary.spool, 'delivery:pacs', 2)).map(entryIdOf), [2, 3]);
    const spool = await temporary.reopen();

    t.deepEqual((await spool.claim({ ...inOrder, limit: 9 }, never)).map(entryIdOf), [1, 2, 3, 4, 5]);
  });

  fact('keeps no instance back that says of no study', async (t, spool) => {
    await planStudies(spool, ['', '', '']);
    const request = { kind: 'delivery:pacs', limit: 1, inOrderOf: 'study' } as const;

    for (const entryId of [1, 2, 3])
      t.deepEqual((await spool.claim(request, never)).map(entryIdOf), [entryId]);
  });

  fact('keeps a task back until it is due', async (t, spool) => {
    await receive(spool);
    const dueAtMs = Date.now() + 150;
    await completeAll(spool, 'rules', { tasks: [{ kind: 'delivery:pacs', dueAtMs }] });
    t.deepEqual(await claimNow(spool, 'delivery:pacs'), []);

    const claims = await claim(spool, 'delivery:pacs');

    t.is(claims.length, 1);
    t.true(Date.now() >= dueAtMs - 5);
  });

  // Fault case 33.
  fact(
    'gives a claim to others when its lease runs out, and then takes nothing from its first holder',
    async (t, spool) => {
      await receive(spool);
      await receive(spool);
      const [lost, kept] = await spool.claim({ kind: 'rules', limit: 2, leaseMs: 60 }, never);
      await spool.renew([kept as Claim], 60_000);

      const [again] = await claim(spool, 'rules');

      t.is(again?.taskId, lost?.taskId);
      t.is(again?.attempt, 2);
      const error = await t.throwsAsync(spool.complete([planned(lost as Claim), planned(kept as Claim)]), {
        instanceOf: ClaimsLostError,
      });
      t.deepEqual(error?.taskIds, [lost?.taskId]);
      await t.throwsAsync(spool.renew([lost as Claim], 1000), { instanceOf: ClaimsLostError });
      await t.throwsAsync(spool.fail([failed(lost as Claim)]), { instanceOf: ClaimsLostError });
      await t.throwsAsync(spool.defer([lost as Claim], { dueAtMs: 0 }), { instanceOf: ClaimsLostError });
      await spool.release([lost as Claim]);
      t.is((await spool.status()).states.delivered, 1);
      await spool.complete([planned(again as Claim)]);
      t.is((await spool.status()).states.delivered, 2);
      const [row] = await spool.query({ entryIds: [(lost as Claim).entry.entryId] });
      t.like(row?.tasks[0]?.attempts?.[0], { attempt: 1, code: 'LEASE_EXPIRED', disposition: 'unclear' });
    },
  );

  fact('settles a claim once', async (t, spool) => {
    await receive(spool);
    const [claimed] = await claim(spool, 'rules');

    await spool.complete([planned(claimed as Claim)]);

    await t.throwsAsync(spool.complete([planned(claimed as Claim)]), { instanceOf: ClaimsLostError });
  });

  fact(
    'does not count an attempt that was released, deferred, or not the instance’s fault',
    async (t, spool) => {
      await receive(spool);
      const claimOne = async () => (await claim(spool, 'rules'))[0] as Claim;

      await spool.release([await claimOne()]);
      await spool.defer([await claimOne()], { dueAtMs: Date.now() });
      await spool.fail([{ ...failed(await claimOne()), retryAtMs: Date.now(), counts: false }]);
      const first = await claimOne();
      await spool.fail([{ ...failed(first), retryAtMs: Date.now() }]);
      const second = await claimOne();

      t.is(first.attempt, 1);
      t.is(second.attempt, 2);
      t.is(second.firstAttemptAtMs, first.firstAttemptAtMs);
    },
  );

  fact('puts off what is deferred', async (t, spool) => {
    await receive(spool);
    const dueAtMs = Date.now() + 120;

    await spool.defer(await claim(spool, 'rules'), { dueAtMs });

    t.deepEqual(await claimNow(spool, 'rules'), []);
    t.is((await claim(spool, 'rules')).length, 1);
    t.true(Date.now() >= dueAtMs - 5);
  });

  fact('holds a task that fails without a time to try again, and tells every attempt', async (t, spool) => {
    const { entryId } = await receive(spool);
    const [first] = await claim(spool, 'rules');
    await spool.fail([{ ...failed(first as Claim), retryAtMs: Date.now(), disposition: 'unclear' }]);
    const [second] = await claim(spool, 'rules');

    await spool.fail([{ ...failed(second as Claim), status: 0xc000, message: 'It will not have it.' }]);

    const [row] = await spool.query({ entryIds: [entryId] });
    t.is(row?.state, 'held');
    t.like(row?.tasks[0], {
      state: 'held',
      code: 'REFUSED',
      reason: 'It will not have it.',
      status: 0xc000,
      attempt: 2,
    });
    t.like(row?.tasks[0]?.attempts, [
      { attempt: 2, disposition: 'hold', status: 0xc000 },
      { attempt: 1, disposition: 'unclear' },
    ]);
    t.deepEqual(await claimNow(spool, 'rules'), []);
  });

  // States of an entry.

  fact('says that an entry is delivered when the last of its tasks is done', async (t, spool) => {
    const { entryId } = await receive(spool);
    t.is(await stateOf(spool, entryId), 'pending');
    await completeAll(spool, 'rules', { tasks: [{ kind: 'delivery:a' }, { kind: 'delivery:b' }] });
    await completeAll(spool, 'delivery:a');
    t.is(await stateOf(spool, entryId), 'pending');

    await completeAll(spool, 'delivery:b');

    t.is(await stateOf(spool, entryId), 'delivered');
  });

  fact('says that an entry is held when nothing but held tasks is left of it', async (t, spool) => {
    const { entryId } = await receive(spool);
    await completeAll(spool, 'rules', {
      tasks: [
        { kind: 'delivery:a', held: { code: 'X', reason: 'no such destination' } },
        { kind: 'delivery:b' },
      ],
    });
    t.is(await stateOf(spool, entryId), 'pending');
    await completeAll(spool, 'delivery:b');
    t.is(await stateOf(spool, entryId), 'held');

    t.is(await spool.retry({ destination: 'a' }), 1);

    t.is(await stateOf(spool, entryId), 'pending');
    await completeAll(spool, 'delivery:a');
    t.is(await stateOf(spool, entryId), 'delivered');
  });

  fact('says that an entry is discarded when a rule ends it', async (t, spool) => {
    const { entryId } = await receive(spool);

    await completeAll(spool, 'rules', {
      discard: { reason: 'rule "scouts"' },
      explanation: { rule: 'scouts' },
    });

    const [row] = await spool.query({ entryIds: [entryId] });
    t.is(row?.state, 'discarded');
    t.deepEqual(row?.explanation, { rule: 'scouts' });
    t.like(row?.tasks[0], { state: 'discarded', code: 'RULE', reason: 'rule "scouts"' });
  });

  fact('keeps outcome, status and detail of what was done', async (t, spool) => {
    const { entryId } = await receive(spool);
    await completeAll(spool, 'rules', {
      tasks: [{ kind: 'delivery:a', payload: { edits: [{ remove: 'X' }] } }],
    });
    const [delivery] = await claim(spool, 'delivery:a');
    t.deepEqual(delivery?.payload, { edits: [{ remove: 'X' }] });

    await spool.complete([
      { claim: delivery as Claim, outcome: 'warning', status: 0xb000, detail: 'Coercion of data elements' },
    ]);

    const [row] = await spool.query({ entryIds: [entryId] });
    t.like(row?.tasks[1], {
      state: 'done',
      code: 'warning',
      status: 0xb000,
      reason: 'Coercion of data elements',
    });
  });

  // Products.

  fact(
    'takes in the products of a conversion with their tasks, and lets their source wait for them',
    async (t, spool) => {
      const { entryId, products, files } = await convert(t, spool, 3);

      const rows = await spool.query({});
      t.is(await stateOf(spool, entryId), 'pending');
      t.deepEqual(
        rows.slice(0, 3).map((row) => [row.origin, row.parentEntryId, row.source, row.state]),
        Array.from({ length: 3 }, () => ['converted', entryId, 'ct1', 'pending']),
      );
      t.like(await spool.status(), { accepted: 1, produced: 3 });
      for (const [index, file] of files.entries()) {
        t.true((await readInstance(spool, entryId + 1 + index)).equals(file));
      }
      const claims = await claim(spool, 'delivery:pacs', 2);
      t.deepEqual(
        claims.map(({ entry }) => entry.sopInstanceUid),
        products.slice(0, 2).map((p) => p.sopInstanceUid),
      );
      await spool.complete(claims.map((claimed) => planned(claimed)));
      t.is(await stateOf(spool, entryId), 'pending');
      await spool.fail((await claim(spool, 'delivery:pacs')).map(failed));
      t.is(await stateOf(spool, entryId), 'held');
      await spool.retry({});
      await completeAll(spool, 'delivery:pacs');
      t.is(await stateOf(spool, entryId), 'delivered');
      t.like(await spool.status(), { producedStates: { delivered: 3 }, states: { delivered: 1 } });
    },
  );

  fact('says that a source is discarded when a product of it was', async (t, spool) => {
    const { entryId } = await convert(t, spool, 2);
    await spool.discard({ entryIds: [entryId + 1] }, { reason: 'blurred', by: 'ann' });

    await completeAll(spool, 'delivery:pacs');

    t.is(await stateOf(spool, entryId), 'discarded');
  });

  fact(
    'takes no product from outside of the work folder, and none that is not what it is said to be',
    async (t, spool, temporary) => {
      await receive(spool);
      await completeAll(spool, 'rules', { tasks: [{ kind: 'conversion' }] });
      const [conversion] = await claim(spool, 'conversion');
      const folder = await spool.workFolder((conversion as Claim).taskId);
      const outside = join(temporary.directory, 'outside.dcm');
      const garbage = join(folder, 'garbage.dcm');
      await writeFile(outside, part10Of(newInstance()));
      await writeFile(garbage, 'no DICOM');

      for (const path of [outside, join(folder, '../../outside.dcm'), garbage, join(folder, 'missing.dcm')]) {
        const products = [{ ...productOf(newInstance()), path }];
        const error = await t.throwsAsync(spool.complete([{ ...planned(conversion as Claim), products }]), {
          instanceOf: SpoolError,
        });
        t.is(error?.code, 'PRODUCT_REJECTED');
      }

      await spool.complete([planned(conversion as Claim)]);
      t.like(await spool.status(), { accepted: 1, produced: 0 });
    },
  );

  fact(
    'keeps the work folder of a task across a restart, and only until the task is settled',
    async (t, _spool, temporary) => {
      await receive(temporary.spool);
      await completeAll(temporary.spool, 'rules', { tasks: [{ kind: 'conversion' }] });
      const [first] = await claim(temporary.spool, 'conversion');
      const folder = await temporary.spool.workFolder((first as Claim).taskId);
      const instance = newInstance();
      await writeFile(join(folder, '1.dcm'), part10Of(instance));

      const spool = await temporary.reopen();

      const [again] = await claim(spool, 'conversion');
      t.is(again?.taskId, first?.taskId);
      t.is(await spool.workFolder((again as Claim).taskId), folder);
      const products = [{ ...productOf(instance), path: join(folder, '1.dcm') }];
      await spool.complete([{ ...planned(again as Claim), products }]);
      await t.throwsAsync(spool.workFolder((again as Claim).taskId), { instanceOf: SpoolError });
      await spool.close();
      await t.throwsAsync(writeFile(join(folder, '2.dcm'), ''), { code: 'ENOENT' });
      await temporary.reopen();
    },
  );
}
