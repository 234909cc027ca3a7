import type { AttributeReference } from './attributes.ts';
import { asksPresence, type OperatorName } from './operators.ts';

/**
 * The attributes whose values an explanation may show: they say what kind of object it is and which device made it,
 * never who is on it. Explanations are stored, shown in the console and may be copied into a ticket, so the list says
 * what is allowed, not what is forbidden: an attribute nobody thought of, a private one too, stays hidden. Free text
 * (descriptions, comments, labels) is not on it, for people type names there; nor are dates, numbers and UIDs of a
 * study, by which a patient can be found.
 */
const SHOWN = new Set([
  'SOPClassUID',
  'TransferSyntaxUID',
  'SpecificCharacterSet',
  'Modality',
  'ModalitiesInStudy',
  'ConversionType',
  'PresentationIntentType',
  'ImageType',
  'FrameType',
  'Manufacturer',
  'ManufacturerModelName',
  'DeviceSerialNumber',
  'SoftwareVersions',
  'StationName',
  'InstitutionName',
  'InstitutionalDepartmentName',
  'BodyPartExamined',
  'Laterality',
  'ImageLaterality',
  'ViewPosition',
  'PatientPosition',
  'PatientOrientation',
  'ScanningSequence',
  'SequenceVariant',
  'ScanOptions',
  'SliceThickness',
  'SpacingBetweenSlices',
  'KVP',
  'ConvolutionKernel',
  'PixelSpacing',
  'ImagerPixelSpacing',
  'NominalScannedPixelSpacing',
  'ImagedVolumeWidth',
  'ImagedVolumeHeight',
  'ObjectiveLensPower',
  'TotalPixelMatrixColumns',
  'TotalPixelMatrixRows',
  'DimensionOrganizationType',
  'VolumetricProperties',
  'SamplesPerPixel',
  'PhotometricInterpretation',
  'PlanarConfiguration',
  'NumberOfFrames',
  'Rows',
  'Columns',
  'BitsAllocated',
  'BitsStored',
  'HighBit',
  'PixelRepresentation',
  'BurnedInAnnotation',
  'RecognizableVisualFeatures',
  'LossyImageCompression',
  'LossyImageCompressionRatio',
  'LossyImageCompressionMethod',
  'QualityControlImage',
  'PatientIdentityRemoved',
  'SeriesNumber',
  'InstanceNumber',
  'AcquisitionNumber',
]);

const VALUES_SHOWN_MAX = 8;
const VALUE_LENGTH_MAX = 64;

/** Question and answer as an explanation may show them. */
export interface SeenValue {
  /** The operand, or `…` where the rule itself names a patient. */
  readonly operand: string;
  /** The values; for a hidden attribute `absent`, `present`, `agrees` or `differs`. */
  readonly saw: string;
}

export function seenValue(question: {
  readonly attribute: AttributeReference;
  readonly operator: OperatorName;
  readonly words: readonly string[];
  readonly values: readonly string[];
  readonly holds: boolean;
  /** For a person who has the instance at hand anyway. */
  readonly showValues: boolean;
}): SeenValue {
  const { attribute, operator, words, values, holds } = question;
  const shown = question.showValues || SHOWN.has(attribute.keyword ?? '');
  const operand = shown || asksPresence(operator) ? words.join(', ') : '…';
  if (values.length === 0) return { operand, saw: 'absent' };
  if (shown) return { operand, saw: abridge(values) };
  if (asksPresence(operator)) return { operand, saw: 'present' };
  return { operand, saw: holds ? 'agrees' : 'differs' };
}

function abridge(values: readonly string[]): string {
  const shown = values.slice(0, VALUES_SHOWN_MAX).map((value) => value.slice(0, VALUE_LENGTH_MAX));
  const more = values.length > shown.length ? `, and ${values.length - shown.length} more` : '';
  return `${shown.join('\\')}${more}`;
}
