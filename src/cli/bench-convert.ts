/** `slidegate bench convert`: raster to pyramid, beside OrthancWSIDicomizer with the same quality in one run. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { DataSet } from '../dicom/data-set.ts';
import { encodeDataSet } from '../dicom/element-writer.ts';
import { encodeFileMeta } from '../dicom/file-meta.ts';
import { EXPLICIT_LE } from '../dicom/transfer-syntax.ts';
import { deterministicUid } from '../dicom/uid.ts';
import { levelQualities, type Raster } from './bench-pyramid.ts';
import { drawTissue } from './demo-image.ts';
import { isInstalled } from './peer-process.ts';
import { usageOf } from './process-usage.ts';

const SIZES = [
  { columns: 8000, rows: 6000 },
  { columns: 16000, rows: 12000 },
];
/** Levels are compared with the image in memory up to this many bytes. */
const COMPARED_BYTES_MAX = 200e6;
const QUALITY = 85;
/** A piece of tissue that the rest repeats: drawing more of it would take longer than the benchmark. */
const PIECE = 2000;
const POLL_MS = 10;
const TICKS_PER_SECOND = 100;

type Input = 'native' | 'jpeg';
type Tool = 'slidegate' | 'orthanc';

interface Row {
  readonly size: string;
  /** The same pixels: in a Part 10 file for us and a PNG for Orthanc; or the same JPEG file for both. */
  readonly input: Input;
  readonly tool: Tool;
  readonly cpu_s: number;
  readonly wall_s: number;
  readonly peak_rss_mb: number;
  readonly levels?: readonly { readonly columns: number; readonly psnr_db: number }[];
}

