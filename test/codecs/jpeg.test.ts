import test from 'ava';
import fc from 'fast-check';
import sharp from 'sharp';
import { codecOf } from '../../src/codecs/codecs.ts';
import { FrameError } from '../../src/codecs/errors.ts';
import { completeJpegTile, isMarkedRgb, readJpegHeader } from '../../src/codecs/jpeg-markers.ts';
import { frameOf, join, shapeOf } from '../support/frames.ts';

const jpegBaseline = codecOf('1.2.840.10008.1.2.4.50')!;
const size = { rows: 32, columns: 48 };

/** A JPEG stream of one colour; sharp writes neither JFIF nor Adobe markers, and numbers 1, 2, 3. */
function plainJpeg(colour: { r: number; g: number; b: number }): Promise<Buffer> {
  return sharp({ create: { width: size.columns, height: size.rows, channels: 3, background: colour } })
    .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
    .toBuffer();
}

test('JPEG header gives size, components and markers', async (t) => {
  const header = readJpegHeader(await plainJpeg({ r: 200, g: 100, b: 50 }));

  t.like(header, { process: 0xc0, precisionBits: 8, rows: 32, columns: 48, hasJfif: false });
  t.deepEqual(
    header.components.map(({ id }) => id),
    [1, 2, 3],
  );
  t.false(isMarkedRgb(header));
});

test('JPEG frame of RGB components is decoded as RGB though nothing in the stream says so', async (t) => {
  // The bytes of a YCbCr stream, read as RGB: red = Y, green = Cb, blue = Cr.
  const stream = await plainJpeg({ r: 200, g: 100, b: 50 });

  const asYbr = await join(
    jpegBaseline.decode(frameOf(stream), shapeOf({ ...size, photometricInterpretation: 'YBR_FULL_422' })),
  );
  const asRgb = await join(jpegBaseline.decode(frameOf(stream, 100), shapeOf(size)));

  for (const [index, value] of [200, 100, 50].entries()) t.true(Math.abs(asYbr[index]! - value) <= 2);
  for (const [index, value] of [124, 86, 182].entries()) t.true(Math.abs(asRgb[index]! - value) <= 2);
});

test('JPEG frame must have the size and the samples that its instance says', async (t) => {
  const stream = await plainJpeg({ r: 1, g: 2, b: 3 });

  const error = await t.throwsAsync(
    join(jpegBaseline.decode(frameOf(stream), shapeOf({ rows: 33, columns: 48 }))),
    {
      instanceOf: FrameError,
    },
  );

  t.is(error?.message, 'Cannot decode JPEG frame: its header says 32 rows, the instance says 33');
});

test('truncated JPEG frame is an error, not half an image', async (t) => {
  const noise = Buffer.from(
    Uint8Array.from({ length: 32 * 48 * 3 }, (_, index) => (index * 2654435761) >>> 24),
  );
  const stream = await sharp(noise, { raw: { width: 48, height: 32, channels: 3 } })
    .jpeg()
    .toBuffer();

  const error = await t.throwsAsync(
    join(jpegBaseline.decode(frameOf(stream.subarray(0, stream.byteLength / 2)), shapeOf(size))),
    { instanceOf: FrameError },
  );

  t.is(error?.code, 'FRAME_DAMAGED');
});

test('tile gets the tables it shares, and a marker where nothing says that it is RGB', async (t) => {
  const stream = await plainJpeg({ r: 200, g: 100, b: 50 });
  const { headerBytes } = readJpegHeader(stream);
  const startOfFrame = stream.indexOf(Buffer.of(0xff, 0xc0));
  const frameHeader = stream.subarray(startOfFrame, startOfFrame + 2 + stream.readUInt16BE(startOfFrame + 2));
  const [soi, eoi] = [Buffer.of(0xff, 0xd8), Buffer.of(0xff, 0xd9)];
  const others = Buffer.concat([
    stream.subarray(2, startOfFrame),
    stream.subarray(startOfFrame + frameHeader.byteLength, headerBytes),
  ]);
  const tables = Buffer.concat([soi, others, eoi]);
  const tile = Buffer.concat([soi, frameHeader, stream.subarray(headerBytes)]);

  const whole = Buffer.concat(completeJpegTile(tile, tables, false));
  const marked = Buffer.concat(completeJpegTile(tile, tables, true));

  t.deepEqual(await sharp(whole).raw().toBuffer(), await sharp(stream).raw().toBuffer());
  t.true(isMarkedRgb(readJpegHeader(marked)));
  t.is(completeJpegTile(marked, undefined, true).length, 2); // Marked once is enough.
});

test('JPEG header throws nothing but FrameError, whatever the bytes', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, hasStart) => {
      if (hasStart && bytes.byteLength > 4) bytes.set([0xff, 0xd8, 0xff]);
      try {
        t.true(readJpegHeader(bytes).headerBytes <= bytes.byteLength);
      } catch (error) {
        t.true(error instanceof FrameError);
      }
    }),
    { numRuns: 500 },
  );
});
