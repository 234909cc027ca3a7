import { DataSet } from '../dicom/data-set.ts';
import { encodeDataSet } from '../dicom/element-writer.ts';
import { decodeHeaderIndex, encodeHeaderIndex, indexHeader } from '../dicom/header-index.ts';
import { EXPLICIT_LE } from '../dicom/transfer-syntax.ts';
import { buildRuleSet } from '../rules/build-rule-set.ts';
import { evaluate } from '../rules/evaluate.ts';
import { explainDecision } from '../rules/explanation.ts';
import { Facts } from '../rules/facts.ts';
import { tasksOf } from '../rules/plan.ts';
import type { RuleSet } from '../rules/rule-set.ts';

export interface RulesBench {
  readonly rules: number;
  readonly attributes: number;
  readonly headerIndexBytes: number;
  readonly instances: number;
  /** Decided from the encoded header index: facts, all rules, plan, explanation. */
  readonly instances_per_s: number;
  /** The same without the explanation that is stored. */
  readonly decisions_per_s: number;
}

const RULES = 200;
const ATTRIBUTES = 40;
const ROUNDS = 5;

/** The rules stage without its spool: from the header index of an instance to its tasks and the reasons for them. */
export async function benchRules(instances = 10_000): Promise<RulesBench> {
  const ruleSet = manyRules();
  const headers = ['CT', 'MR', 'US', 'GM'].map(encodedHeader);
  run(ruleSet, headers, instances, true); // Warm up.
  const withReasons = median(ROUNDS, () => run(ruleSet, headers, instances, true));
  const decisions = median(ROUNDS, () => run(ruleSet, headers, instances, false));
  return {
    rules: RULES,
    attributes: ATTRIBUTES,
    headerIndexBytes: headers[0]?.length ?? 0,
    instances: instances * ROUNDS,
    instances_per_s: Math.round(withReasons),
    decisions_per_s: Math.round(decisions),
  };
}

/** Of several rounds, so that one in which the machine was busy does not count. */
function median(rounds: number, measure: () => number): number {
  const results = Array.from({ length: rounds }, measure).sort((a, b) => a - b);
  return results[Math.floor(rounds / 2)] ?? 0;
}

function run(
  ruleSet: RuleSet,
  headers: readonly Uint8Array[],
  instances: number,
  explained: boolean,
): number {
  const circumstances = {
    origin: 'received',
    source: 'ct1',
    callingAeTitle: 'CT1',
    calledAeTitle: 'SLIDEGATE',
    sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
    transferSyntaxUid: EXPLICIT_LE,
  } as const;
  const startedAtMs = performance.now();
  let tasks = 0;
  for (let index = 0; index < instances; index++) {
    const header = headers[index % headers.length] as Uint8Array;
    const facts = new Facts(circumstances, ruleSet.attributes.length, () => decodeHeaderIndex(header));
    const decision = evaluate(ruleSet, facts);
    if (explained) explainDecision(ruleSet, facts, decision);
    const options = { productsMeetRules: false, decidedAtMs: index };
    tasks += decision.plan === undefined ? 0 : tasksOf(decision.plan, options).length;
  }
  if (tasks !== instances) throw new Error(`Every instance has one task, but ${instances} have ${tasks}`);
  return instances / ((performance.now() - startedAtMs) / 1000);
}

/** Rules as sites have them: by source, kind, size, text and date; the last one takes what the others leave. */
function manyRules(): RuleSet {
  const conditions = [
    (n: number) => `{ from: [site${n}, ward${n}] }`,
    (n: number) =>
      `{ all: [{ attribute: Modality, in: [CT, MR] }, { attribute: StationName, is: STATION${n} }] }`,
    (n: number) => `{ all: [{ attribute: Modality, is: CT }, { attribute: Rows, at-least: ${2000 + n} }] }`,
    (n: number) => `{ attribute: StudyDescription, matches: '^(HEAD|THORAX) ${n}$' }`,
    (n: number) =>
      `{ any: [{ attribute: SOPClassUID, is: 1.2.3.${n} }, { attribute: StudyDate, at-most: ${19000101 + n} }] }`,
    (n: number) => `{ not: { attribute: 'ImageType[2]', in: [AXIAL, LOCALIZER, OTHER${n}] } }`,
    (n: number) => `{ attribute: BodyPartExamined, contains: PART${n} }`,
  ];
  const rules = Array.from({ length: RULES - 1 }, (_, index) => {
    const when = conditions[index % conditions.length]?.(index);
    return `  - { name: rule ${index}, when: ${when}, to: [pacs${index}] }`;
  });
  const text = ['rules:', ...rules, '  - { name: the rest, to: [archive] }'].join('\n');
  return buildRuleSet('bench.yaml', [{ file: 'bench.yaml', text }]);
}

function encodedHeader(modality: string): Uint8Array {
  const dataSet = new DataSet();
  const values: Readonly<Record<string, readonly (string | number)[]>> = {
    ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
    SOPClassUID: ['1.2.840.10008.5.1.4.1.1.2'],
    SOPInstanceUID: ['1.2.826.0.1.3680043.8.498.1'],
    StudyDate: ['20260131'],
    SeriesDate: ['20260131'],
    AcquisitionDate: ['20260131'],
    StudyTime: ['101500'],
    SeriesTime: ['101600'],
    AccessionNumber: ['A0001'],
    Modality: [modality],
    Manufacturer: ['ACME'],
    InstitutionName: ['North Hospital'],
    StationName: ['STATION'],
    StudyDescription: ['HEAD WITHOUT CONTRAST'],
    SeriesDescription: ['AXIAL 5MM'],
    ManufacturerModelName: ['Scanner 9'],
    PatientName: ['Phantom^Head'],
    PatientID: ['P0001'],
    PatientBirthDate: ['19700101'],
    PatientSex: ['O'],
    BodyPartExamined: ['HEAD'],
    SliceThickness: ['5'],
    KVP: ['120'],
    SoftwareVersions: ['1.0'],
    ProtocolName: ['Head routine'],
    StudyInstanceUID: ['1.2.826.0.1.3680043.8.498.2'],
    SeriesInstanceUID: ['1.2.826.0.1.3680043.8.498.3'],
    StudyID: ['1'],
    SeriesNumber: ['2'],
    InstanceNumber: ['17'],
    ImagePositionPatient: ['0', '0', '0'],
    ImageOrientationPatient: ['1', '0', '0', '0', '1', '0'],
    SamplesPerPixel: [1],
    PhotometricInterpretation: ['MONOCHROME2'],
    Rows: [512],
    Columns: [512],
    PixelSpacing: ['0.5', '0.5'],
    BitsAllocated: [16],
    BitsStored: [12],
    HighBit: [11],
  };
  for (const [keyword, value] of Object.entries(values)) dataSet.set(keyword, value as readonly string[]);
  const bytes = encodeDataSet(dataSet, EXPLICIT_LE);
  return encodeHeaderIndex(
    indexHeader(bytes, { transferSyntaxUid: EXPLICIT_LE, dataSetOffset: 0, totalBytes: bytes.length }),
  );
}
