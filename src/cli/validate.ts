import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { codecOf } from '../codecs/codecs.ts';
import { checks } from '../dicom/validator/checks.ts';
import {
  type DecodeFrame,
  type Finding,
  type InstanceReport,
  type SeriesReport,
  validateInstance,
  validateSeries,
} from '../dicom/validator/validator.ts';
import { type Command, UsageError } from './command.ts';
import { FileUnreadableError } from './errors.ts';
import { counted, table } from './text.ts';

/** `slidegate validate`: files, and the series that they make, against the standard. */
export const validate: Command = {
  name: 'validate',
  summary: 'Checks DICOM files and series against the standard.',
  usage: `Usage: slidegate validate <file or folder...> [--json]
       slidegate validate --checks

  checks encoding, File Meta Information, the modules of the IOD, frames, and the files of a series together;
  of folders every DICOM file, however deep
    --json      one object with every finding
    --checks    what is checked, by name

Exit code 0: no error (there may be warnings), 1: some error, 2: wrong use.`,

  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { json: { type: 'boolean' }, checks: { type: 'boolean' } },
      allowPositionals: true,
    });
    if (values.checks) return printChecks();
    if (positionals.length === 0) throw new UsageError('say which files or folders');

    const report = await validatePaths(positionals, values.json ? undefined : printFile);
    if (values.json) printJson(report);
    else printSummary(report);
    return report.errors === 0 ? 0 : 1;
  },
};

/** What was found in all files and in the series that they make. */
export interface PathsReport {
  readonly instances: number;
  readonly errors: number;
  readonly warnings: number;
  readonly files: readonly FileReport[];
  readonly series: readonly SeriesOfFiles[];
}

/**
 * Checks files and, of folders, every DICOM file, however deep.
 *
 * @param onFile told of each file once it is checked
 * @throws {FileUnreadableError} when one cannot be read
 */
export async function validatePaths(
  paths: readonly string[],
  onFile: (report: FileReport) => void = () => {},
): Promise<PathsReport> {
  const files: FileReport[] = [];
  for (const path of (await Promise.all(paths.map(filesUnder))).flat()) {
    const report = { file: path, report: await checkFile(path) };
    onFile(report);
    files.push(report);
  }
  const series = seriesOf(files);
  const findings = [...files, ...series].flatMap(({ report }) => report.findings);
  const errors = countErrors(findings);
  return { instances: files.length, errors, warnings: findings.length - errors, files, series };
}

interface FileReport {
  readonly file: string;
  readonly report: InstanceReport;
}

interface SeriesOfFiles {
  readonly files: readonly string[];
  readonly report: SeriesReport;
}

/** A file that is named is checked whatever it is; of a folder, what starts like a DICOM file or is named so. */
async function filesUnder(path: string): Promise<readonly string[]> {
  const stats = await stat(path).catch((error) => {
    throw unreadable(path, error);
  });
  if (!stats.isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const found: string[] = [];
  for (const file of files.sort()) if (await looksLikeDicom(file)) found.push(file);
  return found;
}

async function looksLikeDicom(path: string): Promise<boolean> {
  if (/\.dcm$/i.test(path)) return true;
  await using file = await openFile(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 128);
  return bytesRead === 4 && buffer.toString('latin1') === 'DICM';
}

async function checkFile(path: string): Promise<InstanceReport> {
  await using file = await openFile(path);
  const { size } = await file.stat();
  const read = async (into: Uint8Array, position: number) =>
    (await file.read(into, 0, into.length, position)).bytesRead;
  // Awaited here: the file closes on the way out.
  return await validateInstance({ name: path, sizeBytes: size, read }, { decodeFrame });
}

async function openFile(path: string): Promise<FileHandle> {
  return open(path).catch((error) => {
    throw unreadable(path, error);
  });
}

function unreadable(path: string, error: unknown): FileUnreadableError {
  const code = String((error as NodeJS.ErrnoException).code);
  return new FileUnreadableError(`Cannot read "${path}": ${code}`, { path, code }, { cause: error });
}

/** Decodes with the codec of the transfer syntax, a piece at a time; what comes out is pixels of all samples. */
const decodeFrame: DecodeFrame = async (codestream, expected) => {
  const codec = codecOf(expected.transferSyntaxUid);
  if (codec === undefined) return undefined;
  const frame = {
    lengthBytes: codestream.length,
    read: async (into: Uint8Array, position: number) => {
      const piece = codestream.subarray(position, position + into.length);
      into.set(piece);
      return piece.length;
    },
  };
  let decodedBytes = 0;
  for await (const piece of codec.decode(frame, expected)) decodedBytes += piece.length;
  const { columns, samplesPerPixel, bitsAllocated } = expected;
  return { rows: decodedBytes / ((columns * samplesPerPixel * bitsAllocated) / 8), columns };
};

function seriesOf(files: readonly FileReport[]): readonly SeriesOfFiles[] {
  const bySeries = Map.groupBy(files, ({ report }) => report.facts.seriesInstanceUid);
  bySeries.delete(''); // Files without a series belong to none together.
  return [...bySeries.values()].map((members) => ({
    files: members.map(({ file }) => file),
    report: validateSeries(members.map(({ report }) => report.facts)),
  }));
}

function printFile({ file, report }: FileReport): void {
  console.log(`${file}: ${report.iod ?? 'generic checks only'}: ${verdict(report.findings)}`);
  printFindings(report.findings);
}

function printSeries({ files, report }: SeriesOfFiles): void {
  if (report.findings.length === 0) return;
  console.log(
    `Series ${report.seriesInstanceUid}, ${counted(files.length, 'file')}: ${verdict(report.findings)}`,
  );
  printFindings(report.findings);
}

function printFindings(findings: readonly Finding[]): void {
  for (const { severity, check, tag, path, message, count } of findings) {
    const where = [tag, path].filter((part) => part !== undefined).join(' ');
    const often = count === undefined ? '' : ` (${count} times)`;
    console.log(`  ${severity} ${check}: ${where === '' ? '' : `${where} `}${message}${often}`);
  }
}

function printSummary({ instances, series, files }: PathsReport): void {
  for (const report of series) printSeries(report);
  const findings = [...files, ...series].flatMap(({ report }) => report.findings);
  console.log(`${counted(instances, 'file')}, ${series.length} series: ${verdict(findings)}.`);
}

function printJson({ errors, warnings, files, series }: PathsReport): void {
  console.log(
    JSON.stringify({
      ok: errors === 0,
      errors,
      warnings,
      files: files.map(({ file, report }) => ({ file, iod: report.iod ?? null, findings: report.findings })),
      series: series.map(({ files: members, report }) => ({ ...report, files: members })),
    }),
  );
}

function verdict(findings: readonly Finding[]): string {
  const errors = countErrors(findings);
  if (findings.length === 0) return 'good';
  return `${counted(errors, 'error')}, ${counted(findings.length - errors, 'warning')}`;
}

function countErrors(findings: readonly Finding[]): number {
  return findings.filter(({ severity }) => severity === 'error').length;
}

function printChecks(): number {
  const rows = Object.entries(checks).map(([name, { severity, rule }]) => [name, severity, rule]);
  console.log(table(['CHECK', 'SEVERITY', 'WHAT SHOULD BE'], rows));
  return 0;
}
