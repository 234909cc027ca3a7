import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { email } from '../../src/notices/email.ts';
import type { NoticeError } from '../../src/notices/errors.ts';
import { messageOf } from '../../src/notices/message.ts';
import { noticeOf } from '../../src/notices/notice.ts';

const never = new AbortController().signal;

interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
}

async function startMailServer(options: SMTPServerOptions = {}) {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    onData(stream, session, done) {
      let text = '';
      stream.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          text,
        });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => {}); // What clients do wrong is what the tests look at.
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(resolve)),
  };
}

function open(settings: Record<string, unknown>) {
  return email.open(
    email.settings.parse({
      kind: 'email',
      host: '127.0.0.1',
      security: 'none',
      from: 'slidegate@hospital.example',
      to: ['pacs@hospital.example', 'night@hospital.example'],
      ...settings,
    }),
  );
}

function message() {
  const notice = noticeOf({ reason: 'gave-up', subject: 'pacs', sinceMs: 0, atMs: 0, count: 2, times: 1 });
  return messageOf(notice, 'UTC');
}

test('a notice is a mail to everybody named, that no machine answers', async (t) => {
  await using server = await startMailServer();

  await open({ port: server.port }).send(message(), never);

  const [mail] = server.mails;
  t.is(mail?.from, 'slidegate@hospital.example');
  t.deepEqual(mail?.to, ['pacs@hospital.example', 'night@hospital.example']);
  t.regex(mail?.text ?? '', /^Subject: \[Slidegate .*\] 2 deliveries to pacs given up/m);
  t.regex(mail?.text ?? '', /^Auto-Submitted: auto-generated\r$/m);
  t.regex(mail?.text ?? '', /slidegate status --held --destination pacs/);
});

test('the password comes from a file, over an encrypted connection only', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'email-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'password'), 'open sesame\n');
  const seen: string[] = [];
  await using server = await startMailServer({
    disabledCommands: [],
    onAuth({ username = '', password = '' }, _session, done) {
      seen.push(`${username}:${password}`);
      done(null, { user: username });
    },
  });
  const signIn = { port: server.port, user: 'slidegate', password_file: join(folder, 'password') };

  // The server's certificate is of its own making: nothing is said to it.
  const error = await t.throwsAsync<NoticeError>(
    open({ ...signIn, security: 'starttls' }).send(message(), never),
  );

  t.is(error?.code, 'NOTICE_UNREACHABLE');
  t.deepEqual(seen, []);
  t.false(email.settings.safeParse({ kind: 'email', ...signIn, security: 'none' }).success);
});

test('a server without STARTTLS gets no mail where STARTTLS is asked for', async (t) => {
  await using server = await startMailServer();

  await t.throwsAsync(open({ port: server.port, security: 'starttls' }).send(message(), never));

  t.deepEqual(server.mails, []);
});

test('a server that refuses the mail, or is not there, fails the notice', async (t) => {
  const refusing = await startMailServer({
    onRcptTo: (_address, _session, done) =>
      done(Object.assign(new Error('No such user'), { responseCode: 550 })),
  });

  const refused = await t.throwsAsync<NoticeError>(open({ port: refusing.port }).send(message(), never));
  await refusing[Symbol.asyncDispose]();
  const absent = await t.throwsAsync<NoticeError>(open({ port: refusing.port }).send(message(), never));

  t.like(refused, {
    code: 'NOTICE_REFUSED',
    message: 'Cannot send the mail: 127.0.0.1 answered 550 (EENVELOPE)',
  });
  t.is(absent?.code, 'NOTICE_UNREACHABLE');
});

test('a server that says nothing is left when the gateway stops', async (t) => {
  await using server = await startMailServer({ onConnect: () => {} }); // Never greets.
  const stop = new AbortController();
  const sent = open({ port: server.port }).send(message(), stop.signal);

  stop.abort();

  await t.throwsAsync(sent);
});
