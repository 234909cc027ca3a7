import test from 'ava';
import fc from 'fast-check';
import { CommitmentFormatError } from '../../src/dimse/errors.ts';
import {
  type CommitmentReport,
  decodeCommitmentReport,
  decodeCommitmentRequest,
  encodeCommitmentReport,
  encodeCommitmentRequest,
  eventTypeOf,
} from '../../src/dimse/storage-commitment.ts';

const IMPLICIT_LE = '1.2.840.10008.1.2';
const EXPLICIT_LE = '1.2.840.10008.1.2.1';
const EXPLICIT_BE = '1.2.840.10008.1.2.2';
const DEFLATED = '1.2.840.10008.1.2.1.99';

const uid = fc
  .array(fc.nat(99_999), { minLength: 1, maxLength: 9 })
  .map((components) => `1.2.${components.join('.')}`);
const reference = fc.record({ sopClassUid: uid, sopInstanceUid: uid });
const transferSyntaxUid = fc.constantFrom(IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED);

test('a request is read as it was written, in every encoding', (t) => {
  fc.assert(
    fc.property(
      fc.record({ transactionUid: uid, references: fc.array(reference, { minLength: 1 }) }),
      transferSyntaxUid,
      (request, syntax) => {
        t.deepEqual(decodeCommitmentRequest(encodeCommitmentRequest(request, syntax), syntax), request);
      },
    ),
    { numRuns: 60 },
  );
});

test('a report is read as it was written; its event type says whether there are failures', (t) => {
  const failed = fc.record({
    sopClassUid: uid,
    sopInstanceUid: uid.map((text) => `${text}.1`),
    failureReason: fc.integer({ min: 0x0110, max: 0x0213 }),
  });
  const report = fc.record({
    transactionUid: uid,
    committed: fc.array(reference.map((one) => ({ ...one, sopInstanceUid: `${one.sopInstanceUid}.2` }))),
    failed: fc.array(failed),
  });
  fc.assert(
    fc.property(report, transferSyntaxUid, (one: CommitmentReport, syntax) => {
      t.deepEqual(decodeCommitmentReport(encodeCommitmentReport(one, syntax), syntax), one);
      t.is(eventTypeOf(one), one.failed.length > 0 ? 2 : 1);
    }),
    { numRuns: 60 },
  );
});

test('an instance that is reported as committed and as failed has failed', (t) => {
  const both = { sopClassUid: '1.2.3', sopInstanceUid: '1.2.3.4' };
  const report = { transactionUid: '1.2', committed: [both], failed: [{ ...both, failureReason: 0x0112 }] };
  const read = decodeCommitmentReport(encodeCommitmentReport(report, EXPLICIT_LE), EXPLICIT_LE);
  t.deepEqual(read, { ...report, committed: [] });
});

test('a request without references, or without a UID where one must be, is refused with the right status', (t) => {
  const good = { sopClassUid: '1.2.3', sopInstanceUid: '1.2.3.4' };
  const statusOf = (transactionUid: string, references: (typeof good)[]) =>
    t.throws(
      () =>
        decodeCommitmentRequest(
          encodeCommitmentRequest({ transactionUid, references }, IMPLICIT_LE),
          IMPLICIT_LE,
        ),
      { instanceOf: CommitmentFormatError },
    )?.status;
  t.is(statusOf('1.2', []), 0x0114);
  t.is(statusOf('', [good]), 0x0114);
  t.is(statusOf('no uid', [good]), 0x0115);
  t.is(statusOf('1.2', [good, { ...good, sopInstanceUid: 'DOE^JANE' }]), 0x0115);
  t.is(statusOf('1.2', Array(60_001).fill(good)), 0x0213);
});

test('50 000 references of the longest UIDs fit the bound of a data set and are read in a second', (t) => {
  const long = (index: number) => `1.2.${'9'.repeat(50)}.${100_000_000 + index}`;
  const references = Array.from({ length: 50_000 }, (_, index) => ({
    sopClassUid: long(0),
    sopInstanceUid: long(index),
  }));
  const bytes = encodeCommitmentRequest({ transactionUid: '1.2', references }, IMPLICIT_LE);
  t.true(bytes.length <= 8 * 1024 * 1024, String(bytes.length));
  const startedAtMs = performance.now();
  t.is(decodeCommitmentRequest(bytes, IMPLICIT_LE).references.length, 50_000);
  t.log(`${Math.round(performance.now() - startedAtMs)} ms`);
});

test('throws nothing but CommitmentFormatError, whatever the bytes', (t) => {
  const real = encodeCommitmentReport(
    {
      transactionUid: '1.2',
      committed: [{ sopClassUid: '1.2.3', sopInstanceUid: '1.2.3.4' }],
      failed: [{ sopClassUid: '1.2.3', sopInstanceUid: '1.2.3.5', failureReason: 0x0112 }],
    },
    EXPLICIT_LE,
  );
  const damaged = fc
    .tuple(fc.nat(real.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(real.length))
    .map(([at, byte, end]) => {
      const bytes = Uint8Array.from(real);
      bytes[at] = byte;
      return bytes.subarray(0, end);
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), transferSyntaxUid, (bytes, syntax) => {
      for (const decode of [decodeCommitmentReport, decodeCommitmentRequest]) {
        try {
          decode(bytes, syntax);
        } catch (error) {
          t.true(error instanceof CommitmentFormatError, String(error));
        }
      }
    }),
    { numRuns: 500 },
  );
  t.pass();
});
