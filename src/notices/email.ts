import { z } from 'zod';
import { type ChannelKind, channelSettings, type Message } from './channel-kind.ts';
import { NoticeError } from './errors.ts';
import { readSecretOf } from './secret.ts';

const CONNECT_LIMIT_MS = 10_000;
const SILENCE_LIMIT_MS = 30_000;

const Address = z
  .string()
  .regex(/^[^\s@<>]+@[^\s@<>]+$/, 'must be an e-mail address such as pacs@hospital.example');

const EmailSettings = z
  .strictObject({
    kind: z.literal('email').describe('Mails, over SMTP.'),
    host: z.string().min(1).describe('Mail server that takes our mails.'),
    port: z.int().min(1).max(65535).default(587).describe('Its TCP port; 465 with security: tls, as a rule.'),
    security: z
      .enum(['starttls', 'tls', 'none'])
      .default('starttls')
      .describe(
        'starttls: refused where the server does not offer it. tls: from the first byte on. none: for a relay inside.',
      ),
    user: z.string().min(1).optional().describe('Name to sign in with, where the server asks for one.'),
    password_file: z.string().min(1).optional().describe('File that holds the password.'),
    password_env: z.string().min(1).optional().describe('Environment variable that holds the password.'),
    from: Address.describe('Sender of the mails.'),
    to: z.array(Address).min(1).describe('Who gets them.'),
    ...channelSettings,
  })
  .refine(
    ({ user, password_file, password_env }) => {
      const places = [password_file, password_env].filter((place) => place !== undefined).length;
      return places === (user === undefined ? 0 : 1);
    },
    { path: ['user'], message: 'must come with one of password_file and password_env, and they with it' },
  )
  .refine(({ user, security }) => user === undefined || security !== 'none', {
    path: ['security'],
    message: 'must be starttls or tls where there is a password: else it could be read on the way',
  });
type EmailSettings = z.infer<typeof EmailSettings>;

/** Mails to people. */
export const email: ChannelKind<typeof EmailSettings> = {
  settings: EmailSettings,
  open: (settings) => ({ send: (message, signal) => sendMail(settings, message, signal) }),
};

async function sendMail(settings: EmailSettings, message: Message, signal: AbortSignal): Promise<void> {
  const { host, port, security, user, from, to } = settings;
  const pass = await readSecretOf('password', { file: settings.password_file, env: settings.password_env });
  // Of some size: whoever sends no mail need not carry it.
  const { createTransport } = await import('nodemailer');
  // One connection a mail: they are few, and far between.
  const transport = createTransport({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    connectionTimeout: CONNECT_LIMIT_MS,
    greetingTimeout: CONNECT_LIMIT_MS,
    socketTimeout: SILENCE_LIMIT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(user !== undefined && pass !== undefined && { auth: { user, pass } }),
  });
  try {
    await transport.sendMail({
      from,
      to: [...to],
      subject: message.title,
      text: message.text,
      signal,
      messageId: `<${message.id}@${domainOf(from)}>`,
      headers: { 'Auto-Submitted': 'auto-generated' }, // RFC 3834: out-of-office replies do not answer it.
    });
  } catch (error) {
    throw asNoticeError(error, host);
  } finally {
    transport.close();
  }
}

function asNoticeError(error: unknown, host: string): NoticeError {
  const { responseCode, code = 'UNKNOWN' } = error as { responseCode?: number; code?: string };
  if (responseCode === undefined) {
    return new NoticeError('NOTICE_UNREACHABLE', `Cannot send the mail: ${host} could not be used: ${code}`, {
      cause: error,
    });
  }
  const message = `Cannot send the mail: ${host} answered ${responseCode} (${code})`;
  return new NoticeError('NOTICE_REFUSED', message, { cause: error });
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}
