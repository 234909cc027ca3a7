import { open } from 'node:fs/promises';
import sharp from 'sharp';
import {
  type ByteSource,
  type DecodeFrame,
  type Finding,
  type InstanceFacts,
  markInherited,
  validateInstance,
  validateSeries,
} from '../dicom/validator/validator.ts';
import { ByteRange } from './byte-range.ts';
import { ConversionError } from './errors.ts';
import type { JobProduct, JobRequest, JobResult } from './job-kind.ts';

/** Findings named in an error; the rest is counted. */
const NAMED_MAX = 3;

/**
 * Has our own checker look at what a job made: each instance, then each series as a whole.
 *
 * @returns the result, with the faults that the source brought along
 * @throws {ConversionError} VALIDATION_FAILED when there are faults that the source does not have
 */
export async function checkProducts(result: JobResult, request: JobRequest): Promise<JobResult> {
  const findings: Finding[] = [];
  const series = new Map<string, InstanceFacts[]>();
  for (const product of result.products) {
    const report = await reading(product, (source) => validateInstance(source, { decodeFrame }));
    findings.push(...report.findings);
    series.set(product.seriesInstanceUid, [...(series.get(product.seriesInstanceUid) ?? []), report.facts]);
  }
  for (const instances of series.values()) {
    findings.push(...validateSeries(instances, { isComplete: true }).findings);
  }
  const faults = findings.filter(({ severity }) => severity === 'error');
  if (faults.length === 0) return result;

  const marked = markInherited(faults, await findingsOfSource(request));
  const ours = marked.filter(({ inherited }) => !inherited);
  if (ours.length > 0) throw validationFailed(ours);
  // The same attribute is damaged in every instance of a set: once is enough.
  const different = new Map(
    marked.map(({ check, tag }) => [`${check} ${tag}`, { check, ...(tag && { tag }) }]),
  );
  return { ...result, inheritedFaults: [...different.values()] };
}

async function findingsOfSource({ source }: JobRequest): Promise<readonly Finding[]> {
  if (source.kind === 'image') return [];
  return (await reading(source, (bytes) => validateInstance(bytes))).findings;
}

async function reading<Result>(
  part: Pick<JobProduct, 'path' | 'sizeBytes'> & { readonly offset?: number },
  read: (source: ByteSource) => Promise<Result>,
): Promise<Result> {
  await using file = await open(part.path, 'r');
  const range = new ByteRange(file, part.offset ?? 0, part.sizeBytes);
  return await read({ sizeBytes: part.sizeBytes, read: (into, position) => range.read(into, position) });
}

/** All that jobs make so far is JPEG. */
const decodeFrame: DecodeFrame = async (codestream) => {
  const { info } = await sharp(codestream).raw().toBuffer({ resolveWithObject: true });
  return { rows: info.height, columns: info.width };
};

function validationFailed(faults: readonly Finding[]): ConversionError {
  const named = faults
    .slice(0, NAMED_MAX)
    .map(({ check, tag, message }) => `${check}${tag ? ` at ${tag}` : ''}: ${message}`)
    .join('; ');
  const more = faults.length > NAMED_MAX ? `; and ${faults.length - NAMED_MAX} more` : '';
  return new ConversionError(
    'VALIDATION_FAILED',
    `Cannot hand over the slide: it must pass our own checks and does not: ${named}${more}`,
    { check: faults[0]!.check, faults: faults.length },
  );
}
