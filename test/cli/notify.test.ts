import test from 'ava';
import { slidegate } from '../support/command-line.ts';
import { startWebReceiver } from '../support/web-receiver.ts';

function settings(notify: unknown) {
  return { env: { NODE_CONFIG: JSON.stringify({ notify }) } };
}

test('notify test sends to every channel, and says which of them does not take it', async (t) => {
  await using receiver = await startWebReceiver();
  const good = { kind: 'webhook', url: receiver.url };
  const bad = { kind: 'webhook', url_env: 'NO_SUCH_ADDRESS' };

  const ran = await slidegate(['notify', 'test'], settings({ good, bad }));

  t.is(ran.code, 1);
  t.is(ran.stdout, 'good: sent\n');
  t.is(
    ran.stderr,
    'bad: Cannot read the address: environment variable NO_SUCH_ADDRESS must hold it, and is not there\n',
  );
  t.is(receiver.posts.length, 1);
});

test('notify test sends to one channel by name', async (t) => {
  await using receiver = await startWebReceiver();

  const ran = await slidegate(
    ['notify', 'test', 'ops'],
    settings({ ops: { kind: 'webhook', url: receiver.url } }),
  );

  t.is(ran.code, 0, ran.stderr);
  t.is(receiver.posts.length, 1);
});

test('notify without channels fails, and without saying what is wrong use', async (t) => {
  t.is((await slidegate(['notify', 'test'])).code, 1);
  t.is((await slidegate(['notify'])).code, 2);
});
