/** A notice in words: what, where, since when, how many, and where to look further. Pure. */
import type { LastingReason, Notice, NoticeReason } from './notice.ts';

interface Words {
  /** What happened, as a sentence without its full stop. */
  readonly title: (notice: Notice) => string;
  readonly look: (notice: Notice) => string;
}

const DELIVERY = 'delivery to ';

const WORDS: Readonly<Record<NoticeReason, Words>> = {
  held: {
    title: ({ count, subject }) => `${counted(count, 'task')} held: ${subject}`,
    look: ({ subject }) =>
      subject.startsWith(DELIVERY)
        ? `slidegate status --held --destination ${subject.slice(DELIVERY.length)}`
        : 'slidegate status --held',
  },
  'gave-up': {
    title: ({ count, subject }) =>
      `${counted(count, 'delivery', 'deliveries')} to ${subject} given up, after all the time that is allowed`,
    look: ({ subject }) => `slidegate status --held --destination ${subject}`,
  },
  'destination-down': {
    title: ({ count, subject }) =>
      `Destination ${subject} is down; ${counted(count, 'instance')} wait for it`,
    look: () => 'slidegate status',
  },
  'source-silent': {
    title: ({ subject }) => `Source ${subject} sends nothing`,
    look: () => 'slidegate status; then the queue of the modality itself',
  },
  'refusing-input': {
    title: () => 'No instance is taken any more: free space is under the watermark',
    look: () => 'slidegate status',
  },
  unhealthy: {
    title: ({ subject }) =>
      subject === 'spool'
        ? 'The spool cannot write, or does not answer'
        : `${capital(subject)} is not at work`,
    look: () => 'slidegate status, and the log of the gateway',
  },
  'certificate-expiring': {
    title: ({ subject }) => `The certificate of ${subject} ends soon`,
    look: () => 'slidegate config check',
  },
  test: {
    title: ({ subject }) => `This is a test: notices of channel ${subject} arrive`,
    look: () => 'slidegate status',
  },
  recovered: {
    title: ({ of, subject }) => OVER[of ?? 'unhealthy'](subject),
    look: () => 'slidegate status',
  },
};

const OVER: Readonly<Record<LastingReason, (subject: string) => string>> = {
  'destination-down': (subject) => `Destination ${subject} takes instances again`,
  'source-silent': (subject) => `Source ${subject} sends again`,
  'refusing-input': () => 'Instances are taken again',
  unhealthy: (subject) =>
    subject === 'spool' ? 'The spool is well again' : `${capital(subject)} is at work again`,
  'certificate-expiring': (subject) => `The certificate of ${subject} has been renewed`,
};

/** One line. */
export function titleOf(notice: Notice): string {
  const often = notice.times > 1 ? ` (${notice.times} times)` : '';
  return `${WORDS[notice.reason].title(notice)}${often}`;
}

/** The command that tells more. */
export function commandOf(notice: Notice): string {
  return WORDS[notice.reason].look(notice);
}

/** All of it, for a person. */
export function textOf(notice: Notice, timeZone: string): string {
  const codes = Object.entries(notice.codes ?? {}).map(([code, count]) => `${code} (${count})`);
  const ended = notice.reason === 'recovered';
  return [
    `${titleOf(notice)}.`,
    '',
    `Gateway:  ${notice.gateway}`,
    `${ended ? 'Began:   ' : 'Since:   '} ${timeText(notice.sinceMs, timeZone)}`,
    ...(ended || notice.times > 1
      ? [`${ended ? 'Over:    ' : 'Last:    '} ${timeText(notice.atMs, timeZone)}`]
      : []),
    ...(codes.length > 0 ? [`Reasons:  ${codes.join(', ')}`] : []),
    `To see:   ${commandOf(notice)}`,
  ].join('\n');
}

function timeText(ms: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  });
  const part = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
  const date = `${part.get('year')}-${part.get('month')}-${part.get('day')}`;
  return `${date} ${part.get('hour')}:${part.get('minute')}:${part.get('second')} ${part.get('timeZoneName')}`;
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
