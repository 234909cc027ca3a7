/**
 * # Validator
 *
 * Checks a DICOM file, and the files of a series together, against the standard: encoding, File Meta Information,
 * the modules of its IOD, the codestreams of its frames, and for whole slide images what the tables of PS3.3 cannot
 * say. `checks.ts` has the table of checks.
 *
 * Invariants:
 * - The file is read once, from front to back; memory is bounded whatever its size.
 * - Nothing in a file makes it throw: what cannot be read is a finding. What `read` throws passes through.
 * - A finding holds no value of an attribute that may tell of a patient.
 *
 * Deliberately absent: decoding, which is handed in, and the file system.
 */
import type { SeriesContext } from './check.ts';
import { type CheckName, checks, checksOf } from './checks.ts';
import { type Finding, FindingList } from './findings.ts';
import type { ByteSource } from './forward-reader.ts';
import { type DecodeFrame, readInstance } from './instance-reading.ts';
import { checkModules, checkSharedGroups } from './module-rules.ts';
import { factsOf, type InstanceFacts } from './series-facts.ts';

export type { Finding, Severity } from './findings.ts';
export type { ByteSource } from './forward-reader.ts';
export type { DecodeFrame, FrameShape } from './instance-reading.ts';
export type { InstanceFacts } from './series-facts.ts';

export interface ValidationOptions {
  /** Called for the first, the middle and the last frame of encapsulated images. */
  readonly decodeFrame?: DecodeFrame;
}

export interface InstanceReport {
  readonly name: string | undefined;
  /** Name of the IOD; undefined when only the generic checks apply. */
  readonly iod: string | undefined;
  readonly findings: readonly Finding[];
  /** What {@link validateSeries} compares. Holds UIDs; nothing else that could name a patient. */
  readonly facts: InstanceFacts;
}

export interface SeriesReport {
  readonly seriesInstanceUid: string;
  readonly findings: readonly Finding[];
}

/** Reads and checks one Part 10 file. */
export async function validateInstance(
  source: ByteSource,
  options: ValidationOptions = {},
): Promise<InstanceReport> {
  const list = new FindingList();
  const report = (check: CheckName, problem: Parameters<FindingList['add']>[2]) =>
    list.add(check, checks[check].severity, problem);
  const instance = await readInstance(source, options.decodeFrame, report);
  if (instance.iod !== undefined) {
    checkModules(instance, instance.iod, report);
    checkSharedGroups(instance, instance.iod, report);
  }
  for (const [name, run] of checksOf('instance')) {
    for (const problem of run(instance)) report(name, problem);
  }
  return {
    name: source.name,
    iod: instance.iod?.name,
    findings: list.toArray(),
    facts: factsOf(instance),
  };
}

/**
 * Checks the instances of one series together.
 *
 * @param instances at least one; all of the same series
 * @param context default: there may be further instances elsewhere, so that a missing base is no fault
 */
export function validateSeries(
  instances: readonly InstanceFacts[],
  context: SeriesContext = { isComplete: false },
): SeriesReport {
  const list = new FindingList();
  for (const [name, run] of checksOf('series')) {
    for (const problem of run(instances, context)) list.add(name, checks[name].severity, problem);
  }
  return { seriesInstanceUid: instances[0]?.seriesInstanceUid ?? '', findings: list.toArray() };
}

/**
 * Marks what is not the fault of whoever made an instance: findings that the instance it was made from has too, of
 * the same check on the same attribute.
 */
export function markInherited(
  findings: readonly Finding[],
  ofSource: readonly Finding[],
): readonly Finding[] {
  const keyOf = ({ check, tag, path }: Finding) => `${check} ${tag} ${path?.replace(/\[\d+\]/g, '')}`;
  const known = new Set(ofSource.filter(({ tag }) => tag !== undefined).map(keyOf));
  return findings.map((finding) => (known.has(keyOf(finding)) ? { ...finding, inherited: true } : finding));
}
