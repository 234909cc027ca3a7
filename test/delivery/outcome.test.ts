import test from 'ava';
import fc from 'fast-check';
import { DeliveryError } from '../../src/delivery/errors.ts';
import {
  dispositionOf,
  outcomeOfError,
  outcomeOfResponse,
  printable,
  statusLabel,
} from '../../src/delivery/outcome.ts';
import {
  AssociationAbortedError,
  AssociationRejectedError,
  ConnectionFailedError,
  DataSetSourceError,
  NoPresentationContextError,
  PeerTimeoutError,
} from '../../src/dimse/errors.ts';

/** The table of the design, written a second time and another way. */
function expected(status: number): string {
  const hex = status.toString(16).toUpperCase().padStart(4, '0');
  if (hex === '0000') return 'delivered';
  if (hex.startsWith('B') || ['0001', '0107', '0116'].includes(hex)) return 'warning';
  if (hex === '0111') return 'duplicate';
  if (hex.startsWith('A7')) return 'retry resources';
  if (hex === '0110' || hex === '0213') return 'retry processing';
  if (/^(FE|FF)/.test(hex)) return 'unclear unclear';
  return 'hold refused';
}

test('outcomeOfResponse() reads each of the 65536 statuses as the table says', (t) => {
  const wrong: string[] = [];
  for (let status = 0; status <= 0xffff; status += 1) {
    const outcome = outcomeOfResponse({ status }, { duplicate: 'ok' });
    const word = outcome.taken ? outcome.outcome : `${dispositionOf(outcome.reason)} ${outcome.reason}`;
    if (word !== expected(status) || outcome.status !== status) wrong.push(`${status}: ${word}`);
  }

  t.deepEqual(wrong, []);
});

test('a duplicate is refused where the destination says that it is an error', (t) => {
  const outcome = outcomeOfResponse({ status: 0x0111 }, { duplicate: 'error' });

  t.like(outcome, { taken: false, reason: 'refused', code: 'DUPLICATE', status: 0x0111 });
});

test('the peer is quoted beside the message, never in it', (t) => {
  const outcome = outcomeOfResponse(
    { status: 0xa700, errorComment: 'Quota of DOE^JANE' },
    { duplicate: 'ok' },
  );

  t.like(outcome, { message: 'Destination answered A700H (Out of resources)', comment: 'Quota of DOE^JANE' });
});

test('printable() leaves at most 64 characters and no control character, whatever came', (t) => {
  t.is(printable('\u001b[31mdisk\r\n full\u0000'), '[31mdisk  full');
  t.is(printable('\u0000\u0007'), '');
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const shown = printable(text);
        return Array.from(shown).length <= 64 && !/\p{C}/u.test(shown.replaceAll(/\p{Cn}|\p{Co}/gu, ''));
      }),
    ),
  );
});

test('an association that cannot be opened is the trouble of the destination, even rejected for good', (t) => {
  const rejected = new AssociationRejectedError('PACS', { result: 1, source: 1, reason: 7 });
  const refused = new ConnectionFailedError('Cannot connect: it must listen');

  t.like(outcomeOfError(rejected, 'open'), { reason: 'unreachable', code: 'ASSOCIATION_REJECTED' });
  t.like(outcomeOfError(refused, 'open'), { reason: 'unreachable', code: 'CONNECTION_FAILED' });
});

test('an abort or a time-out while sending is unclear, and unreachable where nothing was sent', (t) => {
  const aborted = new AssociationAbortedError('Cannot send', { source: 0, reason: 0 }, 'unclear');
  const early = new AssociationAbortedError('Cannot send', { source: 0, reason: 0 }, 'retry');

  t.is(outcomeOfError(aborted, 'send').reason, 'unclear');
  t.is(outcomeOfError(new PeerTimeoutError('response', 5, 'unclear'), 'send').reason, 'unclear');
  t.is(outcomeOfError(early, 'send').reason, 'unreachable');
  t.is(outcomeOfError(new NoPresentationContextError('Cannot send'), 'send').reason, 'refused');
});

test('a fault of our own copy is not the fault of the destination', (t) => {
  const unreadable = new DeliveryError('INSTANCE_UNREADABLE', 'Cannot read');
  const damaged = new DeliveryError('DIGEST_MISMATCH', 'Cannot send');
  const wrap = (cause: Error) => new DataSetSourceError('Cannot send', 'retry', { cause });

  t.like(outcomeOfError(wrap(unreadable), 'send'), { reason: 'local', code: 'INSTANCE_UNREADABLE' });
  t.like(outcomeOfError(wrap(damaged), 'send'), { reason: 'refused', code: 'DIGEST_MISMATCH' });
  t.like(outcomeOfError(wrap(new Error('EIO')), 'send'), { reason: 'local', code: 'DATA_SET_SOURCE' });
  t.is(outcomeOfError(unreadable, 'send').reason, 'local');
});

test('a bug is held under its own code, without its words', (t) => {
  const outcome = outcomeOfError(new TypeError('DOE^JANE is undefined'), 'send');

  t.like(outcome, { reason: 'refused', code: 'INTERNAL_ERROR' });
  t.false(outcome.message.includes('DOE'));
});

test('statusLabel() has fewer than 64 values', (t) => {
  const labels = new Set([undefined, ...Array(0x10000).keys()].map((status) => statusLabel(status)));

  t.true(labels.size < 64, `${labels.size}`);
  t.true(['none', '0000', 'B000', 'Bxxx', 'A7xx', 'Cxxx', '01xx'].every((label) => labels.has(label)));
});
