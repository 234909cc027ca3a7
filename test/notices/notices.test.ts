import test, { type ExecutionContext } from 'ava';
import { NoticesSettings } from '../../src/notices/config.ts';
import type { NoticeError } from '../../src/notices/errors.ts';
import { type NoticesDeps, sendTestNotice, startNotices } from '../../src/notices/notices.ts';
import { heldByTest, openSpoolOfTest, type TestSpool } from '../support/notices.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { startWebReceiver, type WebReceiver } from '../support/web-receiver.ts';

const MINUTE_MS = 60_000;

async function start(
  t: ExecutionContext,
  { spool, telemetry }: Pick<TestSpool, 'spool' | 'telemetry'>,
  receiver: WebReceiver,
  options: Partial<NoticesDeps> & { clock: VirtualClock; channel?: Record<string, unknown> },
) {
  const { channel, ...deps } = options;
  const settings = NoticesSettings.parse({ ops: { kind: 'webhook', url: receiver.url, ...channel } });
  const notices = await startNotices(settings, {
    spool,
    telemetry,
    sources: {},
    timeZone: 'UTC',
    destinations: () => ['pacs'],
    inputs: () => ({ expected: [], working: [] }),
    ...deps,
  });
  t.teardown(() => notices.stop());
  return notices;
}

function reasonsOf({ posts }: WebReceiver): readonly string[] {
  return posts.map(({ body }) => JSON.parse(body).reason);
}

test.serial(
  'a held delivery is told once it is found, without a word of the patient or the peer',
  async (t) => {
    await using held = await openSpoolOfTest();
    await using receiver = await startWebReceiver();
    const clock = new VirtualClock();
    await start(t, held, receiver, { clock });
    await held.looked(clock);

    await heldByTest(held, 'pacs', 'Destination answered A900H: "DOE^JANE"');
    await held.looked(clock);
    await receiver.received(1);

    const [{ body } = { body: '' }] = receiver.posts;
    t.like(JSON.parse(body), {
      reason: 'held',
      subject: 'delivery to pacs',
      count: 1,
      codes: { REFUSED: 1 },
    });
    t.notRegex(body, /DOE|JANE|1\.2\.3\.\d/);
  },
);

test.serial('a notice that could not be sent is sent after the next start', async (t) => {
  await using held = await openSpoolOfTest();
  await using receiver = await startWebReceiver();
  receiver.status = 503;
  const clock = new VirtualClock();
  const first = await start(t, held, receiver, { clock });
  await held.looked(clock);
  await heldByTest(held, 'pacs', 'Destination answered A900H');
  await held.looked(clock);
  await receiver.received(1);
  await first.stop();
  receiver.status = 200;

  await start(t, held, receiver, { clock });
  await receiver.received(2);

  const [id, again] = receiver.posts.map(({ headers }) => headers['x-slidegate-notice']);
  t.is(again, id);
});

test.serial('what has been told is forgotten, and not told again after the next start', async (t) => {
  await using held = await openSpoolOfTest();
  await using receiver = await startWebReceiver();
  const clock = new VirtualClock();
  const first = await start(t, held, receiver, { clock });
  await held.looked(clock);
  await heldByTest(held, 'pacs', 'Destination answered A900H');
  await held.looked(clock);
  await receiver.received(1);
  await held.sent('ops', 1);
  await first.stop();

  t.deepEqual(await held.spool.records({ collection: 'notices-undelivered' }), []);
  await start(t, held, receiver, { clock });
  await held.looked(clock);

  t.deepEqual(reasonsOf(receiver), ['held']);
});

test.serial('a source that has been silent since before the restart is told at its time', async (t) => {
  await using held = await openSpoolOfTest();
  await using receiver = await startWebReceiver();
  const clock = new VirtualClock();
  const sources = { ct1: { silent_after: 20 * MINUTE_MS } };
  const first = await start(t, held, receiver, { clock, sources });
  await held.looked(clock);
  await clock.advance(15 * MINUTE_MS);
  await held.looked(clock);
  await first.stop();

  await start(t, held, receiver, { clock, sources });
  await held.looked(clock);
  t.deepEqual(reasonsOf(receiver), []);
  await clock.advance(6 * MINUTE_MS);
  await receiver.received(1);

  t.like(JSON.parse(receiver.posts[0]?.body ?? ''), { reason: 'source-silent', subject: 'ct1' });
});

test.serial('a spool that answers nothing is told all the same', async (t) => {
  await using held = await openSpoolOfTest();
  await using receiver = await startWebReceiver();
  const clock = new VirtualClock();
  const mute = {
    status: () => Promise.reject(new Error('The spool has died')),
    keep: () => new Promise<never>(() => {}),
    records: async () => [],
    forget: () => new Promise<never>(() => {}),
  };

  const settings = NoticesSettings.parse({ ops: { kind: 'webhook', url: receiver.url } });
  await startNotices(settings, {
    spool: mute,
    telemetry: held.telemetry,
    sources: {},
    timeZone: 'UTC',
    destinations: () => [],
    inputs: () => ({ expected: [], working: [] }),
    clock,
  });
  await clock.advance(2 * MINUTE_MS);
  await receiver.received(1);

  t.like(JSON.parse(receiver.posts[0]?.body ?? ''), { reason: 'unhealthy', subject: 'spool' });
});

test.serial('a test notice arrives, and one to a channel that does not exist says so', async (t) => {
  await using receiver = await startWebReceiver();
  const settings = NoticesSettings.parse({ ops: { kind: 'webhook', url: receiver.url, on: ['gave-up'] } });

  await sendTestNotice(settings, 'ops', 'UTC');
  t.regex(JSON.parse(receiver.posts[0]?.body ?? '').text, /^This is a test: notices of channel ops arrive\./);

  const error = await t.throwsAsync<NoticeError>(sendTestNotice(settings, 'opps', 'UTC'));
  t.is(error?.code, 'NOTICE_NO_SUCH_CHANNEL');
});
