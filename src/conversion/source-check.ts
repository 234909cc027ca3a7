import { type FrameShape, nativeFrameBytes } from '../codecs/codec.ts';
import { codecOf, decodableTransferSyntaxUids } from '../codecs/codecs.ts';
import { type MappedPhotometric, mappedSamplesPerPixel } from '../codecs/photometric.ts';
import { sopClassName } from '../dicom/sop-class.ts';
import { transferSyntaxOf } from '../dicom/transfer-syntax.ts';
import { ConversionError } from './errors.ts';

/** Kinds of objects that hold one image of a slide, or several. PS3.4 B.5. */
const IMAGE_SOP_CLASSES = [
  '1.2.840.10008.5.1.4.1.1.7', // Secondary Capture
  '1.2.840.10008.5.1.4.1.1.7.1', // … Multi-frame Single Bit: held for its bits, with that reason
  '1.2.840.10008.5.1.4.1.1.7.2', // … Multi-frame Grayscale Byte
  '1.2.840.10008.5.1.4.1.1.7.3', // … Multi-frame Grayscale Word: held for its bits, with that reason
  '1.2.840.10008.5.1.4.1.1.7.4', // … Multi-frame True Color
  '1.2.840.10008.5.1.4.1.1.77.1.2', // VL Microscopic
  '1.2.840.10008.5.1.4.1.1.77.1.3', // VL Slide-Coordinates Microscopic
  '1.2.840.10008.5.1.4.1.1.77.1.4', // VL Photographic
];

/** Objects of these kinds have frames that can be referred to. */
export function isMultiFrameClass(sopClassUid: string): boolean {
  return /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.7\.\d$/.test(sopClassUid);
}

/** libjpeg's limit. */
const SIDE_MAX = 65_500;
const NATIVE_BYTES_MAX = 4 * 2 ** 30;

/** Photometric Interpretations that come out of the JPEG decoder as brightness or as RGB. */
const JPEG_PHOTOMETRICS = ['MONOCHROME1', 'MONOCHROME2', 'RGB', 'YBR_FULL', 'YBR_FULL_422'];

/** What the Image Pixel module and the like say of a source. */
export interface SourceDescription {
  readonly sopClassUid: string;
  readonly transferSyntaxUid: string;
  readonly shape: FrameShape;
  readonly bitsStored: number;
  readonly pixelRepresentation: number;
  readonly numberOfFrames: number;
}

/**
 * Whether a source can become slides.
 *
 * @throws {ConversionError} SOURCE_UNSUPPORTED, SOURCE_TOO_LARGE or SOURCE_DAMAGED: what is and what would be right
 */
export function checkSource(source: SourceDescription): MappedPhotometric {
  const { sopClassUid, transferSyntaxUid, shape } = source;
  if (!IMAGE_SOP_CLASSES.includes(sopClassUid)) {
    throw unsupported(
      `it must be one of ${IMAGE_SOP_CLASSES.map(sopClassName).join(', ')}; it is ${sopClassName(sopClassUid)}`,
    );
  }
  const codec = codecOf(transferSyntaxUid);
  if (codec === undefined) {
    throw unsupported(
      `its transfer syntax must be one of ${decodableTransferSyntaxUids.map(titleOf).join(', ')}; it is ${titleOf(transferSyntaxUid)}`,
    );
  }
  const bits = `${shape.bitsAllocated} allocated, ${source.bitsStored} stored, ${source.pixelRepresentation === 0 ? 'unsigned' : 'signed'}`;
  if (bits !== '8 allocated, 8 stored, unsigned') {
    throw unsupported(`its bits must be 8 allocated, 8 stored, unsigned; they are ${bits}`);
  }
  const photometric = checkPhotometric(shape, codec.file !== undefined);
  checkSize(shape, source.numberOfFrames);
  return photometric;
}

function checkPhotometric(shape: FrameShape, isJpeg: boolean): MappedPhotometric {
  const { photometricInterpretation: is, samplesPerPixel } = shape;
  const known = isJpeg ? JPEG_PHOTOMETRICS : Object.keys(mappedSamplesPerPixel);
  if (!known.includes(is)) {
    throw unsupported(`its Photometric Interpretation must be one of ${known.join(', ')}; it is "${is}"`);
  }
  const photometric = is as MappedPhotometric;
  if (samplesPerPixel !== mappedSamplesPerPixel[photometric]) {
    throw damaged(
      `${is} must have ${mappedSamplesPerPixel[photometric]} samples per pixel and has ${samplesPerPixel}`,
    );
  }
  if (
    !isJpeg &&
    photometric === 'YBR_FULL_422' &&
    (shape.columns % 2 !== 0 || shape.planarConfiguration !== 0)
  ) {
    throw damaged(
      `YBR_FULL_422 must have an even number of columns and Planar Configuration 0; it has ${shape.columns} and ${shape.planarConfiguration}`,
    );
  }
  return photometric;
}

function checkSize(shape: FrameShape, numberOfFrames: number): void {
  const { rows, columns } = shape;
  if (!(rows > 0 && columns > 0 && numberOfFrames > 0)) {
    throw damaged(`it must have pixels; it has ${columns}×${rows} in ${numberOfFrames} frames`);
  }
  if (rows > SIDE_MAX || columns > SIDE_MAX) {
    throw tooLarge(`it must have ${SIDE_MAX} pixels or fewer a side and has ${columns}×${rows}`);
  }
  const nativeBytes = nativeFrameBytes(shape) * numberOfFrames;
  if (nativeBytes > NATIVE_BYTES_MAX) {
    throw tooLarge(`its pixels must take ${NATIVE_BYTES_MAX} bytes or fewer and take ${nativeBytes}`);
  }
}

function titleOf(transferSyntaxUid: string): string {
  return transferSyntaxOf(transferSyntaxUid)?.title ?? transferSyntaxUid;
}

function unsupported(reason: string): ConversionError {
  return new ConversionError('SOURCE_UNSUPPORTED', `Cannot make a slide of the instance: ${reason}`);
}

function tooLarge(reason: string): ConversionError {
  return new ConversionError('SOURCE_TOO_LARGE', `Cannot make a slide of the instance: ${reason}`);
}

function damaged(reason: string): ConversionError {
  return new ConversionError('SOURCE_DAMAGED', `Cannot make a slide of the instance: ${reason}`);
}
