import { Tag } from '../tags.generated.ts';
import type { ParsedDataSet } from './parsed-data-set.ts';
import { flavorOf } from './wsi-flavor.ts';

/**
 * Whether a condition of PS3.3 holds.
 *
 * @param at the data set or item that holds the attribute; `at.root` is the whole
 * @returns undefined when the data set cannot tell
 */
export type Condition = (at: ParsedDataSet) => boolean | undefined;

/** The conditions that `iods.generated.ts` names. */
export const conditions: Readonly<Record<string, Condition>> = {
  always: () => true,

  // Codes and identifiers.
  'has-no-code-value': (at) => !hasAny(at, Tag.CodeValue, Tag.LongCodeValue, Tag.URNCodeValue),
  'has-code-value': (at) => hasAny(at, Tag.CodeValue, Tag.LongCodeValue),
  'has-universal-entity-id': (at) => at.hasValue(Tag.UniversalEntityID),
  'has-no-universal-entity-id': (at) => !at.has(Tag.UniversalEntityID),
  'has-no-local-namespace-entity-id': (at) => !at.has(Tag.LocalNamespaceEntityID),
  'has-no-institution-code': (at) => !at.has(Tag.InstitutionCodeSequence),
  'has-no-institution-name': (at) => !at.has(Tag.InstitutionName),
  'has-no-retrieval-sequence': (at) => !hasAny(at, ...retrievalSequences),
  'has-selector-sequence-pointer': (at) => at.has(Tag.SelectorSequencePointer),

  // Content items. PS3.3 10.2.
  'has-value-type-datetime': valueTypeIs('DATETIME'),
  'has-value-type-date': valueTypeIs('DATE'),
  'has-value-type-time': valueTypeIs('TIME'),
  'has-value-type-pname': valueTypeIs('PNAME'),
  'has-value-type-uidref': valueTypeIs('UIDREF'),
  'has-value-type-text': valueTypeIs('TEXT'),
  'has-value-type-code': valueTypeIs('CODE'),
  'has-value-type-numeric': valueTypeIs('NUMERIC'),
  'has-value-type-reference': valueTypeIs('COMPOSITE', 'IMAGE', 'WAVEFORM'),
  'has-rational-numerator': (at) => at.has(Tag.RationalNumeratorValue),

  // Patient.
  'has-date-in-alternative-calendar': (at) =>
    hasAny(at, Tag.PatientBirthDateInAlternativeCalendar, Tag.PatientDeathDateInAlternativeCalendar),
  'is-animal': isAnimal,
  'is-animal-without-breed-code': (at) => (at.hasValue(Tag.PatientBreedCodeSequence) ? false : isAnimal(at)),
  'has-responsible-person': (at) => at.hasValue(Tag.ResponsiblePerson),
  'is-deidentified-without-method-code': (at) =>
    is(at, Tag.PatientIdentityRemoved, 'YES') && !at.has(Tag.DeidentificationMethodCodeSequence),
  'is-deidentified-without-method': (at) =>
    is(at, Tag.PatientIdentityRemoved, 'YES') && !at.has(Tag.DeidentificationMethod),

  // Clinical trial.
  'has-no-trial-subject-reading-id': (at) => !at.has(Tag.ClinicalTrialSubjectReadingID),
  'has-no-trial-subject-id': (at) => !at.has(Tag.ClinicalTrialSubjectID),
  'has-ethics-approval-number': (at) => at.has(Tag.ClinicalTrialProtocolEthicsCommitteeApprovalNumber),
  'has-longitudinal-offset': (at) => at.has(Tag.LongitudinalTemporalOffsetFromEvent),
  'has-distribution-consent': (at) => is(at, Tag.ConsentForDistributionFlag, 'YES', 'WITHDRAWN'),

  // Equipment, device, provenance.
  'has-device-diameter': (at) => at.has(Tag.DeviceDiameter),
  'has-spacing-calibration': (at) => at.has(Tag.PixelSpacingCalibrationType),
  'has-certified-timestamp': (at) => at.has(Tag.CertifiedTimestamp),
  'defines-private-sequence': (at) => is(at, Tag.PrivateDataElementValueRepresentation, 'SQ'),
  'is-private-block-mixed': (at) => is(at, Tag.BlockIdentifyingInformationStatus, 'MIXED'),
  'is-digitized-film': (at) => is(at, Tag.ConversionType, 'DF'),
  'has-no-orientation': (at) => !hasAny(at, Tag.ImageOrientationPatient, Tag.ImageOrientationSlide),
  'is-reoriented-only': (at) => is(at, Tag.SpatialLocationsPreserved, 'REORIENTED_ONLY'),

  // Pixels.
  'has-several-samples': (at) => isAbove(at, Tag.SamplesPerPixel, 1),
  'has-several-frames': (at) => isAbove(at.root, Tag.NumberOfFrames, 1),
  'has-no-pixel-data-url': (at) => !at.has(Tag.PixelDataProviderURL),
  'has-extended-offset-table': (at) => at.has(Tag.ExtendedOffsetTable),
  'has-pixel-padding-range-limit': (at) => at.has(Tag.PixelPaddingRangeLimit),
  'is-palette-color': (at) => is(at, Tag.PhotometricInterpretation, 'PALETTE COLOR'),
  'is-monochrome2': isMonochrome2,
  'is-monochrome2-above-one-bit': (at) => isMonochrome2(at) && isAbove(at, Tag.BitsStored, 1),
  'is-in-color': (at) => !isMonochrome2(at) || at.has(Tag.PaletteColorLookupTableSequence),
  'is-lossy': (at) => is(at, Tag.LossyImageCompression, '01'),
  'is-stereo': (at) => /^STEREO [LR]$/.test(at.texts(Tag.ImageType)[2] ?? ''),
  'is-multi-frame-without-specimen': (at) =>
    at.has(Tag.NumberOfFrames) && !at.has(Tag.SpecimenDescriptionSequence),

  // Grey levels.
  'has-window-center': (at) => at.has(Tag.WindowCenter),
  'has-no-window-center': (at) => !at.has(Tag.WindowCenter),
  'has-no-voi-lut': (at) => !at.has(Tag.VOILUTSequence),
  'has-rescale-intercept': (at) => at.has(Tag.RescaleIntercept),
  'has-no-rescale-intercept': (at) => !at.has(Tag.RescaleIntercept),
  'has-no-modality-lut': (at) => !at.has(Tag.ModalityLUTSequence),
  'has-no-double-first-value': (at) => !at.has(Tag.DoubleFloatRealWorldValueFirstValueMapped),
  'has-no-double-last-value': (at) => !at.has(Tag.DoubleFloatRealWorldValueLastValueMapped),
  'has-no-first-value': (at) => !at.has(Tag.RealWorldValueFirstValueMapped),
  'has-no-last-value': (at) => !at.has(Tag.RealWorldValueLastValueMapped),
  'has-no-real-world-lut': (at) => !at.has(Tag.RealWorldValueLUTData),
  'has-no-real-world-intercept': (at) => !at.has(Tag.RealWorldValueIntercept),

  // Frames in time and in stacks.
  'is-timed': (at) => pointsAt(at, Tag.FrameTime) || pointsAt(at, Tag.FrameTimeVector),
  'is-timed-by-frame-time': (at) => pointsAt(at, Tag.FrameTime),
  'is-timed-by-vector': (at) => pointsAt(at, Tag.FrameTimeVector),
  'is-paged': (at) => pointsAt(at, Tag.PageNumberVector),
  'is-labelled-by-frame': (at) => pointsAt(at, Tag.FrameLabelVector),
  'is-angled': (at) => pointsAt(at, Tag.FramePrimaryAngleVector),
  'is-angled-twice': (at) => pointsAt(at, Tag.FrameSecondaryAngleVector),
  'is-located-by-slice': (at) => pointsAt(at, Tag.SliceLocationVector),
  'is-labelled-by-window': (at) => pointsAt(at, Tag.DisplayWindowLabelVector),
  'has-stack-id': (at) => at.has(Tag.StackID),
  'has-patient-plane': (at) => hasAny(at, Tag.ImagePositionPatient, Tag.ImageOrientationPatient),
  'has-plane-groups': (at) =>
    functionalGroupItems(at).some((item) => hasAny(item, ...planeGroups)) || undefined,

  // Dimensions and concatenations.
  'has-concatenation-uid': (at) => at.has(Tag.ConcatenationUID),
  'has-dimension-index': (at) => at.root.hasValue(Tag.DimensionIndexSequence),
  'has-private-index-pointer': (at) => isPrivatePointer(at, Tag.DimensionIndexPointer),
  'has-private-group-pointer': (at) => isPrivatePointer(at, Tag.FunctionalGroupPointer),
  'points-into-functional-group': (at) =>
    slidePositionTags.includes(at.number(Tag.DimensionIndexPointer) ?? 0) || undefined,

  // Whole slides.
  'is-volume': (at) => flavorOf(at.root) === 'VOLUME',
  'is-volume-or-thumbnail': (at) => ['VOLUME', 'THUMBNAIL'].includes(flavorOf(at.root) ?? ''),
  'is-label': (at) => flavorOf(at.root) === 'LABEL',
  'is-image-of-tissue': (at) => ['VOLUME', 'THUMBNAIL'].includes(flavorOf(at.root) ?? '') || undefined,
  'is-tiled-full': isTiledFull,
  'is-not-tiled-full': (at) => !isTiledFull(at),
  'has-tile-positions': (at) =>
    isTiledFull(at) ||
    functionalGroupItems(at).some((item) => item.has(Tag.PlanePositionSlideSequence)) ||
    undefined,
  'has-several-focal-planes': (at) =>
    isTiledFull(at) && isAbove(at.root, Tag.TotalPixelMatrixFocalPlanes, 1) ? true : undefined,
  'is-extended-depth-of-field': (at) => is(at, Tag.ExtendedDepthOfField, 'YES'),
  'has-no-illumination-color': (at) => !at.has(Tag.IlluminationColorCodeSequence),
  'has-no-illumination-wave-length': (at) => !at.has(Tag.IlluminationWaveLength),
};

