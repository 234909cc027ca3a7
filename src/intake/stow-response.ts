/** What a Store Transaction is answered. PS3.18 10.5.3 and I.2. */
import { STATUS } from '../dimse/status.ts';
import type { Part10Outcome } from './part10-reception.ts';

/** Media types of the answer, ours first. */
export const RESPONSE_MEDIA_TYPES = {
  json: ['application/dicom+json', 'application/json'],
  xml: ['application/dicom+xml', 'application/xml', 'text/xml'],
} as const;

/** Tags and keywords of PS3.18 Table I.2-1, in the order of their tags. */
const ATTRIBUTE = {
  referencedSopClassUid: { tag: '00081150', vr: 'UI', keyword: 'ReferencedSOPClassUID' },
  referencedSopInstanceUid: { tag: '00081155', vr: 'UI', keyword: 'ReferencedSOPInstanceUID' },
  warningReason: { tag: '00081196', vr: 'US', keyword: 'WarningReason' },
  failureReason: { tag: '00081197', vr: 'US', keyword: 'FailureReason' },
  failedSopSequence: { tag: '00081198', vr: 'SQ', keyword: 'FailedSOPSequence' },
  referencedSopSequence: { tag: '00081199', vr: 'SQ', keyword: 'ReferencedSOPSequence' },
  otherFailuresSequence: { tag: '0008119A', vr: 'SQ', keyword: 'OtherFailuresSequence' },
} as const;

/** Of what is kept and held: its header does not say what its File Meta Information says. PS3.18 I.2.1. */
const DATA_SET_DOES_NOT_MATCH = 0xb007;

type Attribute = (typeof ATTRIBUTE)[keyof typeof ATTRIBUTE];
type Item = readonly (readonly [Attribute, string | number])[];
type Sequences = readonly (readonly [Attribute, readonly Item[]])[];

/**
 * 200 all stored, 202 some, 409 none; 503 when none could be for want of room: later they may be.
 *
 * @param outcomes at least one
 */
export function httpStatusOf(outcomes: readonly Part10Outcome[]): 200 | 202 | 409 | 503 {
  const failed = outcomes.filter(({ committed }) => committed === undefined);
  if (failed.length === 0) return 200;
  if (failed.length < outcomes.length) return 202;
  return failed.every(({ answer }) => answer.status === STATUS.outOfResources) ? 503 : 409;
}

/** The answer as DICOM JSON. PS3.18 F. */
export function jsonOf(outcomes: readonly Part10Outcome[]): string {
  const dataSet = sequencesOf(outcomes).map(([{ tag, vr }, items]) => [
    tag,
    {
      vr,
      Value: items.map((item) =>
        Object.fromEntries(
          item.map(([attribute, value]) => [attribute.tag, { vr: attribute.vr, Value: [value] }]),
        ),
      ),
    },
  ]);
  return JSON.stringify(Object.fromEntries(dataSet));
}

/** The answer in the Native DICOM Model. PS3.19 A.1. No value needs escaping: they are UIDs and numbers. */
export function xmlOf(outcomes: readonly Part10Outcome[]): string {
  const element = ({ tag, vr, keyword }: Attribute, content: string) =>
    `<DicomAttribute tag="${tag}" vr="${vr}" keyword="${keyword}">${content}</DicomAttribute>`;
  const itemXml = (item: Item, index: number) => {
    const content = item.map(([attribute, value]) =>
      element(attribute, `<Value number="1">${value}</Value>`),
    );
    return `<Item number="${index + 1}">${content.join('')}</Item>`;
  };
  const dataSet = sequencesOf(outcomes).map(([attribute, items]) =>
    element(attribute, items.map(itemXml).join('')),
  );
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n<NativeDicomModel ' +
    `xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">${dataSet.join('')}</NativeDicomModel>`
  );
}

function sequencesOf(outcomes: readonly Part10Outcome[]): Sequences {
  const [failed, stored, other]: [Item[], Item[], Item[]] = [[], [], []];
  for (const { answer, identity, committed } of outcomes) {
    const reason = [ATTRIBUTE.failureReason, answer.status] as const;
    if (identity === undefined) {
      other.push([reason]);
      continue;
    }
    const references: Item = [
      [ATTRIBUTE.referencedSopClassUid, identity.sopClassUid],
      [ATTRIBUTE.referencedSopInstanceUid, identity.sopInstanceUid],
    ];
    if (committed === undefined) failed.push([...references, reason]);
    else if (committed.held === undefined) stored.push(references);
    else stored.push([...references, [ATTRIBUTE.warningReason, DATA_SET_DOES_NOT_MATCH]]);
  }
  const all: Sequences = [
    [ATTRIBUTE.failedSopSequence, failed],
    [ATTRIBUTE.referencedSopSequence, stored],
    [ATTRIBUTE.otherFailuresSequence, other],
  ];
  return all.filter(([, items]) => items.length > 0);
}
