import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { type ChannelKind, channelSettings, type Message } from './channel-kind.ts';
import { NoticeError } from './errors.ts';
import { readSecretOf } from './secret.ts';

const ANSWER_LIMIT_MS = 30_000;
const PROBLEM_WITH_URL = 'must be an address that begins with https:// or http://';

const WebhookSettings = z
  .strictObject({
    kind: z.literal('webhook').describe('JSON, posted to an HTTP server: a chat, a pager, a ticket system.'),
    url: z.string().refine(isHttpUrl, PROBLEM_WITH_URL).optional().describe('Where to post.'),
    url_file: z
      .string()
      .min(1)
      .optional()
      .describe('File that holds the address, for chats whose addresses are secret.'),
    url_env: z.string().min(1).optional().describe('Environment variable that holds the address.'),
    secret_file: z
      .string()
      .min(1)
      .optional()
      .describe('File with a secret that receiver and gateway share: posts are signed with it.'),
    secret_env: z.string().min(1).optional().describe('Environment variable with that secret.'),
    ...channelSettings,
  })
  .refine(
    ({ url, url_file, url_env }) =>
      [url, url_file, url_env].filter((place) => place !== undefined).length === 1,
    { path: ['url'], message: 'must be stated, as exactly one of url, url_file and url_env' },
  )
  .refine(({ secret_file, secret_env }) => secret_file === undefined || secret_env === undefined, {
    path: ['secret_env'],
    message: 'must not stand beside secret_file',
  });
type WebhookSettings = z.infer<typeof WebhookSettings>;

/** Posts to a program. */
export const webhook: ChannelKind<typeof WebhookSettings> = {
  settings: WebhookSettings,
  open: (settings) => ({ send: (message, signal) => post(settings, message, signal) }),
};

async function post(settings: WebhookSettings, message: Message, signal: AbortSignal): Promise<void> {
  const url = settings.url ?? (await readAddress(settings));
  const secret = await readSecretOf('secret', { file: settings.secret_file, env: settings.secret_env });
  // What chats show is `text`; everything else is for programs.
  const body = JSON.stringify({ text: message.text, title: message.title, ...message.facts });
  const response = await fetch(url, {
    method: 'POST',
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_LIMIT_MS)]),
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Slidegate',
      'x-slidegate-notice': message.id,
      ...(secret !== undefined && { 'x-slidegate-signature': `sha256=${sign(body, secret)}` }),
    },
    body,
  }).catch((error: unknown) => {
    const { code, name } = ((error as Error).cause ?? error) as { code?: string; name: string };
    const why = code ?? name;
    // Neither address nor cause: both may hold what is secret.
    throw new NoticeError(
      'NOTICE_UNREACHABLE',
      `Cannot post the notice: its receiver could not be used: ${why}`,
    );
  });
  await response.body?.cancel();
  if (response.ok) return;
  throw new NoticeError('NOTICE_REFUSED', `Cannot post the notice: its receiver answered ${response.status}`);
}

/** Of the body as posted, in lower-case hexadecimal. */
function sign(body: string, secret: string): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}

async function readAddress({ url_file, url_env }: WebhookSettings): Promise<string> {
  const url = (await readSecretOf('address', { file: url_file, env: url_env })) ?? '';
  if (isHttpUrl(url)) return url;
  throw new NoticeError(
    'NOTICE_SECRET_UNREADABLE',
    `Cannot post the notice: its address ${PROBLEM_WITH_URL}`,
  );
}

function isHttpUrl(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? '');
}