const retrievalSequences = [
  Tag.DICOMRetrievalSequence,
  Tag.DICOMMediaRetrievalSequence,
  Tag.WADORetrievalSequence,
  Tag.XDSRetrievalSequence,
  Tag.WADORSRetrievalSequence,
];

const planeGroups = [Tag.PixelMeasuresSequence, Tag.PlanePositionSequence, Tag.PlaneOrientationSequence];

const slidePositionTags: readonly number[] = [
  Tag.ColumnPositionInTotalImagePixelMatrix,
  Tag.RowPositionInTotalImagePixelMatrix,
  Tag.XOffsetInSlideCoordinateSystem,
  Tag.YOffsetInSlideCoordinateSystem,
  Tag.ZOffsetInSlideCoordinateSystem,
];

/** Homo sapiens, in SNOMED CT and as SNOMED RT wrote it. */
const HUMAN_CODES = ['337915000', 'L-85B00'];

function hasAny(at: ParsedDataSet, ...tags: readonly number[]): boolean {
  return tags.some((tag) => at.has(tag));
}

function is(at: ParsedDataSet, tag: number, ...values: readonly string[]): boolean {
  return values.includes(at.text(tag) ?? '');
}

function isAbove(at: ParsedDataSet, tag: number, bound: number): boolean {
  return (at.number(tag) ?? 0) > bound;
}

