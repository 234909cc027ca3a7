import test from 'ava';
import fc from 'fast-check';
import sharp from 'sharp';
import { codestreamFamilyOf } from '../../../src/dicom/validator/codestream.ts';
import { readIccProfile } from '../../../src/dicom/validator/icc-profile.ts';
import { readJpegHeader } from '../../../src/dicom/validator/jpeg-header.ts';
import { readJpeg2000Header } from '../../../src/dicom/validator/jpeg2000-header.ts';
import { iccProfile, jpegFrame } from '../../support/wsi-instance.ts';

function picture(rows: number, columns: number, channels: 1 | 3) {
  return sharp(Buffer.alloc(rows * columns * channels, 90), {
    raw: { width: columns, height: rows, channels },
  });
}

test('readJpegHeader() reads what libjpeg writes', async (t) => {
  const baseline = await picture(24, 40, 3).jpeg().toBuffer();
  const progressive = await picture(24, 40, 3).jpeg({ progressive: true }).toBuffer();
  const gray = await picture(8, 8, 1).toColourspace('b-w').jpeg().toBuffer();

  t.deepEqual(readJpegHeader(baseline), {
    process: 'jpeg-baseline',
    rows: 24,
    columns: 40,
    components: 3,
    precision: 8,
    color: 'unmarked', // libvips writes no segment that tells.
  });
  t.like(readJpegHeader(progressive), { process: 'jpeg-progressive' });
  t.like(readJpegHeader(gray), { components: 1, color: 'unmarked' });
});

test('readJpegHeader() follows the Adobe segment, then says that it cannot tell', (t) => {
  t.like(readJpegHeader(jpegFrame({ transform: 0 })), { color: 'rgb' });
  t.like(readJpegHeader(jpegFrame({ transform: 1 })), { color: 'ybr' });
  t.like(readJpegHeader(jpegFrame({ transform: undefined })), { color: 'unmarked' });
});

test('readJpegHeader() tells lossless processes and JPEG-LS by what their scan predicts from', (t) => {
  const withSelection = (process: number, selection: number) => {
    const frame = jpegFrame({ process, components: 1, transform: undefined });
    frame[frame.indexOf(Buffer.from([0xff, 0xda])) + 7] = selection;
    return readJpegHeader(frame)?.process;
  };

  t.is(withSelection(0xc3, 1), 'jpeg-lossless-sv1');
  t.is(withSelection(0xc3, 6), 'jpeg-lossless');
  t.is(withSelection(0xf7, 0), 'jpeg-ls');
  t.is(withSelection(0xf7, 2), 'jpeg-ls-near');
});

interface Jpeg2000Options {
  readonly isReversible: boolean;
  readonly transformsComponents: boolean;
  readonly isHighThroughput?: boolean;
}

function jpeg2000Frame({
  isReversible,
  transformsComponents,
  isHighThroughput = false,
}: Jpeg2000Options): Buffer {
  const size = Buffer.alloc(2 + 2 + 36 + 9);
  size.writeUInt16BE(0xff51, 0);
  size.writeUInt16BE(size.length - 2, 2);
  size.writeUInt32BE(40, 6);
  size.writeUInt32BE(24, 10);
  size.writeUInt16BE(3, 38);
  size.set([7, 1, 1, 7, 1, 1, 7, 1, 1], 40);
  const capabilities = isHighThroughput ? [0xff, 0x50, 0, 6, 0, 2, 0, 0] : [];
  const coding = [
    0xff,
    0x52,
    0,
    12,
    0,
    0,
    0,
    1,
    transformsComponents ? 1 : 0,
    5,
    4,
    4,
    0,
    isReversible ? 1 : 0,
  ];
  return Buffer.from([0xff, 0x4f, ...size, ...capabilities, ...coding, 0xff, 0x90, 0, 10]);
}

test('readJpeg2000Header() tells size, process and component transform', (t) => {
  const read = (options: Jpeg2000Options) => readJpeg2000Header(jpeg2000Frame(options));

  t.deepEqual(read({ isReversible: true, transformsComponents: true }), {
    process: 'jpeg2000-lossless',
    rows: 24,
    columns: 40,
    components: 3,
    precision: 8,
    color: 'rct',
  });
  t.like(read({ isReversible: false, transformsComponents: true }), { process: 'jpeg2000', color: 'ict' });
  t.like(read({ isReversible: true, transformsComponents: false }), { color: 'rgb' });
  t.like(read({ isReversible: true, transformsComponents: true, isHighThroughput: true }), {
    process: 'htj2k-lossless',
  });
});

test('header readers take any bytes, and read nothing from a cut-off header', (t) => {
  const whole = [jpegFrame(), jpeg2000Frame({ isReversible: true, transformsComponents: true })];
  for (const [index, read] of [readJpegHeader, readJpeg2000Header].entries()) {
    t.is(read((whole[index] as Buffer).subarray(0, 20)), undefined);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(60), (noise, keep) => {
        const start = (whole[index] as Buffer).subarray(0, keep);
        t.notThrows(() => read(new Uint8Array([...start, ...noise])));
      }),
    );
  }
});

test('codestreamFamilyOf() knows no family of RLE and of native transfer syntaxes', (t) => {
  t.is(codestreamFamilyOf('1.2.840.10008.1.2.5'), undefined);
  t.is(codestreamFamilyOf('1.2.840.10008.1.2.1'), undefined);
  t.is(codestreamFamilyOf('1.2.840.10008.1.2.4.90')?.title, 'JPEG 2000');
});

test('readIccProfile() reads class and color space, also with a byte of padding', (t) => {
  const profile = iccProfile('scnr');
  t.deepEqual(readIccProfile(profile, profile.length), {
    isValid: true,
    deviceClass: 'scnr',
    colorSpace: 'RGB',
  });
  t.like(readIccProfile(Buffer.concat([profile, Buffer.alloc(1)]), profile.length + 1), { isValid: true });
});

test('readIccProfile() says why bytes are no profile', (t) => {
  const changed = (change: (profile: Buffer) => unknown) => {
    const profile = Buffer.from(iccProfile('scnr'));
    change(profile);
    const read = readIccProfile(profile, profile.length);
    return read.isValid ? 'valid' : read.reason;
  };

  t.regex(
    changed((profile) => profile.write('xxxx', 36)),
    /signature/,
  );
  t.regex(
    changed((profile) => profile.writeUInt32BE(999, 0)),
    /says 999 bytes, the value has 148/,
  );
  t.regex(
    changed((profile) => profile.writeUInt32BE(0, 128)),
    /0 tags/,
  );
  t.regex(
    changed((profile) => profile.writeUInt32BE(3, 128)),
    /tag table is cut off/,
  );
  t.regex(
    changed((profile) => profile.writeUInt32BE(4000, 140)),
    /beyond its end/,
  );
  t.regex(
    changed((profile) => profile.write('xxxx', 12)),
    /device class/,
  );
  t.regex(
    changed((profile) => profile.write('?', 16)),
    /color space/,
  );
  t.false(readIccProfile(new Uint8Array(10), 10).isValid);
});
