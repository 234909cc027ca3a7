import { type Codec, type EncodedFrame, type FrameShape, nativeFrameBytes } from '../codecs/codec.ts';
import { codecOf } from '../codecs/codecs.ts';
import { type PaletteChannel, resolvePalette } from '../codecs/palette.ts';
import { type MappedPhotometric, type Palette, pixelMapOf } from '../codecs/photometric.ts';
import type { DataSet } from '../dicom/data-set.ts';
import { locateFrames } from '../dicom/encapsulation.ts';
import { identityOf } from '../dicom/header-index.ts';
import { type TransferSyntax, transferSyntaxOf } from '../dicom/transfer-syntax.ts';
import { type Keyword, numbersOf } from './attributes.ts';
import { joined, swappedWords } from './byte-range.ts';
import type { ConvertibleFrame, ConvertibleImage } from './convertible-image.ts';
import { editedDataSet } from './edited-data-set.ts';
import { ConversionError } from './errors.ts';
import type { JobRequest, JobSource } from './job-kind.ts';
import { type OpenPart10, openPart10 } from './part10-file.ts';
import { writeRaster } from './raster.ts';
import { checkSource } from './source-check.ts';
import type { LossyStep, SourceInstance } from './wsi-facts.ts';

/**
 * Opens a stored instance as an image.
 *
 * @throws {GatewayError} when it is damaged, or not what slides are made of
 */
