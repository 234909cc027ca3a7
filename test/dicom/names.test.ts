import test from 'ava';
import fc from 'fast-check';
import { AeTitle, trimAeTitle } from '../../src/dicom/ae-title.ts';
import { generateTags, generateUids } from '../../src/dicom/generate-dictionary.ts';
import { isStorageSopClass, sopClassName, storageSopClasses } from '../../src/dicom/sop-class.ts';
import { transferSyntaxes, transferSyntaxNamed, transferSyntaxOf } from '../../src/dicom/transfer-syntax.ts';
import { deterministicUid, IMPLEMENTATION_CLASS_UID, isUid } from '../../src/dicom/uid.ts';
import { isVr, vrOfCode, vrTable } from '../../src/dicom/vr.ts';

test('every transfer syntax of the contract has its name', (t) => {
  const names =
    'implicit-le explicit-le explicit-be deflated rle jpeg-baseline jpeg-extended jpeg-lossless jpeg-lossless-sv1 ' +
    'jpeg-ls jpeg-ls-near jpeg2000 jpeg2000-lossless htj2k htj2k-lossless htj2k-lossless-rpcl jpeg-xl ' +
    'jpeg-xl-lossless jpeg-xl-recompression';
  for (const name of names.split(' ')) t.is(transferSyntaxNamed(name)?.name, name);
  t.is(transferSyntaxNamed('1.2.840.10008.1.2.4.203')?.name, 'htj2k');
  t.is(transferSyntaxNamed('jpeg'), undefined);
});

test('transfer syntaxes differ in UID, name and title', (t) => {
  for (const key of ['uid', 'name', 'title'] as const) {
    t.is(new Set(transferSyntaxes.map((syntax) => syntax[key])).size, transferSyntaxes.length);
  }
  t.true(transferSyntaxes.every((syntax) => isUid(syntax.uid)));
});

test('only the first four transfer syntaxes are native, and encapsulated ones are explicit VR little endian', (t) => {
  t.deepEqual(
    transferSyntaxes.filter((syntax) => !syntax.encapsulated).map((syntax) => syntax.name),
    ['implicit-le', 'explicit-le', 'explicit-be', 'deflated'],
  );
  t.true(transferSyntaxes.every((s) => !s.encapsulated || (s.explicitVr && s.littleEndian && !s.deflated)));
  t.like(transferSyntaxOf('1.2.840.10008.1.2.2'), { littleEndian: false, explicitVr: true, retired: true });
});

test('storage SOP classes include the slide, the newest and the retired ones', (t) => {
  for (const uid of [
    '1.2.840.10008.5.1.4.1.1.77.1.6',
    '1.2.840.10008.5.1.4.1.1.66.8',
    '1.2.840.10008.5.1.1.30',
  ]) {
    t.true(isStorageSopClass(uid));
  }
  t.false(isStorageSopClass('1.2.840.10008.1.1'));
  t.is(storageSopClasses.length, new Set(storageSopClasses.map(({ uid }) => uid)).size);
  t.true(storageSopClasses.every(({ uid }) => isUid(uid)));
});

test('keywords of SOP classes are those of PS3.6', (t) => {
  const keywordOf = new Map(storageSopClasses.map(({ uid, keyword }) => [uid, keyword]));
  t.is(keywordOf.get('1.2.840.10008.5.1.4.1.1.77.1.3'), 'VLSlideCoordinatesMicroscopicImageStorage');
  t.is(keywordOf.get('1.2.840.10008.5.1.4.1.1.7.1'), 'MultiFrameSingleBitSecondaryCaptureImageStorage');
  t.is(keywordOf.get('1.2.840.10008.5.1.4.1.1.11.5'), 'XAXRFGrayscaleSoftcopyPresentationStateStorage');
  t.is(keywordOf.get('1.2.840.10008.5.1.4.1.1.3'), 'UltrasoundMultiFrameImageStorageRetired');
  t.is(sopClassName('1.2.840.10008.5.1.4.1.1.2'), 'CT Image Storage');
  t.is(sopClassName('1.2.3'), '1.2.3');
});

test('the generated files are what the generator makes of the dictionary', async (t) => {
  const { readFile } = await import('node:fs/promises');
  t.is(await readFile('src/dicom/tags.generated.ts', 'utf8'), generateTags());
  t.is(await readFile('src/dicom/uids.generated.ts', 'utf8'), generateUids());
});

test('a UID is at most 64 characters of components without leading zeros', (t) => {
  t.true(isUid('1.2.840.10008.1.1'));
  t.true(isUid('2.25.0'));
  for (const text of ['', '1', '1.', '1.02', '3.1', '1..2', '1.2a', '1.2 ', `1.${'2'.repeat(63)}`]) {
    t.false(isUid(text), text);
  }
});

test('the same parts always make the same UID, other parts another', (t) => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.array(fc.string()), (a, b) => {
      const isSame = JSON.stringify(a) === JSON.stringify(b);
      return isUid(deterministicUid(...a)) && (deterministicUid(...a) === deterministicUid(...b)) === isSame;
    }),
  );
  t.is(deterministicUid('slidegate', 'implementation class'), IMPLEMENTATION_CLASS_UID);
  t.not(deterministicUid('a', 'bc'), deterministicUid('ab', 'c'));
});

test('an AE title has 1 to 16 printable characters, no backslash, and more than spaces', (t) => {
  for (const title of ['A', 'THT-Client', '1234567890123456', 'WITH SPACE'])
    t.true(AeTitle.safeParse(title).success);
  for (const title of ['', '   ', '12345678901234567', 'A\\B', 'A\n', 'Ä']) {
    t.false(AeTitle.safeParse(title).success, title);
  }
  t.is(trimAeTitle('  PACS 1  '), 'PACS 1');
  t.is(trimAeTitle('PACS\0\0'), 'PACS');
});

test('every VR is found by its two letters', (t) => {
  for (const vr of Object.keys(vrTable)) {
    t.true(isVr(vr));
    t.is(vrOfCode((vr.charCodeAt(0) << 8) | vr.charCodeAt(1)), vr as keyof typeof vrTable);
  }
  t.false(isVr('toString'));
  t.is(vrOfCode(0), undefined);
});
