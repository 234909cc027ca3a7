import test from 'ava';
import { Settlements } from '../../src/delivery/settlements.ts';
import { ClaimsLostError, SpoolError } from '../../src/spool/errors.ts';
import type { Claim, Completion } from '../../src/spool/port.ts';
import { MemorySpool } from '../support/memory-spool.ts';
import { settled, VirtualClock } from '../support/virtual-clock.ts';

async function claimSome(count: number) {
  const clock = new VirtualClock();
  const spool = new MemorySpool(clock);
  for (let added = 0; added < count; added += 1) spool.add('delivery:pacs');
  const request = { kind: 'delivery:pacs', limit: count } as const;
  const claims = await spool.claim(request, new AbortController().signal);
  const troubles: unknown[] = [];
  const settlements = new Settlements({ spool, clock, onTrouble: (error) => troubles.push(error) });
  settlements.hold(claims);
  return { clock, spool, claims, settlements, troubles };
}

const delivered = (claim: Claim): Completion => ({ claim, outcome: 'delivered' });

test('what is settled while the spool writes goes into one batch after', async (t) => {
  const { spool, claims, settlements } = await claimSome(10);
  const batches: number[] = [];
  const complete = spool.complete.bind(spool);
  spool.complete = async (completions) => {
    batches.push(completions.length);
    await settled();
    await complete(completions);
  };

  for (const claim of claims) settlements.complete(delivered(claim), () => {});
  await settlements.close(new AbortController().signal);

  t.is(spool.count('done'), 10);
  t.true(batches.length <= 2, `${batches}`);
});

test('a claim that was lost is not reported as settled, the rest of its batch is', async (t) => {
  const { spool, claims, settlements, troubles } = await claimSome(3);
  spool.complete = async (completions) => {
    const lost = completions.filter(({ claim }) => claim.taskId === 2);
    if (lost.length > 0) throw new ClaimsLostError('complete', [2]);
  };
  const reported: number[] = [];

  for (const claim of claims) settlements.complete(delivered(claim), () => reported.push(claim.taskId));
  await settlements.close(new AbortController().signal);

  t.deepEqual(reported, [1, 3]);
  t.is(troubles.length, 1);
});

test('what the spool refuses takes nothing else with it', async (t) => {
  const { spool, claims, settlements, troubles } = await claimSome(3);
  const complete = spool.complete.bind(spool);
  spool.complete = async (completions) => {
    if (completions.some(({ claim }) => claim.taskId === 2))
      throw new SpoolError('REQUEST_REJECTED', 'Cannot');
    await complete(completions);
  };

  for (const claim of claims) settlements.complete(delivered(claim), () => {});
  await settlements.close(new AbortController().signal);

  t.is(spool.count('done'), 2);
  t.is(spool.tasks[1]?.state, 'claimed');
  t.true(troubles.length > 0);
});

test('a claim that an operator took back is known as lost at the next renewal', async (t) => {
  const { clock, spool, claims, settlements } = await claimSome(2);
  spool.renew = async () => {
    throw new ClaimsLostError('renew', [2]);
  };

  await clock.advance(60_000);

  t.deepEqual(
    claims.map((claim) => settlements.isLost(claim)),
    [false, true],
  );
  await settlements.close(new AbortController().signal);
});

test('room() waits while a thousand settlements are unwritten', async (t) => {
  const { clock, spool, claims, settlements } = await claimSome(1500);
  spool.writeErrors = [new Error('disk full')];
  let hasRoom = false;

  for (const claim of claims) settlements.complete(delivered(claim), () => {});
  const room = settlements.room().then(() => {
    hasRoom = true;
  });
  await settled();
  t.false(hasRoom);

  await clock.advance(1000);
  await room;
  t.is(spool.count('done'), 1500);
  await settlements.close(new AbortController().signal);
});

test('close() gives up on a spool that takes nothing, when it is told to', async (t) => {
  const { spool, claims, settlements, troubles } = await claimSome(1);
  spool.writeErrors = Array.from({ length: 100 }, () => new Error('disk full'));
  settlements.complete(delivered(claims[0]!), () => t.fail());
  const giveUp = new AbortController();

  const closed = settlements.close(giveUp.signal);
  await settled();
  giveUp.abort();
  await closed;

  t.is(spool.count('claimed'), 1);
  t.is(troubles.length, 1);
});