function pointsAt(at: ParsedDataSet, tag: number): boolean {
  return at.root.numbers(Tag.FrameIncrementPointer).includes(tag);
}

function isMonochrome2(at: ParsedDataSet): boolean {
  return is(at.root, Tag.PhotometricInterpretation, 'MONOCHROME2');
}

function isTiledFull(at: ParsedDataSet): boolean {
  return is(at.root, Tag.DimensionOrganizationType, 'TILED_FULL');
}

/** The shared item and the first frame's, which stands for the others. */
function functionalGroupItems(at: ParsedDataSet): readonly ParsedDataSet[] {
  return [Tag.SharedFunctionalGroupsSequence, Tag.PerFrameFunctionalGroupsSequence].flatMap((tag) =>
    at.root.items(tag).slice(0, 1),
  );
}

function isPrivatePointer(at: ParsedDataSet, tag: number): boolean {
  const pointer = at.number(tag);
  return pointer !== undefined && Math.floor(pointer / 0x1_0000) % 2 === 1;
}

/** Only who says a species can be told from a human; the code may say human too. */
function isAnimal(at: ParsedDataSet): boolean | undefined {
  const species = at.item(Tag.PatientSpeciesCodeSequence);
  if (species !== undefined) return !HUMAN_CODES.includes(species.text(Tag.CodeValue) ?? '');
  return at.has(Tag.PatientSpeciesDescription) || undefined;
}

function valueTypeIs(...types: readonly string[]): Condition {
  return (at) => is(at, Tag.ValueType, ...types);
}
