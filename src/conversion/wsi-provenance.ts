import type { DataSet } from '../dicom/data-set.ts';
import { dataSetOf, setAttributes } from './attributes.ts';
import { type InstanceFacts, type SeriesFacts, WSI_SOP_CLASS_UID } from './wsi-facts.ts';

interface Reference {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
}

/** Conversion Source Attributes C.12.1.1.15, and Common Instance Reference C.12.2 of all that is referred to. */
export function setProvenance(into: DataSet, series: SeriesFacts, instance: InstanceFacts): void {
  const { instance: source, uids } = series;
  const base: Reference = {
    studyInstanceUid: uids.study,
    seriesInstanceUid: uids.series,
    sopClassUid: WSI_SOP_CLASS_UID,
    sopInstanceUid: instance.baseSopInstanceUid,
  };
  const references = [...(source ? [source] : []), ...(instance.isResampled ? [base] : [])];
  const inStudy = references.filter(({ studyInstanceUid }) => studyInstanceUid === uids.study);
  const elsewhere = references.filter(({ studyInstanceUid }) => studyInstanceUid !== uids.study);
  setAttributes(into, {
    ConversionSourceAttributesSequence: source && [
      dataSetOf({
        ReferencedSOPClassUID: source.sopClassUid,
        ReferencedSOPInstanceUID: source.sopInstanceUid,
        ReferencedFrameNumber: source.frameNumber,
      }),
    ],
    ReferencedSeriesSequence: orNone(inStudy.map(referencedSeries)),
    // The study of the source is another one when a rule gave the products a new Study Instance UID.
    StudiesContainingOtherReferencedInstancesSequence: orNone(
      elsewhere.map((reference) =>
        dataSetOf({
          StudyInstanceUID: reference.studyInstanceUid,
          ReferencedSeriesSequence: [referencedSeries(reference)],
        }),
      ),
    ),
  });
}

function referencedSeries(reference: Reference): DataSet {
  return dataSetOf({
    SeriesInstanceUID: reference.seriesInstanceUid,
    ReferencedInstanceSequence: [
      dataSetOf({
        ReferencedSOPClassUID: reference.sopClassUid,
        ReferencedSOPInstanceUID: reference.sopInstanceUid,
      }),
    ],
  });
}

function orNone(items: readonly DataSet[]): readonly DataSet[] | undefined {
  return items.length > 0 ? items : undefined;
}
