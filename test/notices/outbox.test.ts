import test from 'ava';
import type { Channel } from '../../src/notices/channel-kind.ts';
import { NoticeError } from '../../src/notices/errors.ts';
import { messageOf } from '../../src/notices/message.ts';
import { type Notice, noticeOf } from '../../src/notices/notice.ts';
import { Outbox } from '../../src/notices/outbox.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { settled, VirtualClock } from '../support/virtual-clock.ts';

const MINUTE_MS = 60_000;

function notice(subject: string): Notice {
  return noticeOf({ reason: 'held', subject, sinceMs: 0, atMs: 0, count: 1, times: 1 });
}

/** An outbox whose channel does what `send` does. */
function setUp(send: Channel['send']) {
  const telemetry = createTelemetry({ level: 'silent' });
  const clock = new VirtualClock();
  const settledIds: string[] = [];
  const outbox = new Outbox(
    { name: 'ops', channel: { send }, messageOf: (one) => messageOf(one, 'UTC') },
    { telemetry, clock, onSettled: ({ id }) => settledIds.push(id) },
  );
  const outcomes = async () => {
    const { values } = await telemetry.metrics.noticesTotal.get();
    return Object.fromEntries(values.map(({ labels, value }) => [String(labels.outcome), value]));
  };
  return { outbox, clock, settledIds, outcomes };
}

function refuse(): Promise<void> {
  return Promise.reject(new NoticeError('NOTICE_REFUSED', 'Cannot post the notice'));
}

test('a notice is tried until its channel takes it', async (t) => {
  let tries = 0;
  const { outbox, clock, settledIds, outcomes } = setUp(async () => {
    tries += 1;
    if (tries < 4) await refuse();
  });

  outbox.add([notice('pacs')]);
  await clock.advance(5000 + 10_000 + 20_000);

  t.is(tries, 4);
  t.is(settledIds.length, 1);
  t.deepEqual(await outcomes(), { failed: 3, sent: 1 });
});

test('a notice that no channel takes for an hour is given up, and counted', async (t) => {
  const { outbox, clock, settledIds, outcomes } = setUp(refuse);

  outbox.add([notice('pacs')]);
  await clock.advance(59 * MINUTE_MS);
  t.deepEqual(settledIds, []);
  await clock.advance(10 * MINUTE_MS);

  t.is(settledIds.length, 1);
  t.is((await outcomes())['given-up'], 1);
});

test('a notice that is refused keeps no other waiting', async (t) => {
  const taken: string[] = [];
  const { outbox, clock } = setUp(async ({ facts }) => {
    if (facts.subject === 'poison') await refuse();
    taken.push(String(facts.subject));
  });

  outbox.add(['poison', 'pacs', 'archive'].map(notice));
  await clock.advance(MINUTE_MS);

  t.deepEqual(taken, ['pacs', 'archive']);
});

test('at most a hundred wait: the oldest are dropped, and counted', async (t) => {
  const { outbox, settledIds, outcomes } = setUp(refuse);
  const notices = Array.from({ length: 120 }, (_, index) => notice(`pacs ${index}`));

  outbox.add(notices);
  await settled();

  t.deepEqual(
    settledIds,
    notices.slice(0, 20).map(({ id }) => id),
  );
  t.is((await outcomes()).dropped, 20);
});

test('a fault of ours in a channel is a failure like any other', async (t) => {
  const { outbox, clock, outcomes } = setUp(() => Promise.reject(new TypeError('no such thing')));

  outbox.add([notice('pacs')]);
  await clock.advance(MINUTE_MS);

  t.true(((await outcomes()).failed ?? 0) > 1);
});

test('a stop cuts off what is being sent, and what was not taken is not settled', async (t) => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { outbox, settledIds } = setUp(
    (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        begin();
      }),
  );
  outbox.add([notice('pacs')]);
  await begun;

  await outbox.stop();

  t.deepEqual(settledIds, []);
});
