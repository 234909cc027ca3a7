/**
 * What every adapter of the spool must do. Run over the table of adapters in contract.test.ts; a new adapter
 * adds its line there and nothing here.
 */

import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ExecutionContext, TestFn } from 'ava';
import type { z } from 'zod';
import type {
  Arrival,
  Claim,
  Completion,
  NewTask,
  Product,
  Spool,
  SpoolSettings,
  TaskRow,
} from '../../src/spool/spool.ts';
import { ClaimsLostError, SpoolError, SpoolRefusingError } from '../../src/spool/spool.ts';
import {
  CT_IMAGE,
  EXPLICIT_LE,
  IMPLICIT_LE,
  part10Of,
  SECONDARY_CAPTURE,
  type SmallInstance,
} from '../support/small-instance.ts';
import {
  arrivalOf,
  claim,
  claimNow,
  newInstance,
  readInstance,
  receive,
  type TemporarySpool,
  writeAll,
} from '../support/temporary-spool.ts';

export interface SpoolAdapter {
  open(settings?: Partial<z.input<typeof SpoolSettings>>): Promise<TemporarySpool>;
  /** What does not fit together in what is stored. */
  audit(directory: string): string[];
}

const MIB = 1024 * 1024;
const never = new AbortController().signal;

export function testContract(test: TestFn, name: string, adapter: SpoolAdapter): void {
  /** A fact about a fresh spool; whatever it does, the books must balance at the end. */
  const fact = (
    title: string,
    check: (t: ExecutionContext, spool: Spool, temporary: TemporarySpool) => Promise<void>,
    settings: Partial<z.input<typeof SpoolSettings>> = {},
  ) => {
    test.serial(`${name} spool ${title}`, async (t) => {
      await using temporary = await adapter.open(settings);
      await check(t, temporary.spool, temporary);
      const status = await temporary.spool.status();
      const { pending, held, discarded, delivered } = status.states;
      t.is(status.accepted, pending + held + discarded + delivered);
      await temporary.spool.close(); // Files that have no owner any more are gone after it.
      t.deepEqual(adapter.audit(temporary.directory), []);
    });
  };

  // Reception.

  for (const pixelBytes of [64, MIB - 2000, 3 * MIB + 1]) {
    fact(`gives back an instance of ${pixelBytes} bytes as it came`, async (t, spool) => {
      const instance = newInstance({ pixelBytes });

      const { entryId } = await receive(spool, instance);

      const stored = await spool.open(entryId);
      t.is(stored.dataSetOffset, instance.fileMeta.length);
      t.is(stored.transferSyntaxUid, EXPLICIT_LE);
      t.deepEqual(Buffer.from(stored.sha256), createHash('sha256').update(instance.dataSet).digest());
      await stored.close();
      t.true((await readInstance(spool, entryId)).equals(part10Of(instance)));
    });
  }

  fact('reads a part of an instance, and no further than its end', async (t, spool) => {
    const first = newInstance();
    const { entryId } = await receive(spool, first);
    await receive(spool);
    const whole = part10Of(first);

    const stored = await spool.open(entryId);
    const part = Buffer.alloc(50);
    t.is(await stored.read(part, whole.length - 20), 20);
    t.true(part.subarray(0, 20).equals(whole.subarray(-20)));
    t.is(await stored.read(part, whole.length + 5), 0);
    await stored.close();
  });

  fact('keeps what was written, not what becomes of the buffer', async (t, spool) => {
    const instance = newInstance({ pixelBytes: 5000 });
    const reception = spool.receive(arrivalOf(instance));
    for (let at = 0; at < instance.dataSet.length; at += 100) {
      const piece = Buffer.from(instance.dataSet.subarray(at, at + 100));
      reception.write(piece);
      piece.fill(0xff);
    }

    const { entryId } = await reception.commit();

    t.true((await readInstance(spool, entryId)).equals(part10Of(instance)));
  });

  fact(
    'shows nothing of an instance before it is committed, and nothing after it was discarded',
    async (t, spool) => {
      for (const pixelBytes of [100, 3 * MIB]) {
        const instance = newInstance({ pixelBytes });
        const reception = spool.receive(arrivalOf(instance));
        await writeAll(reception, instance.dataSet);
        t.is((await spool.status()).accepted, 0);

        reception.discard('association aborted');
        reception.discard('twice');

        await t.throwsAsync(reception.commit(), { instanceOf: SpoolError });
        t.true(reception.write(Buffer.alloc(10)));
        t.deepEqual(await spool.query({}), []);
      }
    },
  );

  fact('makes the sender of a large instance pause, and lets it go on', async (t, spool) => {
    const instance = newInstance({ pixelBytes: 24 * MIB });
    const reception = spool.receive(arrivalOf(instance));
    let pauses = 0;
    for (let at = 0; at < instance.dataSet.length; at += MIB) {
      if (reception.write(instance.dataSet.subarray(at, at + MIB))) continue;
      pauses += 1;
      await new Promise<void>((resume) => reception.onWritable(resume));
    }

    const { entryId } = await reception.commit();

    t.true(pauses > 0);
    t.true((await readInstance(spool, entryId)).equals(part10Of(instance)));
  });

  fact('gives every accepted instance a rules task that knows it', async (t, spool) => {
    const instance = newInstance({ studyInstanceUid: '1.2.5', seriesInstanceUid: '1.2.5.6' });
    const { entryId } = await receive(spool, instance, { peerAddress: '10.0.0.9' });

    const [claimed] = await spool.claim({ kind: 'rules', limit: 10, headerIndex: true }, never);

    t.like(claimed, {
      kind: 'rules',
      attempt: 1,
      entry: {
        entryId,
        origin: 'received',
        sopClassUid: SECONDARY_CAPTURE,
        sopInstanceUid: instance.sopInstanceUid,
        transferSyntaxUid: EXPLICIT_LE,
        studyInstanceUid: '1.2.5',
        seriesInstanceUid: '1.2.5.6',
        source: 'ct1',
        callingAeTitle: 'CT1',
        calledAeTitle: 'SLIDEGATE',
        peerAddress: '10.0.0.9',
        sizeBytes: part10Of(instance).length,
        dataSetOffset: instance.fileMeta.length,
      },
    });
    t.true((claimed?.headerIndex?.byteLength ?? 0) > 0);
    t.deepEqual(await spool.headerIndex(entryId), claimed?.headerIndex);
    t.is(await spool.headerIndex(entryId + 1), undefined);
  });

  fact(
    'refuses an instance while free space is under the watermark',
    async (t, spool) => {
      const error = t.throws(() => spool.receive(arrivalOf(newInstance())), {
        instanceOf: SpoolRefusingError,
      });

      t.is(error?.code, 'SPOOL_REFUSING');
      t.true((await spool.status()).refusing);
    },
    { watermark_free_bytes: Number.MAX_SAFE_INTEGER },
  );

  fact('holds an instance whose header is damaged, naming tag and offset', async (t, spool) => {
    const instance = newInstance();
    // (0010,0010) announces more than there is.
    const at = instance.dataSet.indexOf(Buffer.from([0x10, 0, 0x10, 0, 0x50, 0x4e]));
    instance.dataSet.writeUInt16LE(60_000, at + 6);

    const { entryId } = await receive(spool, instance);

    const [row] = await spool.query({ entryIds: [entryId] });
    t.is(row?.state, 'held');
    t.like(row?.tasks[0], { kind: 'rules', state: 'held', code: 'HEADER_DAMAGED' });
    t.regex(row?.tasks[0]?.reason ?? '', new RegExp(`0010,0010.*${instance.fileMeta.length + at}`));
    t.true((await readInstance(spool, entryId)).equals(part10Of(instance)));
  });

  fact('holds an instance that is another one than the command says', async (t, spool) => {
    const { entryId } = await receive(spool, newInstance(), { sopInstanceUid: '1.2.3.999' });

    const [row] = await spool.query({ entryIds: [entryId] });
    t.like(row?.tasks[0], { kind: 'rules', state: 'held', code: 'UID_MISMATCH' });
    t.regex(row?.tasks[0]?.reason ?? '', /\(0008,0018\).*1\.2\.3\.999/);
  });

  // Duplicates.

  // Fault case 9.
  fact('absorbs an equal instance that comes again', async (t, spool) => {
    for (const pixelBytes of [100, 2 * MIB]) {
      const instance = newInstance({ pixelBytes });
      const { entryId } = await receive(spool, instance);

      t.deepEqual(await receive(spool, instance), { entryId, duplicateOf: entryId });
      await deliver(spool, entryId);
      t.deepEqual(await receive(spool, instance), { entryId, duplicateOf: entryId });
    }
    t.is((await spool.status()).accepted, 2);
  });

  // Fault case 10.
  fact('absorbs all but one of equal instances that come at once', async (t, spool) => {
    const instance = newInstance();

    const committed = await Promise.all(Array.from({ length: 8 }, () => receive(spool, instance)));

    t.is(new Set(committed.map(({ entryId }) => entryId)).size, 1);
    t.is(committed.filter(({ duplicateOf }) => duplicateOf === undefined).length, 1);
    t.is((await spool.status()).accepted, 1);
  });

  fact(
    'takes equal bytes as an entry of their own when rules could send them another way',
    async (t, spool) => {
      const others: readonly Partial<Arrival>[] = [
        { source: 'ct2' },
        { callingAeTitle: 'CT2' },
        { calledAeTitle: 'ARCHIVE' },
      ];
      for (const pixelBytes of [100, 2 * MIB]) {
        const instance = newInstance({ pixelBytes });
        const committed = await Promise.all([{}, ...others].map((facts) => receive(spool, instance, facts)));

        t.deepEqual(
          committed.map(({ duplicateOf }) => duplicateOf),
          committed.map(() => undefined),
        );
        const again = await receive(spool, instance, { source: 'ct2' });
        t.is(again.duplicateOf, committed[1]?.entryId);
      }
    },
  );

  fact(
    'takes an instance that was held for what the command said again when it says otherwise',
    async (t, spool) => {
      const instance = newInstance();
      const wrong = [{ transferSyntaxUid: IMPLICIT_LE }, { sopClassUid: CT_IMAGE }];
      for (const facts of wrong) {
        const { entryId } = await receive(spool, instance, facts);
        const [row] = await spool.query({ entryIds: [entryId] });
        t.is(row?.state, 'held');
      }

      const { entryId, duplicateOf } = await receive(spool, instance);

      t.is(duplicateOf, undefined);
      t.like((await spool.query({ entryIds: [entryId] }))[0], { state: 'pending' });
    },
  );

  // Other content under a known UID.

  for (const pixelBytes of [100, 2 * MIB]) {
    // Fault case 9.
    fact(
      `holds other content of ${pixelBytes} bytes under a known UID, beside the first`,
      async (t, spool) => {
        const [first, second, third] = versionsOf({ pixelBytes });
        const { entryId } = await receive(spool, first);

        const held = await receive(spool, second);
        t.deepEqual(await receive(spool, second), { entryId: held.entryId, duplicateOf: held.entryId });
        t.deepEqual(await receive(spool, first), { entryId, duplicateOf: entryId });
        const last = await receive(spool, third);

        t.deepEqual(
          [held, last],
          [
            { entryId: held.entryId, held: 'OTHER_CONTENT' },
            { entryId: last.entryId, held: 'OTHER_CONTENT' },
          ],
        );
        const rows = await spool.query({ sopInstanceUid: first.sopInstanceUid });
        t.deepEqual(
          rows.map(({ state }) => state),
          ['held', 'held', 'pending'],
        );
        for (const { tasks } of rows.slice(0, 2))
          t.regex(tasks[0]?.reason ?? '', new RegExp(`Entry ${entryId} has`));
        t.true((await readInstance(spool, held.entryId)).equals(part10Of(second)));
        await spool.retry({ entryIds: [held.entryId] });
        t.deepEqual((await claim(spool, 'rules', 9)).map(entryIdOf), [entryId, held.entryId]);
      },
    );

    fact(
      `refuses other content of ${pixelBytes} bytes where it is told to, and keeps nothing of it`,
      async (t, spool) => {
        const [first, second] = versionsOf({ pixelBytes });
        const { entryId } = await receive(spool, first);

        const error = await t.throwsAsync(receive(spool, second, { onOtherContent: 'reject' }), {
          instanceOf: SpoolError,
        });

        t.is(error?.code, 'OTHER_CONTENT');
        t.is(error?.disposition, 'hold');
        t.like(await spool.status(), { accepted: 1, usedBytes: part10Of(first).length });
        t.is((await receive(spool, first, { onOtherContent: 'reject' })).duplicateOf, entryId);
      },
    );

    fact(
      `lets other content of ${pixelBytes} bytes take the place of the first where it is told to`,
      async (t, spool) => {
        const [first, second] = versionsOf({ pixelBytes });
        const { entryId: earlier } = await receive(spool, first);
        await completeAll(spool, 'rules', {
          tasks: [{ kind: 'delivery:a' }, { kind: 'delivery:b', held: { code: 'X', reason: 'no' } }],
        });

        const { entryId: later } = await receive(spool, second);

        const [row] = await spool.query({ entryIds: [earlier] });
        t.is(row?.state, 'discarded');
        for (const task of row?.tasks.slice(1) ?? []) {
          t.like(task, { state: 'discarded', code: 'REPLACED' });
          t.regex(task.reason ?? '', new RegExp(`Replaced by entry ${later}`));
        }
        t.deepEqual(await claimNow(spool, 'delivery:a'), []);
        t.deepEqual((await claim(spool, 'rules')).map(entryIdOf), [later]);
        t.true((await readInstance(spool, earlier)).equals(part10Of(first)));
        t.is(await spool.retry({ entryIds: [earlier] }), 0);
      },
      { other_content: 'replace' },
    );
  }

  for (const pixelBytes of [100, 2 * MIB]) {
    fact(`absorbs ${pixelBytes} bytes that say the same with implicit VR`, async (t, spool) => {
      const [explicit, implicit, other] = [EXPLICIT_LE, IMPLICIT_LE, IMPLICIT_LE].map(
        (transferSyntaxUid, index) =>
          newInstance({
            sopInstanceUid: `1.2.3.4.${pixelBytes}`,
            transferSyntaxUid,
            pixelBytes,
            patientId: index === 2 ? 'P-1' : 'P-0',
            elements: [[0x0008_1140, 'SQ', Uint8Array.from([0xfe, 0xff, 0, 0xe0, 0, 0, 0, 0])]],
          }),
      ) as [SmallInstance, SmallInstance, SmallInstance];
      const { entryId } = await receive(spool, explicit);

      t.deepEqual(await receive(spool, implicit), { entryId, duplicateOf: entryId });
      const another = await receive(spool, implicit, { source: 'ct2' });
      t.deepEqual(Object.keys(another), ['entryId']);
      t.is((await receive(spool, other)).held, 'OTHER_CONTENT');
    });
  }

  fact(
    'keeps the later back until nobody is at work on what it replaces',
    async (t, spool) => {
      const [first, second, third] = versionsOf();
      const { entryId } = await receive(spool, first);
      await completeAll(spool, 'rules', { tasks: [{ kind: 'delivery:a' }, { kind: 'delivery:b' }] });
      const [sending] = await claim(spool, 'delivery:a');
      const [failing] = await claim(spool, 'delivery:b');

      await receive(spool, second, { onOtherContent: 'replace' });
      const { entryId: last } = await receive(spool, third, { onOtherContent: 'replace' });

      t.deepEqual(await claimNow(spool, 'rules'), []);
      await spool.fail([{ ...failed(failing as Claim), retryAtMs: Date.now() }]);
      t.deepEqual(await claimNow(spool, 'rules'), []);
      t.is(await spool.hold({ entryIds: [last] }, 'wait'), 1);
      t.is(await spool.retry({ entryIds: [last] }), 1);
      t.deepEqual(await claimNow(spool, 'rules'), []);
      await spool.complete([{ ...planned(sending as Claim), tasks: [{ kind: 'commitment:a' }] }]);
      t.deepEqual((await claim(spool, 'rules', 9)).map(entryIdOf), [last]);
      t.deepEqual(await claimNow(spool, 'delivery:b'), []);
      t.deepEqual(await claimNow(spool, 'commitment:a'), []);
      const [row] = await spool.query({ entryIds: [entryId] });
      t.deepEqual(
        row?.tasks.map(({ state }) => state),
        ['done', 'done', 'discarded', 'discarded'],
      );
    },
    { other_content: 'keep-both-and-hold' },
  );

  fact(
    'sends no product of an instance that was replaced, not even one that was made since',
    async (t, spool) => {
      const [first, second] = versionsOf();
      const { entryId: earlier } = await receive(spool, first);
      await completeAll(spool, 'rules', { tasks: [{ kind: 'conversion' }, { kind: 'conversion' }] });
      const [made, making] = (await claim(spool, 'conversion', 2)) as [Claim, Claim];
      await spool.complete([{ ...planned(made), products: await makeProducts(spool, made, 2) }]);
      const [sending] = await claim(spool, 'delivery:pacs');

      await receive(spool, second, { onOtherContent: 'replace' });

      t.deepEqual(await claimNow(spool, 'delivery:pacs'), []);
      await spool.complete([planned(sending as Claim)]);
      t.deepEqual(await claimNow(spool, 'rules'), []);
      await spool.complete([{ ...planned(making), products: await makeProducts(spool, making, 1) }]);
      t.is((await claim(spool, 'rules')).length, 1);
      t.deepEqual(await claimNow(spool, 'delivery:pacs'), []);
      t.like(await spool.status(), { produced: 3, producedStates: { delivered: 1, discarded: 2 } });
      t.is(await stateOf(spool, earlier), 'discarded');
    },
  );

  fact('sends nothing of an instance that was replaced after a restart', async (t, _spool, temporary) => {
    const [first, second] = versionsOf();
    await receive(temporary.spool, first);
    await claim(temporary.spool, 'rules');
    const { entryId } = await receive(temporary.spool, second, { onOtherContent: 'replace' });

    const spool = await temporary.reopen();

    t.deepEqual((await claim(spool, 'rules', 9)).map(entryIdOf), [entryId]);
    t.like(await spool.status(), { states: { discarded: 1, pending: 1 } });
  });

  fact(
    'holds nothing for an earlier one that was discarded, damaged or of another instance',
    async (t, spool) => {
      const [first, second] = versionsOf();
      const { entryId } = await receive(spool, first);
      await spool.discard({ entryIds: [entryId] }, { reason: 'test image', by: 'ann' });
      t.is((await receive(spool, second)).held, undefined);

      const damaged = newInstance();
      const whole = Buffer.from(damaged.dataSet);
      damaged.dataSet.writeUInt16LE(
        60_000,
        damaged.dataSet.indexOf(Buffer.from([0x10, 0, 0x10, 0, 0x50, 0x4e])) + 6,
      );
      t.is((await receive(spool, damaged)).held, 'HEADER_DAMAGED');
      t.is((await receive(spool, { ...damaged, dataSet: whole })).held, undefined);
      t.is(
        (await receive(spool, damaged, { onOtherContent: 'replace', source: 'ct2' })).held,
        'HEADER_DAMAGED',
      );
      t.is((await spool.status()).states.discarded, 1);
    },
  );

  // Fault case 10.
  fact(
    'takes one of several data sets that come at once under one UID, and holds the others',
    async (t, spool) => {
      for (const onOtherContent of ['keep-both-and-hold', 'reject', 'replace'] as const) {
        for (const pixelBytes of [100, 2 * MIB]) {
          const versions = versionsOf({ pixelBytes });
          const again = onOtherContent === 'replace' ? [] : versions; // Would take its place back.
          const settled = await Promise.allSettled(
            [...versions, ...again].map((instance) => receive(spool, instance, { onOtherContent })),
          );
          const committed = settled.flatMap((result) =>
            result.status === 'fulfilled' ? [result.value] : [],
          );
          const fresh = committed.filter(({ duplicateOf }) => duplicateOf === undefined);
          const rows = await spool.query({ sopInstanceUid: (versions[0] as SmallInstance).sopInstanceUid });
          t.is(rows.length, onOtherContent === 'reject' ? 1 : 3);
          t.is(fresh.length, rows.length);
          t.is(rows.filter(({ state }) => state === 'pending').length, 1);
          t.is(
            rows.filter(({ state }) => state === 'held').length,
            onOtherContent === 'keep-both-and-hold' ? 2 : 0,
          );
        }
      }
    },
  );

  fact(
    'takes an equal instance again once the window is over, but not while it has work to do',
    async (t, spool) => {
      const instance = newInstance();
      const { entryId } = await receive(spool, instance);
      t.is((await receive(spool, instance)).duplicateOf, entryId);
      await deliver(spool, entryId);

      t.is((await receive(spool, instance)).duplicateOf, undefined);
    },
    { duplicate_window: '0ms' },
  );

  fact('takes an instance again that was discarded', async (t, spool) => {
    const instance = newInstance();
    const { entryId } = await receive(spool, instance);
    await spool.discard({ entryIds: [entryId] }, { reason: 'test image', by: 'ann' });

    t.is((await receive(spool, instance)).duplicateOf, undefined);
  });

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
    t.is(await spool.discard(byCode, { ...discarding, preview: true }), 2);
    t.is(await spool.discard({ destination: 'a', states: ['held'] }, { ...discarding, preview: true }), 2);
    t.is(await spool.discard({ destination: 'a', states: ['held'] }, discarding), 2);
    t.is(await spool.discard({ sinceMs: Date.now() + 60_000 }, discarding), 0);

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
    t.is(await spool.discard({}, { reason: 'load test', by: 'ann' }), count);

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
    t.is(await spool.discard({ destination: 'a' }, { reason: 'gone', by: 'ann' }), 4);
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

function entryIdOf({ entry }: Claim): number {
  return entry.entryId;
}

async function receiveMany(spool: Spool, count: number): Promise<void> {
  for (let received = 0; received < count; received += 1) await receive(spool);
}

/** Receives an instance of each study, in order, and plans a delivery of each to the PACS. */
async function planStudies(spool: Spool, studyInstanceUids: readonly string[]): Promise<void> {
  for (const studyInstanceUid of studyInstanceUids) await receive(spool, newInstance({ studyInstanceUid }));
  await completeAll(spool, 'rules', { tasks: [{ kind: 'delivery:pacs' }] });
}

function taskIdOf({ taskId }: Claim): number {
  return taskId;
}

function planned(claimed: Claim): Completion {
  return { claim: claimed, outcome: 'planned' };
}

function failed(claimed: Claim) {
  return { claim: claimed, disposition: 'hold' as const, code: 'REFUSED', message: 'No.' };
}

/** Completes what there is of a kind, everything the same way. */
async function completeAll(
  spool: Spool,
  kind: TaskRow['kind'],
  with_: Partial<Completion> = {},
  limit = 100,
): Promise<void> {
  const claims = await claimNow(spool, kind, limit);
  await spool.complete(claims.map((claimed) => ({ ...planned(claimed), ...with_ })));
}

/** Ends the one rules task there is without any destination. */
async function deliver(spool: Spool, entryId: number): Promise<void> {
  const claims = await claimNow(spool, 'rules');
  const [mine, others] = [
    claims.filter(({ entry }) => entry.entryId === entryId),
    claims.filter(({ entry }) => entry.entryId !== entryId),
  ];
  await spool.complete(mine.map(planned));
  await spool.release(others);
}

async function stateOf(spool: Spool, entryId: number) {
  const [row] = await spool.query({ entryIds: [entryId] });
  return row?.state;
}

function productOf(instance: SmallInstance, tasks: readonly NewTask[] = []): Omit<Product, 'path'> {
  const { sopClassUid, sopInstanceUid, transferSyntaxUid } = instance;
  return { sopClassUid, sopInstanceUid, transferSyntaxUid, tasks };
}

/** Three data sets of one SOP Instance. */
function versionsOf(options: { pixelBytes?: number } = {}): [SmallInstance, SmallInstance, SmallInstance] {
  const first = newInstance(options);
  const another = (patientId: string) =>
    newInstance({ ...options, sopInstanceUid: first.sopInstanceUid, patientId });
  return [first, another('P-1'), another('P-2')];
}

/** Writes products for the PACS into the work folder of a conversion. */
async function makeProducts(spool: Spool, conversion: Claim, count: number): Promise<Product[]> {
  const folder = await spool.workFolder(conversion.taskId);
  const instances = Array.from({ length: count }, () => newInstance());
  const products = instances.map((instance, index) => ({
    ...productOf(instance, [{ kind: 'delivery:pacs' as const }]),
    path: join(folder, `${index}.dcm`),
  }));
  for (const [index, { path }] of products.entries()) {
    await writeFile(path, part10Of(instances[index] as SmallInstance));
  }
  return products;
}

/** Receives one instance and completes a conversion of it with so many products for the PACS. */
async function convert(t: ExecutionContext, spool: Spool, count: number) {
  const { entryId } = await receive(spool);
  await completeAll(spool, 'rules', { tasks: [{ kind: 'conversion' }] });
  const [conversion] = await claim(spool, 'conversion');
  const products = await makeProducts(spool, conversion as Claim, count);
  const files = await Promise.all(products.map(({ path }) => readFile(path)));
  await spool.complete([{ ...planned(conversion as Claim), products, outcome: 'converted' }]);
  t.deepEqual(await claimNow(spool, 'conversion'), []);
  return { entryId, products, files };
}
