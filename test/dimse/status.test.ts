import test from 'ava';
import { categoryOfStatus, formatStatus, type StatusOutcome } from '../../src/dimse/status.ts';

/** The meanings of statuses, stated a second time and differently: by the digits of the status. */
function expectedOutcome(status: number): StatusOutcome {
  const digits = status.toString(16).toUpperCase().padStart(4, '0');
  if (digits === '0000') return 'delivered';
  if (['0001', '0107', '0116'].includes(digits) || digits.startsWith('B')) return 'warning';
  if (digits === '0111') return 'duplicate';
  if (digits.startsWith('A7')) return 'retry-long';
  if (digits === '0110' || digits === '0213') return 'retry-limited';
  if (digits.startsWith('FE') || digits.startsWith('FF')) return 'protocol-error';
  return 'hold';
}

test('every status there can be has the outcome that is laid down for it', (t) => {
  for (let status = 0; status <= 0xffff; status += 1) {
    const { outcome, meaning } = categoryOfStatus(status);
    if (outcome !== expectedOutcome(status)) t.is(outcome, expectedOutcome(status), formatStatus(status));
    if (meaning.length === 0) t.fail(`${formatStatus(status)} has no meaning`);
  }
  t.pass();
});

test('a status that is none is a mistake of the caller', (t) => {
  for (const status of [-1, 0x1_0000, Number.NaN]) {
    t.throws(() => categoryOfStatus(status), { instanceOf: RangeError });
  }
});

test('the statuses of the storage service say what they mean', (t) => {
  t.is(categoryOfStatus(0xa700).meaning, 'Out of resources');
  t.is(categoryOfStatus(0xb007).meaning, 'Data set does not match SOP class');
  t.is(categoryOfStatus(0x0124).meaning, 'Not authorized');
  t.is(formatStatus(0x0110), '0110H');
});
