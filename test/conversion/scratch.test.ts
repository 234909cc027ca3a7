import { tmpdir } from 'node:os';
import test from 'ava';
import { ScratchSpace, scratchBytesOf } from '../../src/conversion/scratch.ts';
import { DataSet } from '../../src/dicom/data-set.ts';
import { encodeDataSet } from '../../src/dicom/element-writer.ts';
import { encodeHeaderIndex, indexHeader } from '../../src/dicom/header-index.ts';

const EXPLICIT_LE = '1.2.840.10008.1.2.1';
const JPEG_BASELINE = '1.2.840.10008.1.2.4.50';

function claimOf(
  sizeBytes: number,
  { rows, columns, frames }: { rows: number; columns: number; frames: string },
  transferSyntaxUid = EXPLICIT_LE,
) {
  const dataSet = new DataSet().set('NumberOfFrames', [frames]).set('Rows', rows).set('Columns', columns);
  const head = encodeDataSet(dataSet, EXPLICIT_LE);
  const index = indexHeader(head, {
    transferSyntaxUid: EXPLICIT_LE,
    dataSetOffset: 0,
    totalBytes: head.byteLength,
  });
  return { headerIndex: encodeHeaderIndex(index), entry: { sizeBytes, transferSyntaxUid } };
}

test('scratch space of an image is its native pixels, their pyramid and the products of all frames', (t) => {
  const frameBytes = 600 * 500 * 3;
  const claim = claimOf(4 * frameBytes + 1000, { rows: 600, columns: 500, frames: '4' });

  t.is(scratchBytesOf(claim), Math.ceil(frameBytes * (1 + (2 / 3) * 5)));
});

test('header that claims more frames than the file can hold takes no more space than those that it can', (t) => {
  const shape = { rows: 600, columns: 500 };

  const native = scratchBytesOf(claimOf(900_000, { ...shape, frames: '999999999' }));
  const jpeg = scratchBytesOf(claimOf(170_000, { ...shape, frames: '999999999' }, JPEG_BASELINE));

  t.true(native < 10 * 900_000, `${native}`);
  t.true(jpeg < 1e9, `${jpeg}`);
});

test('header that claims a larger image than the file can hold takes no more space than that', (t) => {
  const claimed = { rows: 65_500, columns: 65_500, frames: '1' };

  t.true(scratchBytesOf(claimOf(1000, claimed)) < 10_000);
  t.true(scratchBytesOf(claimOf(1000, claimed, JPEG_BASELINE)) < 10_000_000);
});

test('number of frames below one gives back no space', (t) => {
  const none = scratchBytesOf(claimOf(900_000, { rows: 600, columns: 500, frames: '-1000' }));

  t.is(none, scratchBytesOf(claimOf(900_000, { rows: 600, columns: 500, frames: '1' })));
});

test('scratch space that one conversion has reserved is not there for another', async (t) => {
  const scratch = new ScratchSpace(1000);

  t.true(scratch.hasRoom(1001));
  t.false(scratch.hasRoom(1000));
  const release = await scratch.reserve(tmpdir(), 5000);
  t.false(scratch.hasRoom(6000));
  release?.();
  t.true(scratch.hasRoom(6000));
});

test('reservation that would leave too little free is refused', async (t) => {
  t.is(await new ScratchSpace(0).reserve(tmpdir(), Number.MAX_SAFE_INTEGER), undefined);
});

test('need for scratch space is that of the stored bytes when no header tells the size of the image', (t) => {
  t.true(scratchBytesOf({ entry: { sizeBytes: 3000, transferSyntaxUid: EXPLICIT_LE } }) >= 6000);
});
