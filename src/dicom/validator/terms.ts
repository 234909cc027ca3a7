import type { Tag } from '../tags.generated.ts';
import { WSI_SOP_CLASS_UID } from './wsi-flavor.ts';

/** Terms of one attribute; in the IODs named, at the top level, or else wherever it stands. */
interface Terms {
  readonly keyword: keyof typeof Tag;
  readonly terms: readonly string[];
  readonly iods?: readonly string[];
  /** What stands in its place may tell of a patient, so it is not shown. */
  readonly isPrivate?: boolean;
}

export type TermTable = readonly Terms[];

const WSI = [WSI_SOP_CLASS_UID];
const GRAY_MULTI_FRAME_SC = ['1.2.840.10008.5.1.4.1.1.7.2', '1.2.840.10008.5.1.4.1.1.7.3'];
const VL_MICROSCOPIC = '1.2.840.10008.5.1.4.1.1.77.1.2';
const VL_SLIDE_COORDINATES = '1.2.840.10008.5.1.4.1.1.77.1.3';
const VL_PHOTOGRAPHIC = '1.2.840.10008.5.1.4.1.1.77.1.4';

const YES_NO = ['YES', 'NO'];

/** Enumerated values: there are no others. */
export const enumeratedValues: TermTable = [
  { keyword: 'PatientSex', terms: ['M', 'F', 'O'], isPrivate: true },
  { keyword: 'PatientIdentityRemoved', terms: YES_NO },
  { keyword: 'BurnedInAnnotation', terms: YES_NO },
  { keyword: 'LossyImageCompression', terms: ['00', '01'] },
  { keyword: 'PlanarConfiguration', terms: ['0', '1'] },
  { keyword: 'PixelRepresentation', terms: ['0', '1'] },
  { keyword: 'Laterality', terms: ['R', 'L'] },
  { keyword: 'ImageLaterality', terms: ['R', 'L', 'U', 'B'] },
  { keyword: 'Modality', terms: ['SM'], iods: [...WSI, VL_SLIDE_COORDINATES] },
  { keyword: 'Modality', terms: ['GM'], iods: [VL_MICROSCOPIC] },
  { keyword: 'Modality', terms: ['XC'], iods: [VL_PHOTOGRAPHIC] },
  { keyword: 'PositionReferenceIndicator', terms: ['SLIDE_CORNER'], iods: [...WSI, VL_SLIDE_COORDINATES] },
  { keyword: 'VolumetricProperties', terms: ['VOLUME'], iods: WSI },
  { keyword: 'SpecimenLabelInImage', terms: YES_NO, iods: WSI },
  { keyword: 'FocusMethod', terms: ['AUTO', 'MANUAL'], iods: WSI },
  { keyword: 'ExtendedDepthOfField', terms: YES_NO, iods: WSI },
  {
    keyword: 'PhotometricInterpretation',
    terms: ['MONOCHROME2', 'RGB', 'YBR_FULL_422', 'YBR_ICT', 'YBR_RCT', 'XYB'],
    iods: WSI,
  },
  { keyword: 'PresentationLUTShape', terms: ['IDENTITY'], iods: [...WSI, ...GRAY_MULTI_FRAME_SC] },
  { keyword: 'RescaleIntercept', terms: ['0'], iods: [...WSI, ...GRAY_MULTI_FRAME_SC] },
  { keyword: 'RescaleSlope', terms: ['1'], iods: [...WSI, ...GRAY_MULTI_FRAME_SC] },
  { keyword: 'DimensionOrganizationType', terms: ['TILED_FULL', 'TILED_SPARSE'], iods: WSI },
];

/** Defined terms: there may be others, which few will understand. */
export const definedTerms: TermTable = [
  {
    keyword: 'PhotometricInterpretation',
    terms: [
      'MONOCHROME1',
      'MONOCHROME2',
      'PALETTE COLOR',
      'RGB',
      'YBR_FULL',
      'YBR_FULL_422',
      'YBR_PARTIAL_420',
      'YBR_ICT',
      'YBR_RCT',
      'XYB',
    ],
  },
  {
    keyword: 'LossyImageCompressionMethod',
    terms: [
      'ISO_10918_1',
      'ISO_14495_1',
      'ISO_15444_1',
      'ISO_15444_15',
      'ISO_18181_1',
      'ISO_13818_2',
      'ISO_14496_10',
      'ISO_23008_2',
    ],
  },
  { keyword: 'ConversionType', terms: ['DV', 'DI', 'DF', 'WSD', 'SD', 'SI', 'DRW', 'SYN'] },
];
