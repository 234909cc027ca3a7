import { createHash } from 'node:crypto';
import type { Arrival, Claim } from '../../src/spool/spool.ts';
import { SpoolError, SpoolRefusingError } from '../../src/spool/spool.ts';
import {
  CT_IMAGE,
  EXPLICIT_LE,
  IMPLICIT_LE,
  part10Of,
  SECONDARY_CAPTURE,
  type SmallInstance,
} from '../support/small-instance.ts';
import {
  completeAll,
  deliver,
  entryIdOf,
  failed,
  makeProducts,
  planned,
  stateOf,
  versionsOf,
} from '../support/spool-facts.ts';
import {
  arrivalOf,
  claim,
  claimNow,
  newInstance,
  readInstance,
  receive,
  writeAll,
} from '../support/temporary-spool.ts';
import type { Fact } from './contract.ts';

const MIB = 1024 * 1024;
const never = new AbortController().signal;

/** What becomes of what arrives. */
export function testReceptions(fact: Fact): void {
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
    fact(
      `has what comes a third time take the place of what had replaced it, with ${pixelBytes} bytes`,
      async (t, spool) => {
        for (const before of ['delivered', 'at work', 'together'] as const) {
          const [first, second] = versionsOf({ pixelBytes });
          const replaced = () => receive(spool, second);
          const { entryId } = await receive(spool, first);
          const claims = before === 'at work' ? await claim(spool, 'rules') : [];
          if (before === 'delivered') await deliver(spool, entryId);

          const [later, again] =
            before === 'together'
              ? await Promise.all([replaced(), receive(spool, first)])
              : [await replaced(), await receive(spool, first)];
          await spool.release(claims);

          t.is(again.duplicateOf, undefined);
          t.like((await spool.query({ entryIds: [later.entryId] }))[0], { state: 'discarded' });
          t.deepEqual((await claimNow(spool, 'rules')).map(entryIdOf), [again.entryId]);
          await deliver(spool, again.entryId).catch(() => {});
        }
      },
      { other_content: 'replace' },
    );

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
}
