/** Real files, where there are some: SLIDEGATE_SAMPLES names a folder with `dicom/`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readDataSet } from '../../src/dicom/data-set.ts';
import { applyEdits } from '../../src/dicom/edits.ts';
import { encodeDataSet } from '../../src/dicom/element-writer.ts';
import { Part10Error, ValueError } from '../../src/dicom/errors.ts';
import { type FileMeta, readFileMeta } from '../../src/dicom/file-meta.ts';
import {
  decodeHeaderIndex,
  encodeHeaderIndex,
  type HeaderIndex,
  type IndexedElement,
  indexHeader,
} from '../../src/dicom/header-index.ts';
import { Tag } from '../../src/dicom/tags.generated.ts';
import { DEFLATED_LE, EXPLICIT_LE, IMPLICIT_LE } from '../../src/dicom/transfer-syntax.ts';
import { rewriteVrEncoding } from '../../src/dicom/vr-encoding.ts';

const folder = join(process.env.SLIDEGATE_SAMPLES ?? '', 'dicom');
const paths =
  process.env.SLIDEGATE_SAMPLES !== undefined && existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.dcm'))
    : [];
const testSamples = paths.length > 0 ? test : test.skip;

interface Sample {
  readonly path: string;
  readonly bytes: Buffer;
  readonly meta: FileMeta;
  readonly index: HeaderIndex;
}

function* samples(): Generator<Sample> {
  for (const path of paths) {
    const bytes = readFileSync(join(folder, path));
    const meta = metaOf(bytes);
    if (meta === undefined) continue;
    const { transferSyntaxUid, dataSetOffset } = meta;
    const head = bytes.subarray(0, 2 ** 20);
    const index = indexHeader(head, { transferSyntaxUid, dataSetOffset, totalBytes: bytes.length });
    yield { path, bytes, meta, index };
  }
}

function metaOf(bytes: Buffer): FileMeta | undefined {
  try {
    return readFileMeta(bytes);
  } catch (error) {
    if (error instanceof Part10Error) return undefined;
    throw error;
  }
}

/** Whether writing it by the rules gives other bytes: undefined lengths, needless delimiters, odd lengths. */
function isIrregular(elements: readonly IndexedElement[]): boolean {
  return elements.some(({ valueLength, itemsLeftOut, items, vr }) => {
    if (vr === 'SQ' && items === undefined) return true;
    return valueLength % 2 === 1 || itemsLeftOut || items?.some((item) => isIrregular(item));
  });
}

testSamples('every sample is indexed, and the index survives packing', (t) => {
  let read = 0;
  for (const { index, path } of samples()) {
    t.deepEqual(decodeHeaderIndex(encodeHeaderIndex(index)), index, path);
    if (index.fault === undefined) read += 1;
  }
  t.true(read > 0.9 * paths.length, `${read} of ${paths.length} were read`);
});

testSamples('a header that is read and written again is what the file holds', (t) => {
  let identical = 0;
  let regular = 0;
  for (const { bytes, index, meta, path } of samples()) {
    const { transferSyntaxUid } = meta;
    if (index.fault !== undefined || !index.complete || transferSyntaxUid === DEFLATED_LE) continue;
    const options = { transferSyntaxUid, stopBefore: Tag.FloatPixelData };
    const { dataSet, endOffset } = readDataSet(bytes, { ...options, offset: meta.dataSetOffset });
    const again = encodedAgain(() => encodeDataSet(dataSet, transferSyntaxUid));
    if (again === undefined) continue;
    t.deepEqual(encodeDataSet(readDataSet(again, options).dataSet, transferSyntaxUid), again, path);
    if (isIrregular(index.elements.filter(({ tag }) => tag !== Tag.PixelData))) continue;
    regular += 1;
    if (Buffer.from(again).equals(bytes.subarray(meta.dataSetOffset, endOffset))) identical += 1;
    else t.log(path);
  }
  t.true(regular > 0);
  t.is(identical, regular);
});

/** @returns undefined where the character set can only be read */
function encodedAgain(encode: () => Uint8Array): Uint8Array | undefined {
  try {
    return encode();
  } catch (error) {
    if (error instanceof ValueError) return undefined;
    throw error;
  }
}

testSamples('an attribute that is set and removed again leaves the bytes as they were', (t) => {
  let spliced = 0;
  for (const { bytes, index, path } of samples()) {
    if (index.fault !== undefined || !index.complete || index.transferSyntaxUid === DEFLATED_LE) continue;
    // An attribute that no sample has, in a group that none has a length of.
    const edits = [{ set: '(0015,10FE)', value: ['x'] }, { remove: '(0015,10FE)' }];
    const { prefix, restOffset } = applyEdits(index, bytes.subarray(0, 2 ** 20), edits);
    const after = Buffer.concat([bytes.subarray(0, index.dataSetOffset), prefix, bytes.subarray(restOffset)]);
    t.true(after.equals(bytes), path);
    spliced += 1;
  }
  t.true(spliced > 0);
});

testSamples('implicit VR and back gives the same elements', (t) => {
  let rewritten = 0;
  for (const { bytes, index, path } of samples()) {
    if (index.fault !== undefined || index.transferSyntaxUid !== IMPLICIT_LE) continue;
    const explicit = rewrite(bytes, index, EXPLICIT_LE);
    const explicitIndex = indexOf(explicit, EXPLICIT_LE);
    t.is(explicitIndex.fault, undefined, path);
    const back = rewrite(explicit, explicitIndex, IMPLICIT_LE);
    const again = rewrite(back, indexOf(back, IMPLICIT_LE), EXPLICIT_LE);
    t.true(again.equals(explicit), path);
    rewritten += 1;
  }
  t.true(rewritten > 0);
});

/** The data set alone. */
function rewrite(bytes: Buffer, index: HeaderIndex, to: string): Buffer {
  const { prefix, restOffset } = rewriteVrEncoding(bytes, index, to);
  return Buffer.concat([prefix, bytes.subarray(restOffset)]);
}

function indexOf(bytes: Buffer, transferSyntaxUid: string): HeaderIndex {
  return indexHeader(bytes, { transferSyntaxUid, dataSetOffset: 0, totalBytes: bytes.length });
}
