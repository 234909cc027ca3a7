import test from 'ava';
import { noticeOf } from '../../src/notices/notice.ts';
import { startTestGateway } from '../support/gateway.ts';
import { openTemporarySpool } from '../support/temporary-spool.ts';
import { startWebReceiver } from '../support/web-receiver.ts';

test('a gateway tells at its start what the one before it could not, to the channels of its settings', async (t) => {
  await using receiver = await startWebReceiver();
  const temporary = await openTemporarySpool();
  const value = noticeOf({ reason: 'held', subject: 'rules', sinceMs: 0, atMs: 0, count: 1, times: 1 });
  const lost = { ...value, id: 'other' };
  await temporary.spool.keep([
    { collection: 'notices-undelivered', key: `ops/${value.id}`, value },
    { collection: 'notices-undelivered', key: 'gone/other', value: lost },
  ]);
  await temporary.spool.close();
  const settings = {
    spool: { directory: temporary.directory, watermark_free_bytes: 0 },
    notify: { ops: { kind: 'webhook', url: receiver.url } },
  };

  {
    await using gateway = await startTestGateway({ settings });
    await receiver.received(1);
    const left = () => gateway.spool.records({ collection: 'notices-undelivered' });
    while ((await left()).length > 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await temporary[Symbol.asyncDispose]();

  t.is(receiver.posts.length, 1);
  t.like(JSON.parse(receiver.posts[0]?.body ?? ''), { id: value.id, reason: 'held', subject: 'rules' });
});