/** Converts every image with every tool that is installed; the run with the least CPU counts. */
export async function benchConvert(options: { repeats?: number; log?: (line: string) => void } = {}) {
  const log = options.log ?? (() => {});
  const hasOrthanc = await isInstalled('OrthancWSIDicomizer');
  const tools: readonly Tool[] = hasOrthanc ? ['slidegate', 'orthanc'] : ['slidegate'];
  const rows: Row[] = [];
  for (const size of SIZES) {
    const folder = await mkdtemp(join(tmpdir(), 'slidegate-bench-convert-'));
    try {
      const image = await writeInputs(folder, size);
      for (const input of ['native', 'jpeg'] as const) {
        for (const row of await benchTools(folder, size, input, tools, options.repeats ?? 3, image)) {
          log(JSON.stringify(row));
          rows.push(row);
        }
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return { bench: 'convert', peers: { orthanc: hasOrthanc }, quality: QUALITY, rows, ratios: ratiosOf(rows) };
}

async function benchTools(
  folder: string,
  size: { readonly columns: number; readonly rows: number },
  input: Input,
  tools: readonly Tool[],
  repeats: number,
  image: Raster | undefined,
): Promise<readonly Row[]> {
  const best = new Map<Tool, Row>();
  // The tools take turns, so that a noisy neighbour troubles all of them.
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    for (const tool of tools) {
      const out = join(folder, `out-${tool}-${input}`);
      await rm(out, { recursive: true, force: true });
      await mkdir(out);
      const measured = await measure(...commandOf(tool, input, folder, out));
      const row = { size: `${size.columns}x${size.rows}`, input, tool, ...measured };
      if (measured.cpu_s < (best.get(tool)?.cpu_s ?? Number.POSITIVE_INFINITY)) best.set(tool, row);
    }
  }
  const rows: Row[] = [];
  for (const [tool, row] of best) {
    const isCompared = image !== undefined && input === 'native';
    rows.push(
      isCompared
        ? { ...row, levels: await levelQualities(join(folder, `out-${tool}-${input}`), image) }
        : row,
    );
  }
  return rows;
}

function commandOf(tool: Tool, input: Input, folder: string, out: string): [string, readonly string[]] {
  if (tool === 'slidegate') {
    const main = fileURLToPath(new URL('../main.ts', import.meta.url));
    const file = join(folder, input === 'native' ? 'source.dcm' : 'source.jpg');
    return [
      process.execPath,
      [main, 'convert', file, '--out', out, '--spacing-mm', '0.00025', '--quality', `${QUALITY}`],
    ];
  }
  const file = join(folder, input === 'native' ? 'source.png' : 'source.jpg');
  const compression = [
    '--compression',
    'jpeg',
    '--jpeg-quality',
    `${QUALITY}`,
    '--tile-width',
    '512',
    '--tile-height',
    '512',
  ];
  const pyramid = ['--pyramid', '1', '--smooth', '1', '--threads', '1', '--max-size', '0'];
  return ['OrthancWSIDicomizer', ['--folder', out, ...compression, ...pyramid, file]];
}

/** CPU of the process and its children to its end, and the largest resident set of the process. */
async function measure(command: string, args: readonly string[]) {
  const cpuBefore = cpuSecondsOfChildren();
  const startedAt = performance.now();
  const child = spawn(command, [...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-2000);
  });
  let peakRssBytes = 0;
  const poll = setInterval(() => {
    try {
      peakRssBytes = Math.max(peakRssBytes, usageOf(child.pid!).peakRssBytes);
    } catch {
      // It has ended; its exit follows.
    }
  }, POLL_MS);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  clearInterval(poll);
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${stderr}`);
  return {
    cpu_s: round(cpuSecondsOfChildren() - cpuBefore),
    wall_s: round((performance.now() - startedAt) / 1000),
    peak_rss_mb: Math.round(peakRssBytes / 1e6),
  };
}

/** Of all children that have ended. Fields 16 and 17 of proc(5), counted behind the command's name. */
function cpuSecondsOfChildren(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

/** Writes the image as Part 10 file, as PNG and as JPEG. Returns it where it is small enough to compare with. */
async function writeInputs(
  folder: string,
  size: { columns: number; rows: number },
): Promise<Raster | undefined> {
  const { columns, rows } = size;
  const piece = drawTissue({ columns: PIECE, rows: PIECE });
  const rowOf = (row: number) => {
    const line = Buffer.alloc(columns * 3);
    for (let at = 0; at < line.byteLength; at += PIECE * 3) {
      const from = (row % PIECE) * PIECE * 3;
      line.set(piece.subarray(from, from + Math.min(PIECE * 3, line.byteLength - at)), at);
    }
    return line;
  };
  const source = join(folder, 'source.dcm');
  await using file = await open(source, 'w');
  await file.writeFile(headerOf(size));
  const pixelsAt = (await file.stat()).size;
  for (let row = 0; row < rows; row += 1) await file.writeFile(rowOf(row));

  const pixels = Buffer.alloc(columns * rows * 3);
  for (let filled = 0; filled < pixels.byteLength; ) {
    const readable = await open(source, 'r');
    const { bytesRead } = await readable.read(
      pixels,
      filled,
      Math.min(1 << 30, pixels.byteLength - filled),
      pixelsAt + filled,
    );
    await readable.close();
    filled += bytesRead;
  }
  const image = () =>
    sharp(pixels, { raw: { width: columns, height: rows, channels: 3 }, limitInputPixels: false });
  await image().png({ compressionLevel: 1 }).toFile(join(folder, 'source.png'));
  await image().jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toFile(join(folder, 'source.jpg'));
  return pixels.byteLength <= COMPARED_BYTES_MAX ? { columns, rows, pixels } : undefined;
}

/** Part 10 file up to the value of Pixel Data. */
function headerOf({ columns, rows }: { columns: number; rows: number }): Buffer {
  const sopClassUid = '1.2.840.10008.5.1.4.1.1.7';
  const sopInstanceUid = deterministicUid('bench', `${columns}x${rows}`);
  const attributes = {
    SOPClassUID: sopClassUid,
    SOPInstanceUID: sopInstanceUid,
    StudyInstanceUID: deterministicUid('bench', 'study'),
    SeriesInstanceUID: deterministicUid('bench', 'series'),
    SamplesPerPixel: 3,
    PhotometricInterpretation: 'RGB',
    PlanarConfiguration: 0,
    Rows: rows,
    Columns: columns,
    BitsAllocated: 8,
    BitsStored: 8,
    HighBit: 7,
    PixelRepresentation: 0,
  };
  const dataSet = new DataSet();
  for (const [keyword, value] of Object.entries(attributes)) dataSet.set(keyword, value);
  const pixelData = Buffer.from([0xe0, 0x7f, 0x10, 0x00, 0x4f, 0x42, 0, 0, 0, 0, 0, 0]); // OB, explicit.
  pixelData.writeUInt32LE(columns * rows * 3, 8);
  return Buffer.concat([
    encodeFileMeta({ sopClassUid, sopInstanceUid, transferSyntaxUid: EXPLICIT_LE }),
    encodeDataSet(dataSet, EXPLICIT_LE),
    pixelData,
  ]);
}

/** Ours over Orthanc's, for every image and input. */
function ratiosOf(rows: readonly Row[]): Readonly<Record<string, number>> {
  const ratios: Record<string, number> = {};
  for (const ours of rows.filter(({ tool }) => tool === 'slidegate')) {
    const theirs = rows.find(
      (row) => row.tool === 'orthanc' && row.size === ours.size && row.input === ours.input,
    );
    if (theirs) ratios[`cpu ${ours.size} ${ours.input}`] = round(ours.cpu_s / theirs.cpu_s);
  }
  return ratios;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
