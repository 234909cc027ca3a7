import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { NoticeError } from '../../src/notices/errors.ts';
import { messageOf } from '../../src/notices/message.ts';
import { noticeOf } from '../../src/notices/notice.ts';
import { webhook } from '../../src/notices/webhook.ts';
import { startWebReceiver } from '../support/web-receiver.ts';

const never = new AbortController().signal;

function message() {
  const notice = noticeOf({
    reason: 'held',
    subject: 'delivery to pacs',
    sinceMs: 1_700_000_000_000,
    atMs: 1_700_000_010_000,
    count: 3,
    times: 1,
    codes: { REFUSED: 3 },
  });
  return messageOf(notice, 'UTC');
}

function open(settings: Record<string, unknown>) {
  return webhook.open(webhook.settings.parse({ kind: 'webhook', ...settings }));
}

test('a notice is posted as JSON, with a text for chats and facts for programs', async (t) => {
  await using receiver = await startWebReceiver();

  await open({ url: receiver.url }).send(message(), never);

  const [{ headers, body } = { headers: {}, body: '' }] = receiver.posts;
  t.is(headers['content-type'], 'application/json');
  const posted = JSON.parse(body);
  t.like(posted, {
    schema: 'slidegate-notice-1',
    reason: 'held',
    subject: 'delivery to pacs',
    since: '2023-11-14T22:13:20.000Z',
    at: '2023-11-14T22:13:30.000Z',
    count: 3,
    times: 1,
    codes: { REFUSED: 3 },
    command: 'slidegate status --held --destination pacs',
  });
  t.regex(posted.text, /^3 tasks held: delivery to pacs\.\n/);
  t.regex(posted.text, /Since: {4}2023-11-14 22:13:20 UTC/);
  t.is(headers['x-slidegate-notice'], posted.id);
});

test('a post is signed with the secret that both sides share', async (t) => {
  await using receiver = await startWebReceiver();
  const folder = await mkdtemp(join(tmpdir(), 'webhook-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'secret'), 'quiet please\n');

  await open({ url: receiver.url, secret_file: join(folder, 'secret') }).send(message(), never);

  const [{ headers, body } = { headers: {}, body: '' }] = receiver.posts;
  const expected = createHmac('sha256', 'quiet please').update(body).digest('hex');
  t.is(headers['x-slidegate-signature'], `sha256=${expected}`);
});

test('a receiver that refuses, moves or is not there fails the notice without naming its address', async (t) => {
  await using receiver = await startWebReceiver();
  const { url } = receiver;
  for (const status of [500, 404, 302]) {
    receiver.status = status;
    const error = await t.throwsAsync<NoticeError>(open({ url: `${url}/t0ken` }).send(message(), never));
    t.is(error?.code, status === 302 ? 'NOTICE_UNREACHABLE' : 'NOTICE_REFUSED');
    t.notRegex(`${error?.message}`, /t0ken|127\.0\.0\.1/);
  }
  await receiver.stop();

  const error = await t.throwsAsync<NoticeError>(open({ url: `${url}/t0ken` }).send(message(), never));

  t.is(error?.code, 'NOTICE_UNREACHABLE');
  t.regex(`${error?.message}`, /^Cannot post the notice: its receiver could not be used: [A-Z_]+$/);
});

test('an address that is secret stays out of the settings', async (t) => {
  await using receiver = await startWebReceiver();
  process.env.WEBHOOK_TEST_URL = receiver.url;

  await open({ url_env: 'WEBHOOK_TEST_URL' }).send(message(), never);
  t.is(receiver.posts.length, 1);

  const error = await t.throwsAsync<NoticeError>(open({ url_env: 'NO_SUCH_ADDRESS' }).send(message(), never));
  t.is(error?.code, 'NOTICE_SECRET_UNREADABLE');
});

test('settings without an address, or with several, are refused', (t) => {
  for (const settings of [{}, { url: 'http://a.example', url_env: 'A' }, { url: 'file:///etc/passwd' }]) {
    t.false(webhook.settings.safeParse({ kind: 'webhook', ...settings }).success);
  }
});