export async function openPart10Image(
  source: Extract<JobSource, { kind: 'part10' }>,
  request: Pick<JobRequest, 'edits' | 'folder'>,
): Promise<ConvertibleImage> {
  const file = await openPart10(source, request.folder);
  try {
    const attributes = editedDataSet(file.head, file.index, request.edits);
    const instance = instanceOf(file);
    const shape = shapeOf(attributes);
    const numberOfFrames = attributes.number('NumberOfFrames') ?? 1;
    const photometric = checkSource({
      sopClassUid: instance.sopClassUid,
      transferSyntaxUid: file.storedTransferSyntaxUid,
      shape,
      bitsStored: attributes.number('BitsStored') ?? shape.bitsAllocated,
      pixelRepresentation: attributes.number('PixelRepresentation') ?? 0,
      numberOfFrames,
    });
    const frames = await encodedFrames(file, attributes, shape, numberOfFrames);
    const work: FrameWork = { file, attributes, shape, photometric };
    const iccProfile = iccProfileOf(attributes);
    return {
      attributes,
      key: instance.sopInstanceUid,
      instance,
      ...(iccProfile && { iccProfile }),
      frames: frames.map((frame) => convertibleFrame(frame, work)),
      close: file.close,
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

interface FrameWork {
  readonly file: OpenPart10;
  readonly attributes: DataSet;
  readonly shape: FrameShape;
  readonly photometric: MappedPhotometric;
}

function convertibleFrame(frame: EncodedFrame, work: FrameWork): ConvertibleFrame {
  const { file, attributes, shape, photometric } = work;
  const codec: Codec = codecOf(file.storedTransferSyntaxUid)!; // Checked.
  const samplesPerPixel = photometric.startsWith('MONOCHROME') ? 1 : 3;
  const palette = photometric === 'PALETTE COLOR' ? paletteOf(attributes, syntaxOf(file)) : undefined;
  const toPixels = pixelMapOf(photometric, palette);
  return {
    columns: shape.columns,
    rows: shape.rows,
    samplesPerPixel,
    ...lossyLifeOf(attributes, syntaxOf(file), nativeFrameBytes(shape) / frame.lengthBytes),
    writeRaster: (folder) => writeRaster({ codec, frame, shape, toPixels, samplesPerPixel }, folder),
  };
}

function syntaxOf(file: OpenPart10): TransferSyntax {
  return transferSyntaxOf(file.storedTransferSyntaxUid)!; // Checked.
}

/** The identity of what is stored, whatever edits make of it. */
function instanceOf({ index }: OpenPart10): Omit<SourceInstance, 'frameNumber'> {
  const { sopClassUid, sopInstanceUid, studyInstanceUid = '', seriesInstanceUid = '' } = identityOf(index);
  if (sopClassUid === undefined || sopInstanceUid === undefined) {
    throw damaged('it must have SOP Class UID (0008,0016) and SOP Instance UID (0008,0018)');
  }
  return { sopClassUid, sopInstanceUid, studyInstanceUid, seriesInstanceUid };
}

function shapeOf(attributes: DataSet): FrameShape {
  return {
    rows: attributes.number('Rows') ?? 0,
    columns: attributes.number('Columns') ?? 0,
    samplesPerPixel: attributes.number('SamplesPerPixel') ?? 0,
    bitsAllocated: attributes.number('BitsAllocated') ?? 0,
    photometricInterpretation: attributes.text('PhotometricInterpretation') ?? '',
    planarConfiguration: attributes.number('PlanarConfiguration') ?? 0,
  };
}

async function encodedFrames(
  file: OpenPart10,
  attributes: DataSet,
  shape: FrameShape,
  numberOfFrames: number,
): Promise<readonly EncodedFrame[]> {
  const { bytes, pixelData } = file;
  const frameBytes = nativeFrameBytes(shape);
  const { encapsulated, littleEndian } = syntaxOf(file);
  const extendedOffsetTable = attributes.bytes('ExtendedOffsetTable');
  const ranges = await locateFrames({
    read: (into, position) => bytes.read(into, position),
    pixelDataOffset: pixelData.offset,
    valueOffset: pixelData.valueOffset,
    numberOfFrames,
    encapsulated,
    frameBytes,
    ...(extendedOffsetTable && { extendedOffsetTable }),
  });
  // Words lie from the start of the value: frames of an odd length begin within one.
  const source = !littleEndian && pixelData.vr === 'OW' ? swappedWords(bytes) : bytes;
  return ranges.map(({ fragments }) => joined(source, fragments));
}

function paletteOf(attributes: DataSet, { littleEndian }: TransferSyntax): Palette {
  const channel = (colour: 'Red' | 'Green' | 'Blue'): PaletteChannel => {
    const of = (what: 'Descriptor' | 'Data'): Keyword => `${colour}PaletteColorLookupTable${what}`;
    const data = attributes.bytes(of('Data'));
    const segmentedData = attributes.bytes(`Segmented${colour}PaletteColorLookupTableData`);
    return {
      descriptor: numbersOf(attributes, of('Descriptor')),
      ...(data && { data }),
      ...(segmentedData && { segmentedData }),
    };
  };
  return resolvePalette(
    { red: channel('Red'), green: channel('Green'), blue: channel('Blue') },
    littleEndian,
  );
}

/** Of the image, or of its optical path. */
function iccProfileOf(attributes: DataSet): Uint8Array | undefined {
  return attributes.bytes('ICCProfile') ?? attributes.items('OpticalPathSequence')[0]?.bytes('ICCProfile');
}

/** Lossy steps in the life of the pixels so far: as the source tells, or as its transfer syntax does. */
function lossyLifeOf(
  attributes: DataSet,
  { lossy }: TransferSyntax,
  ratio: number,
): { readonly lossySteps: readonly LossyStep[]; readonly hasUnknownLossyStep: boolean } {
  const ratios = numbersOf(attributes, 'LossyImageCompressionRatio');
  const methods = attributes.texts('LossyImageCompressionMethod');
  const isKnown = ratios.length > 0 && ratios.length === methods.length;
  if (isKnown) {
    return {
      lossySteps: methods.map((method, index) => ({ method, ratio: ratios[index]! })),
      hasUnknownLossyStep: false,
    };
  }
  if (lossy === 'always')
    return { lossySteps: [{ method: 'ISO_10918_1', ratio }], hasUnknownLossyStep: false };
  return { lossySteps: [], hasUnknownLossyStep: attributes.text('LossyImageCompression') === '01' };
}

function damaged(reason: string): ConversionError {
  return new ConversionError('SOURCE_DAMAGED', `Cannot make a slide of the instance: ${reason}`);
}
