import test from 'ava';
import { categoryOfStatus } from '../../src/dimse/status.ts';
import { answerOfError } from '../../src/intake/status-of-error.ts';
import { SpoolError, SpoolRefusingError } from '../../src/spool/spool.ts';

test('a want of room, or a disk that fails, is out of resources: the sender shall come again', (t) => {
  const refusing = new SpoolRefusingError({ freeBytes: 1, reservedBytes: 2, watermarkFreeBytes: 3 });
  for (const error of [refusing, new SpoolError('WRITE_FAILED', 'x'), new SpoolError('COMMIT_FAILED', 'x')]) {
    t.is(answerOfError(error).status, 0xa700);
  }
});

test('anything else is a processing failure', (t) => {
  for (const error of [
    new SpoolError('REQUEST_REJECTED', 'x'),
    new Error('PatientName=DOE^JOHN'),
    undefined,
  ]) {
    t.is(answerOfError(error).status, 0x0110);
  }
});

test('no comment tells a word of the error', (t) => {
  const { errorComment } = answerOfError(new SpoolError('WRITE_FAILED', '/data/DOE^JOHN: ENOSPC'));
  t.is(errorComment, 'Out of resources');
});

// Fault case 9.
test('other content that is refused is answered with a failure that no sender takes for success', (t) => {
  const { status } = answerOfError(new SpoolError('OTHER_CONTENT', 'Cannot keep the instance'));

  t.is(status, 0xc111);
  t.is(categoryOfStatus(status).outcome, 'hold');
});
