import { createHash } from 'node:crypto';
import type { DataSet } from '../dicom/data-set.ts';
import { copyAttributes, type Keyword, setAttributes } from './attributes.ts';
import { whenOf } from './moment.ts';
import type { SeriesFacts } from './wsi-facts.ts';

/**
 * Patient C.7.1.1, Clinical Trial Subject C.7.1.3. References to other instances stay behind: they would need
 * Common Instance References that nobody can vouch for.
 */
const PATIENT = [
  'IssuerOfPatientID',
  'IssuerOfPatientIDQualifiersSequence',
  'TypeOfPatientID',
  'PatientBirthDateInAlternativeCalendar',
  'PatientDeathDateInAlternativeCalendar',
  'PatientAlternativeCalendar',
  'QualityControlSubject',
  'PatientBirthTime',
  'OtherPatientIDsSequence',
  'OtherPatientNames',
  'EthnicGroupCodeSequence',
  'PatientComments',
  'PatientSpeciesDescription',
  'PatientSpeciesCodeSequence',
  'PatientBreedDescription',
  'PatientBreedCodeSequence',
  'BreedRegistrationSequence',
  'StrainDescription',
  'StrainNomenclature',
  'StrainCodeSequence',
  'StrainAdditionalInformation',
  'StrainStockSequence',
  'GeneticModificationsSequence',
  'ResponsiblePerson',
  'ResponsiblePersonRole',
  'ResponsibleOrganization',
  'PatientIdentityRemoved',
  'DeidentificationMethod',
  'DeidentificationMethodCodeSequence',
  'ClinicalTrialSponsorName',
  'ClinicalTrialProtocolID',
  'ClinicalTrialProtocolName',
  'ClinicalTrialSiteID',
  'ClinicalTrialSiteName',
  'ClinicalTrialSubjectID',
  'ClinicalTrialSubjectReadingID',
  'ClinicalTrialProtocolEthicsCommitteeName',
  'ClinicalTrialProtocolEthicsCommitteeApprovalNumber',
] as const satisfies readonly Keyword[];

/** General Study C.7.2.1, Patient Study C.7.2.2, Clinical Trial Study C.7.2.3. */
const STUDY = [
  'ReferringPhysicianIdentificationSequence',
  'ConsultingPhysicianName',
  'ConsultingPhysicianIdentificationSequence',
  'IssuerOfAccessionNumberSequence',
  'StudyDescription',
  'PhysiciansOfRecord',
  'PhysiciansOfRecordIdentificationSequence',
  'NameOfPhysiciansReadingStudy',
  'PhysiciansReadingStudyIdentificationSequence',
  'RequestingServiceCodeSequence',
  'ProcedureCodeSequence',
  'ReasonForPerformedProcedureCodeSequence',
  'AdmittingDiagnosesDescription',
  'AdmittingDiagnosesCodeSequence',
  'PatientAge',
  'PatientSize',
  'PatientWeight',
  'PatientSizeCodeSequence',
  'MedicalAlerts',
  'Allergies',
  'SmokingStatus',
  'PregnancyStatus',
  'LastMenstrualDate',
  'PatientState',
  'Occupation',
  'AdditionalPatientHistory',
  'AdmissionID',
  'IssuerOfAdmissionIDSequence',
  'ServiceEpisodeID',
  'ServiceEpisodeDescription',
  'PatientSexNeutered',
  'ClinicalTrialTimePointID',
  'ClinicalTrialTimePointDescription',
  'ConsentForClinicalTrialUseSequence',
] as const satisfies readonly Keyword[];

/** Patient and study as the source has them; what validators want and the source lacks is generated. */
export function setPatientAndStudy(into: DataSet, series: SeriesFacts): void {
  const { source, uids, generated } = series;
  copyAttributes(source, into, PATIENT);
  copyAttributes(source, into, STUDY);
  setAttributes(into, {
    PatientName: source.text('PatientName') ?? '',
    PatientID: generated.or('PatientID', source.text('PatientID'), () => shortName(uids.study, 'patient')),
    PatientBirthDate: source.text('PatientBirthDate') ?? '',
    PatientSex: ['M', 'F', 'O'].find((sex) => sex === source.text('PatientSex')) ?? '',
    StudyInstanceUID: uids.study,
    StudyID: generated.or('StudyID', source.text('StudyID'), () => shortName(uids.study, 'study')),
    AccessionNumber: source.text('AccessionNumber') ?? '',
    ReferringPhysicianName: source.text('ReferringPhysicianName') ?? '',
    ...studyDateAndTime(series),
  });
}

/** Of the study; else of what was done in it first; else of the decision to convert. */
function studyDateAndTime({ source, generated, decidedAt }: SeriesFacts) {
  const [study, ...others] = (['Study', 'Series', 'Acquisition', 'Content'] as const).map((event) =>
    whenOf(source, event),
  );
  const dated = [study, ...others].find((when) => when?.date !== undefined);
  return {
    StudyDate: generated.or('StudyDate', study?.date, () => dated?.date ?? decidedAt.date),
    StudyTime: generated.or(
      'StudyTime',
      study?.time,
      () => dated?.time ?? (dated ? '000000' : decidedAt.time),
    ),
  };
}

/** The same for every instance of a study, recognisable as made up, and at most 16 characters. */
function shortName(studyInstanceUid: string, of: string): string {
  return `GEN-${createHash('sha256').update(`${of} ${studyInstanceUid}`).digest('hex').slice(0, 12).toUpperCase()}`;
}
