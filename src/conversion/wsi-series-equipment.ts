import packageJson from '../../package.json' with { type: 'json' };
import type { DataSet } from '../dicom/data-set.ts';
import { code, copyAttributes, dataSetOf, itemsOf, type Keyword, setAttributes } from './attributes.ts';
import type { SeriesFacts } from './wsi-facts.ts';

/** General Series C.7.3.1 and Clinical Trial Series C.7.3.2, without what is new in the series we make. */
const SERIES = [
  'Laterality',
  'PerformingPhysicianName',
  'PerformingPhysicianIdentificationSequence',
  'ProtocolName',
  'SeriesDescription',
  'SeriesDescriptionCodeSequence',
  'OperatorsName',
  'OperatorIdentificationSequence',
  'ReferencedPerformedProcedureStepSequence',
  'BodyPartExamined',
  'RequestAttributesSequence',
  'PerformedProcedureStepID',
  'PerformedProcedureStepStartDate',
  'PerformedProcedureStepStartTime',
  'PerformedProcedureStepEndDate',
  'PerformedProcedureStepEndTime',
  'PerformedProcedureStepDescription',
  'PerformedProtocolCodeSequence',
  'CommentsOnThePerformedProcedureStep',
  'AnatomicalOrientationType',
  'ClinicalTrialCoordinatingCenterName',
  'ClinicalTrialSeriesID',
  'ClinicalTrialSeriesDescription',
] as const satisfies readonly Keyword[];

/** General Equipment C.7.5.1. */
const EQUIPMENT = [
  'InstitutionName',
  'InstitutionAddress',
  'StationName',
  'InstitutionalDepartmentName',
  'UDISequence',
  'DeviceUID',
  'DateOfLastCalibration',
  'TimeOfLastCalibration',
] as const satisfies readonly Keyword[];

const OUR_NAME = 'Slidegate';

/** Series, frame of reference and the equipment that made the source. */
export function setSeriesAndEquipment(into: DataSet, series: SeriesFacts): void {
  const { source, uids, generated, decidedAt } = series;
  const unknown = (keyword: Keyword) => generated.or(keyword, source.text(keyword), () => 'Unknown');
  copyAttributes(source, into, SERIES);
  copyAttributes(source, into, EQUIPMENT);
  setAttributes(into, {
    Modality: 'SM',
    SeriesInstanceUID: uids.series,
    SeriesNumber: series.seriesNumber,
    SeriesDate: generated.or('SeriesDate', source.text('SeriesDate'), () => decidedAt.date),
    SeriesTime: generated.or('SeriesTime', source.text('SeriesTime'), () => decidedAt.time),
    FrameOfReferenceUID: uids.frameOfReference,
    PositionReferenceIndicator: 'SLIDE_CORNER',
    Manufacturer: unknown('Manufacturer'),
    ManufacturerModelName: unknown('ManufacturerModelName'),
    DeviceSerialNumber: unknown('DeviceSerialNumber'),
    SoftwareVersions: generated.or(
      'SoftwareVersions',
      source.text('SoftwareVersions') && source.texts('SoftwareVersions'),
      () => [packageJson.version],
    ),
  });
}

/** What we did to the instance, and what we made up for it. Called last, when all of that is known. */
export function setContributingEquipment(into: DataSet, series: SeriesFacts): void {
  const { source, generated, decidedAt } = series;
  const sentences = ['Converted to VL Whole Slide Microscopy', ...generated.sentences];
  const ours = dataSetOf({
    PurposeOfReferenceCodeSequence: [code('109103', 'DCM', 'Modifying Equipment')],
    Manufacturer: OUR_NAME,
    ManufacturerModelName: OUR_NAME,
    SoftwareVersions: packageJson.version,
    ContributionDateTime: `${decidedAt.date}${decidedAt.time}${decidedAt.offset}`,
    ContributionDescription: `${sentences.join('. ')}.`.slice(0, 1024),
  });
  setAttributes(into, {
    ContributingEquipmentSequence: [...itemsOf(source, 'ContributingEquipmentSequence'), ours],
  });
}
