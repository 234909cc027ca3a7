import { deflateRawSync } from 'node:zlib';
import test from 'ava';
import { readHeader } from '../../src/spool/header.ts';
import { part10Of, type SmallInstance } from '../support/small-instance.ts';
import { newInstance } from '../support/temporary-spool.ts';

/** @param looks notes how many bytes were asked for */
function read(instance: SmallInstance, looks: number[] = []) {
  const bytes = part10Of(instance);
  return readHeader({
    ...instance,
    dataSetOffset: instance.fileMeta.length,
    totalBytes: bytes.length,
    head: (lengthBytes) => {
      looks.push(lengthBytes);
      return bytes.subarray(0, lengthBytes);
    },
  });
}

test('readHeader() knows study and series of an instance', (t) => {
  const reading = read(newInstance({ studyInstanceUid: '1.2.3', seriesInstanceUid: '1.2.3.4' }));

  t.like(reading, { studyInstanceUid: '1.2.3', seriesInstanceUid: '1.2.3.4', held: undefined });
});

test('readHeader() looks further only when the header is longer than most', (t) => {
  const looks: number[] = [];
  read(newInstance({ pixelBytes: 500_000 }), looks);
  t.deepEqual(looks, [65_536]);

  const long = newInstance({
    elements: [[0x0009_1001, 'OB', Buffer.alloc(100_000)]],
    seriesInstanceUid: '1.9',
  });

  t.is(read(long, looks).seriesInstanceUid, '1.9');
  t.deepEqual(looks, [65_536, 65_536, 1_048_576]);
});

test('readHeader() holds nothing for a header that goes on beyond what is ever indexed', (t) => {
  const endless = newInstance({ elements: [[0x0011_1001, 'OB', Buffer.alloc(2_000_000)]] });

  t.like(read(endless), { held: undefined, studyInstanceUid: '' });
});

test('readHeader() reads a data set that is deflated', (t) => {
  const plain = newInstance({ studyInstanceUid: '1.2.3' });
  const deflated = {
    ...plain,
    transferSyntaxUid: '1.2.840.10008.1.2.1.99',
    dataSet: deflateRawSync(plain.dataSet),
  };

  t.like(read(deflated), { studyInstanceUid: '1.2.3', held: undefined });
  t.is(read({ ...deflated, dataSet: Buffer.alloc(400, 0xee) }).held?.code, 'HEADER_DAMAGED');
});

test('readHeader() says which UID is not the one of the command, where, and what it is', (t) => {
  const instance = newInstance({ sopInstanceUid: '1.2.77' });
  const offset = instance.fileMeta.length + instance.dataSet.indexOf(Buffer.from([0x08, 0, 0x18, 0]));

  t.deepEqual(read({ ...instance, sopInstanceUid: '1.2.78' }).held, {
    code: 'UID_MISMATCH',
    reason: `SOP Instance UID (0008,0018) of the data set at offset ${offset} is "1.2.77"; the command says "1.2.78"`,
  });
});

test('readHeader() holds an instance without a SOP Class UID, or without anything', (t) => {
  const instance = newInstance();
  const at = instance.dataSet.indexOf(Buffer.from([0x08, 0, 0x18, 0]));

  t.regex(
    read({ ...instance, dataSet: instance.dataSet.subarray(at) }).held?.reason ?? '',
    /\(0008,0016\).*is missing/,
  );
  t.is(read({ ...instance, dataSet: Buffer.alloc(0) }).held?.code, 'UID_MISMATCH');
});
