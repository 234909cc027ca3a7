import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { convertFiles, type FileConversion } from '../conversion/conversion.ts';
import { attributeByKeyword } from '../dicom/dictionary.ts';
import type { AttributeEdit } from '../spool/spool.ts';
import { type Command, UsageError } from './command.ts';

/** One-off conversion of files, without a gateway. */
export const convert: Command = {
  name: 'convert',
  summary: 'Makes slide pyramids of files: DICOM images, JPEG, PNG, TIFF.',
  usage: `Usage: slidegate convert <file...> --out DIR [options]

  --out DIR             where the DICOM files go; made if it is not there
  --tile N              side of a tile in pixels, a multiple of 16 (512)
  --quality N           JPEG quality, 1 to 100 (85)
  --spacing-mm X[,Y]    pixel spacing in mm, between rows and between columns; replaces that of the files
  --metadata FILE.json  attributes to set, by keyword: { "PatientID": "4711", "PixelSpacing": [0.00025, 0.00025] }
  --json                print one JSON object`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        out: { type: 'string' },
        tile: { type: 'string' },
        quality: { type: 'string' },
        'spacing-mm': { type: 'string' },
        metadata: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length === 0) throw new UsageError('name at least one file to convert');
    if (values.out === undefined) throw new UsageError('say with --out where the DICOM files go');
    const options = {
      ...numberOption('tile', values.tile),
      ...numberOption('quality', values.quality),
    };
    const edits = [
      ...(values.metadata === undefined ? [] : await readMetadata(values.metadata)),
      ...(values['spacing-mm'] === undefined ? [] : [spacingEdit(values['spacing-mm'])]),
    ];

    const outcomes: FileConversion[] = [];
    for await (const outcome of convertFiles({
      files: positionals,
      outDirectory: values.out,
      options,
      edits,
    })) {
      outcomes.push(outcome);
      if (!values.json) print(outcome);
    }
    if (values.json) console.log(JSON.stringify({ files: outcomes }));
    return outcomes.every((outcome) => 'products' in outcome) ? 0 : 1;
  },
};

function print(outcome: FileConversion): void {
  if (!('products' in outcome)) {
    console.error(`${outcome.file}: ${outcome.message} (${outcome.code})`);
    return;
  }
  const { file, products, generated, durationMs } = outcome;
  console.log(`${file}: ${products.length} instances in ${(durationMs / 1000).toFixed(1)} s`);
  for (const { path, sizeBytes } of products) console.log(`  ${path}  ${sizeBytes} bytes`);
  if (generated.length > 0) console.log(`  generated, for the file lacks them: ${generated.join(', ')}`);
}

function numberOption(name: string, text: string | undefined): Record<string, number> {
  if (text === undefined) return {};
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number))
    throw new UsageError(`--${name} must be a number, not "${text}"`);
  return { [name]: number };
}

/** Stated on the command line it holds, whatever the file says. */
function spacingEdit(text: string): AttributeEdit {
  const numbers = text.split(',').map(Number);
  const isSpacing = numbers.length <= 2 && numbers.every((number) => number > 0 && number < 1000);
  if (!isSpacing)
    throw new UsageError(`--spacing-mm must be one or two numbers of mm, such as 0.00025, not "${text}"`);
  const [row, column = row] = numbers;
  return { set: 'PixelSpacing', value: [row!, column!] };
}

async function readMetadata(path: string): Promise<readonly AttributeEdit[]> {
  const attributes: unknown = readJson(
    path,
    await readFile(path, 'utf8').catch((error: Error) => unreadable(path, error)),
  );
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) {
    throw new UsageError(
      `--metadata must name a JSON object of attributes by keyword; "${path}" holds something else`,
    );
  }
  return Object.entries(attributes).map(([keyword, value]) => {
    if (attributeByKeyword(keyword) === undefined) {
      throw new UsageError(`"${path}" sets "${keyword}", which is no keyword of DICOM`);
    }
    const all: unknown[] = Array.isArray(value) ? value : [value];
    if (!all.every((one) => typeof one === 'string' || typeof one === 'number')) {
      throw new UsageError(`"${path}" must give "${keyword}" a text, a number or a list of them`);
    }
    return { set: keyword, value: all as (string | number)[] };
  });
}

function readJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return unreadable(path, error as Error);
  }
}

function unreadable(path: string, error: Error): never {
  throw new UsageError(`--metadata must name a JSON file that can be read; "${path}": ${error.message}`);
}
