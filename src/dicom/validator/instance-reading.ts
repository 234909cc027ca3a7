import { attributeByTag } from '../dictionary.ts';
import { Tag } from '../tags.generated.ts';
import { type TransferSyntax, transferSyntaxOf } from '../transfer-syntax.ts';
import type { ElementContext, FrameContext } from './check.ts';
import { type CheckName, checksOf } from './checks.ts';
import { codestreamFamilyOf } from './codestream.ts';
import { DataSetWalk, type WalkListener } from './data-set-walk.ts';
import { textOfElement } from './element-text.ts';
import type { Problem } from './findings.ts';
import { type ByteSource, ForwardReader, inflatedSequenceOf, sequenceOf } from './forward-reader.ts';
import type { Frame, Instance, PixelDataFacts, ReadingFault } from './instance.ts';
import { type Iod, iodOf } from './iod.ts';
import { checkFrameGroups } from './module-rules.ts';
import { type Encoding, ParsedDataSet, type ParsedElement, trimPadding } from './parsed-data-set.ts';
import { walkPixelData } from './pixel-data-walk.ts';

/** Where findings go while an instance is read. */
export type Report = (check: CheckName, problem: Problem) => void;

/** What the data set says of its frames. PS3.3 C.7.6.3. */
export interface FrameShape {
  readonly transferSyntaxUid: string;
  readonly rows: number;
  readonly columns: number;
  readonly samplesPerPixel: number;
  readonly bitsAllocated: number;
  readonly photometricInterpretation: string;
  readonly planarConfiguration: number;
}

/**
 * Decodes one frame.
 *
 * @returns the size of what came out; undefined when it knows no decoder for the transfer syntax
 * @throws whatever it likes when the frame cannot be decoded; its message goes into the finding
 */
export type DecodeFrame = (
  codestream: Uint8Array,
  expected: FrameShape,
) => Promise<{ readonly rows: number; readonly columns: number } | undefined>;

const META_ENCODING: Encoding = { explicitVr: true, littleEndian: true };
const PREFIX_BYTES = 132;
/** Of the element (0002,0000). */
const GROUP_LENGTH_BYTES = 12;
const META_GROUP_END = 0x0003_0000;

const elementChecks = checksOf('element');
const frameChecks = checksOf('frame');
const frameItemChecks = checksOf('frameItem');

/** Processes whose pixels differ from those before. */
const LOSSY_PROCESSES = [
  'jpeg-baseline',
  'jpeg-extended',
  'jpeg-progressive',
  'jpeg-ls-near',
  'jpeg2000',
  'htj2k',
];

/** Reads a Part 10 file to its end and runs the checks that look at elements and frames as they pass. */
export async function readInstance(
  source: ByteSource,
  decode: DecodeFrame | undefined,
  report: Report,
): Promise<Instance> {
  return new InstanceReading(source, decode, report).run();
}

class InstanceReading {
  readonly #source: ByteSource;
  readonly #decode: DecodeFrame | undefined;
  readonly #report: Report;
  readonly #frameGroups = new Set<number>();
  #frameItems = 0;
  #dataSet = new ParsedDataSet(META_ENCODING);
  #transferSyntaxUid = '';
  #iod: Iod | undefined;
  #pixelData: PixelDataFacts | undefined;
  #hasLossyFrame = false;

  constructor(source: ByteSource, decode: DecodeFrame | undefined, report: Report) {
    this.#source = source;
    this.#decode = decode;
    this.#report = report;
  }

