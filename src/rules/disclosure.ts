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
/** A list of a thousand words is not told word by word. */
const OPERAND_LENGTH_MAX = 200;

/** A question about an attribute as explanations put it, made once when the rules are loaded. */
export interface Question {
  /** `Modality in SM, GM`; `PatientID is …` where the rule itself names a patient. */
  readonly discreet: string;
  /** With the operand, whatever it is: for a person who has the instance at hand anyway. */
  readonly open: string;
  readonly attribute: AttributeReference;
  readonly asksPresence: boolean;
  readonly isShown: boolean;
}

export function questionOf(
  attribute: AttributeReference,
  operator: OperatorName,
  words: readonly string[],
): Question {
  const asked = `${attribute.name} ${operator}`;
  const operand = words.join(', ');
  const isLong = operand.length > OPERAND_LENGTH_MAX;
  const open = `${asked} ${isLong ? `${operand.slice(0, OPERAND_LENGTH_MAX)} …` : operand}`;
  const isShown = SHOWN.has(attribute.keyword ?? '');
  const presence = asksPresence(operator);
  return {
    discreet: isShown || presence ? open : `${asked} …`,
    open,
    attribute,
    asksPresence: presence,
    isShown,
  };
}

/** What was seen: the values, or for a hidden attribute `absent`, `present`, `agrees` or `differs`. */
export function answerTo(
  question: Question,
  values: readonly string[],
  options: { readonly holds: boolean; readonly showValues: boolean },
): string {
  if (values.length === 0) return 'absent';
  if (question.isShown || options.showValues) return abridge(values, question.attribute);
  if (question.asksPresence) return 'present';
  return options.holds ? 'agrees' : 'differs';
}

function abridge(values: readonly string[], { describe }: AttributeReference): string {
  const [only = ''] = values;
  if (values.length === 1 && only.length <= VALUE_LENGTH_MAX) return describe(only);
  const shown = values.slice(0, VALUES_SHOWN_MAX).map((value) => value.slice(0, VALUE_LENGTH_MAX));
  const more = values.length > shown.length ? `, and ${values.length - shown.length} more` : '';
  return `${shown.join('\\')}${more}`;
}
