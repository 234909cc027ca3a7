import test from 'ava';
import fc from 'fast-check';
import { Part10Error } from '../../src/dicom/errors.ts';
import { encodeFileMeta, readFileMeta } from '../../src/dicom/file-meta.ts';
import { EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE } from '../../src/dicom/transfer-syntax.ts';

const META = {
  sopClassUid: '1.2.840.10008.5.1.4.1.1.7',
  sopInstanceUid: '2.25.12345',
  transferSyntaxUid: '1.2.840.10008.1.2.4.50',
  sourceAeTitle: 'CT1',
};

test('readFileMeta() returns what encodeFileMeta() wrote', (t) => {
  const bytes = encodeFileMeta(META);

  const meta = readFileMeta(bytes);

  t.like(meta, { ...META, dataSetOffset: bytes.length, isGuessed: false });
  t.is(bytes.length % 2, 0);
});

test('the group length counts every byte behind it', (t) => {
  const bytes = Buffer.from(encodeFileMeta(META));

  t.is(bytes.readUInt32LE(140), bytes.length - 144);
});

test('an instance without source AE title gets no (0002,0016)', (t) => {
  const { sourceAeTitle, ...meta } = META;

  t.is(readFileMeta(encodeFileMeta(meta)).sourceAeTitle, undefined);
  t.truthy(sourceAeTitle);
});

test('a wrong group length does not mislead', (t) => {
  const bytes = Buffer.from(encodeFileMeta(META));
  bytes.writeUInt32LE(4, 140);

  t.is(readFileMeta(bytes).dataSetOffset, bytes.length);
});

test('a missing group length is not missed', (t) => {
  const bytes = encodeFileMeta(META);
  const without = Buffer.concat([bytes.subarray(0, 132), bytes.subarray(144)]);

  t.like(readFileMeta(without), { ...META, dataSetOffset: without.length });
});

test('a file that begins with group 2 needs no preamble', (t) => {
  const bytes = encodeFileMeta(META).subarray(132);

  t.like(readFileMeta(bytes), { ...META, dataSetOffset: bytes.length });
});

test('a bare data set tells its transfer syntax by its first element', (t) => {
  const explicitLe = Uint8Array.of(8, 0, 5, 0, 0x43, 0x53, 2, 0, 0x49, 0x53);
  const implicitLe = Uint8Array.of(8, 0, 5, 0, 2, 0, 0, 0, 0x49, 0x53);
  const explicitBe = Uint8Array.of(0, 8, 0, 5, 0x43, 0x53, 0, 2, 0x49, 0x53);

  const found = [explicitLe, implicitLe, explicitBe].map((bytes) => readFileMeta(bytes));

  t.deepEqual(
    found.map((meta) => meta.transferSyntaxUid),
    [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE],
  );
  t.true(found.every((meta) => meta.isGuessed && meta.dataSetOffset === 0));
});

test('what is no DICOM is refused, and so is a head that ends within the File Meta Information', (t) => {
  t.throws(() => readFileMeta(Buffer.from('<html>not found</html>')), { instanceOf: Part10Error });
  t.throws(() => readFileMeta(new Uint8Array(0)), { instanceOf: Part10Error });
  t.throws(() => readFileMeta(encodeFileMeta(META).subarray(0, 170)), { instanceOf: Part10Error });
});

test('readFileMeta() throws nothing but Part10Error, whatever the bytes', (t) => {
  const start = Buffer.alloc(132);
  start.write('DICM', 128);
  fc.assert(
    fc.property(fc.boolean(), fc.uint8Array({ maxLength: 64 }), (withPrefix, bytes) => {
      const group2 = Buffer.concat([withPrefix ? start : Buffer.alloc(0), Buffer.of(2, 0), bytes]);
      for (const candidate of [bytes, group2]) {
        try {
          readFileMeta(candidate);
        } catch (error) {
          if (!(error instanceof Part10Error)) throw error;
        }
      }
    }),
  );
  t.pass();
});