  async run(): Promise<Instance> {
    const { meta, hasPreamble, metaLengthBytes, dataSetOffset, metaFault } = await this.#readMeta();
    this.#transferSyntaxUid = meta.text(Tag.TransferSyntaxUID) ?? '';
    const transferSyntax = transferSyntaxOf(this.#transferSyntaxUid);
    const fault = metaFault ?? (await this.#readDataSet(transferSyntax, dataSetOffset));
    return {
      hasPreamble,
      meta,
      metaLengthBytes,
      dataSet: this.#dataSet,
      transferSyntax,
      iod: this.#iod,
      pixelData: this.#pixelData,
      hasLossyFrame: this.#hasLossyFrame,
      perFrame: { items: this.#frameItems, groups: this.#frameGroups },
      fault,
    };
  }

  async #readMeta() {
    const reader = new ForwardReader(sequenceOf(this.#source));
    await reader.fill(PREFIX_BYTES);
    const hasPreamble =
      String.fromCharCode(...reader.bytes.subarray(PREFIX_BYTES - 4, PREFIX_BYTES)) === 'DICM';
    if (hasPreamble) reader.take(PREFIX_BYTES);
    const meta = new ParsedDataSet(META_ENCODING);
    const isBehind = (tag: number) => tag >= META_GROUP_END || tag < 0x0002_0000;
    const walk = new DataSetWalk(reader, this.#listener({ isFileMeta: true }));
    const metaFault =
      hasPreamble || (await looksLikeMeta(reader)) ? await walk.run(meta, isBehind) : undefined;
    const first = meta.get(Tag.FileMetaInformationGroupLength);
    const start = hasPreamble ? PREFIX_BYTES : 0;
    const groupStart = first === undefined ? start : first.offset + GROUP_LENGTH_BYTES;
    return {
      meta,
      hasPreamble,
      metaLengthBytes: reader.position - groupStart,
      dataSetOffset: reader.position,
      metaFault,
    };
  }

  async #readDataSet(
    transferSyntax: TransferSyntax | undefined,
    offset: number,
  ): Promise<ReadingFault | undefined> {
    const encoding: Encoding = transferSyntax ?? (await this.#guessEncoding(offset));
    const dataSet = new ParsedDataSet({
      explicitVr: encoding.explicitVr,
      littleEndian: encoding.littleEndian,
    });
    this.#dataSet = dataSet;
    const isDeflated = transferSyntax?.deflated ?? false;
    const sequence = isDeflated ? inflatedSequenceOf(this.#source, offset) : sequenceOf(this.#source, offset);
    const reader = new ForwardReader(sequence, isDeflated ? 0 : offset);
    return new DataSetWalk(reader, this.#listener({ isFileMeta: false })).run(dataSet);
  }

  /** Where the transfer syntax is missing or unknown: Explicit VR when a VR stands behind the first tag. */
  async #guessEncoding(offset: number): Promise<Encoding> {
    const head = new Uint8Array(6);
    await this.#source.read(head, offset);
    const littleEndian = head[0] !== 0 || head[1] === 0;
    return { explicitVr: /^[A-Z]{2}$/.test(String.fromCharCode(...head.subarray(4))), littleEndian };
  }

  #listener({ isFileMeta }: { isFileMeta: boolean }): WalkListener {
    return {
      element: (element, dataSet) => this.#checkElement(element, dataSet, isFileMeta),
      frameItem: (item) => this.#checkFrameItem(item),
      pixelData: async (element, reader) => {
        this.#pixelData = await this.#walkPixelData(element, reader);
      },
      breach: this.#report,
    };
  }

  #checkElement(element: ParsedElement, dataSet: ParsedDataSet, isFileMeta: boolean): void {
    const { text, values } = textOfElement(element, dataSet);
    const context: ElementContext = {
      dataSet,
      attribute: attributeByTag(element.tag),
      text,
      values,
      isFileMeta,
    };
    for (const [name, run] of elementChecks) {
      const message = run(element, context);
      if (message !== undefined)
        this.#report(name, { tag: element.tag, path: dataSet.pathOf(element.tag), message });
    }
    if (element.tag === Tag.SOPClassUID && dataSet === this.#dataSet)
      this.#iod = iodOf(trimPadding(values[0] ?? ''));
  }

  #checkFrameItem(item: ParsedDataSet): void {
    this.#frameItems += 1;
    for (const { tag } of item.elements()) this.#frameGroups.add(tag);
    if (this.#iod !== undefined) checkFrameGroups(item, this.#iod, this.#report);
    for (const [name, run] of frameItemChecks) {
      for (const problem of run(item, this.#iod)) this.#report(name, problem);
    }
  }

  async #walkPixelData(element: ParsedElement, reader: ForwardReader): Promise<PixelDataFacts> {
    const dataSet = this.#dataSet;
    const numberOfFrames = Math.max(1, dataSet.number(Tag.NumberOfFrames) || 1);
    const samples = this.#decode === undefined ? [] : [1, Math.ceil(numberOfFrames / 2), numberOfFrames];
    const expected = {
      numberOfFrames,
      extendedOffsets: dataSet.get(Tag.ExtendedOffsetTable)?.value,
      extendedLengths: dataSet.get(Tag.ExtendedOffsetTableLengths)?.value,
      encoding: dataSet.encoding,
      samples: new Set(samples),
    };
    return walkPixelData(element, reader, expected, {
      frame: (frame) => this.#checkFrame(frame),
      sample: (bytes, number) => this.#decodeSample(bytes, number),
      breach: this.#report,
    });
  }

  #checkFrame(frame: Frame): void {
    const family = codestreamFamilyOf(this.#transferSyntaxUid);
    if (family === undefined) return;
    const context: FrameContext = {
      dataSet: this.#dataSet,
      iod: this.#iod,
      family,
      transferSyntaxUid: this.#transferSyntaxUid,
      header: family.readHeader(frame.head),
    };
    if (LOSSY_PROCESSES.includes(context.header?.process ?? '')) this.#hasLossyFrame = true;
    for (const [name, run] of frameChecks) {
      const message = run(frame, context);
      if (message !== undefined) this.#report(name, { message });
    }
  }

  async #decodeSample(bytes: Uint8Array, number: number): Promise<void> {
    const expected = this.#frameShape();
    try {
      const decoded = await this.#decode?.(bytes, expected);
      if (decoded === undefined) return;
      const { rows, columns } = expected;
      if (decoded.rows === rows && decoded.columns === columns) return;
      const message = `frame ${number} decodes to ${decoded.rows}×${decoded.columns} pixels; Rows × Columns are ${rows}×${columns}`;
      this.#report('frame-decodable', { message });
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'the decoder gave no reason';
      this.#report('frame-decodable', { message: `frame ${number} cannot be decoded: ${reason}` });
    }
  }

  #frameShape(): FrameShape {
    const dataSet = this.#dataSet;
    return {
      transferSyntaxUid: this.#transferSyntaxUid,
      rows: dataSet.number(Tag.Rows) ?? 0,
      columns: dataSet.number(Tag.Columns) ?? 0,
      samplesPerPixel: dataSet.number(Tag.SamplesPerPixel) ?? 1,
      bitsAllocated: dataSet.number(Tag.BitsAllocated) ?? 8,
      photometricInterpretation: dataSet.text(Tag.PhotometricInterpretation) ?? '',
      planarConfiguration: dataSet.number(Tag.PlanarConfiguration) ?? 0,
    };
  }
}

/** Without a preamble some files still start with group 0002. */
async function looksLikeMeta(reader: ForwardReader): Promise<boolean> {
  return (await reader.fill(4)) && reader.view.getUint16(reader.start, true) === 0x0002;
}
