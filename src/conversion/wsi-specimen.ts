import { createHash } from 'node:crypto';
import type { DataSet } from '../dicom/data-set.ts';
import { deterministicUid } from '../dicom/uid.ts';
import { code, copyAttributes, dataSetOf, itemsOf, type Keyword, setAttributes } from './attributes.ts';
import type { SeriesFacts } from './wsi-facts.ts';
import { OPTICAL_PATH_IDENTIFIER } from './wsi-geometry.ts';

/** Specimen C.7.6.22, as far as the source may know it. */
const CONTAINER = [
  'AlternateContainerIdentifierSequence',
  'ContainerDescription',
  'ContainerComponentSequence',
] as const satisfies readonly Keyword[];

/** Optical Path C.8.12.5, without what holds for palettes and for images of several paths. */
const OPTICAL_PATH = [
  'IlluminationTypeCodeSequence',
  'IlluminationColorCodeSequence',
  'IlluminationWaveLength',
  'IlluminatorTypeCodeSequence',
  'OpticalPathDescription',
  'LightPathFilterTypeStackCodeSequence',
  'LensesCodeSequence',
  'CondenserLensPower',
  'ObjectiveLensPower',
  'ObjectiveLensNumericalAperture',
] as const satisfies readonly Keyword[];

/** The glass, what is on it, and the light it was seen in. */
export function setSpecimenAndOpticalPath(into: DataSet, series: SeriesFacts): void {
  const { source } = series;
  const containerIdentifier = containerIdentifierOf(series);
  const barcode = source.text('BarcodeValue');
  const specimens = itemsOf(source, 'SpecimenDescriptionSequence');
  copyAttributes(source, into, CONTAINER);
  setAttributes(into, {
    ContainerIdentifier: containerIdentifier,
    IssuerOfTheContainerIdentifierSequence: itemsOf(source, 'IssuerOfTheContainerIdentifierSequence'),
    ContainerTypeCodeSequence: orDefault(itemsOf(source, 'ContainerTypeCodeSequence'), [
      code('433466003', 'SCT', 'Microscope slide'),
    ]),
    SpecimenDescriptionSequence: (specimens.length > 0 ? specimens : [dataSetOf({})]).map((specimen) =>
      describeSpecimen(specimen, containerIdentifier, series),
    ),
    NumberOfOpticalPaths: 1,
    OpticalPathSequence: [describeOpticalPath(series)],
    // Slide Label C.8.12.8: both or none.
    BarcodeValue: barcode,
    LabelText: barcode === undefined ? undefined : (source.text('LabelText') ?? ''),
  });
}

/** Barcode, else what the source calls its container, else a name made here. */
function containerIdentifierOf({ source, sourceKey, generated }: SeriesFacts): string {
  const known = source.text('BarcodeValue')?.trim() || source.text('ContainerIdentifier');
  const digest = () => createHash('sha256').update(sourceKey).digest('hex').slice(0, 12).toUpperCase();
  return generated.or('ContainerIdentifier', known?.slice(0, 64), () => `GEN-${digest()}`);
}

/** A specimen of the source with what it must have added. */
function describeSpecimen(specimen: DataSet, containerIdentifier: string, series: SeriesFacts): DataSet {
  const { generated } = series;
  const identifier = generated.or(
    'SpecimenIdentifier',
    specimen.text('SpecimenIdentifier'),
    () => containerIdentifier,
  );
  const issuers = itemsOf(specimen, 'IssuerOfTheSpecimenIdentifierSequence');
  const issuer = issuers.map(
    (item) => item.text('LocalNamespaceEntityID') ?? item.text('UniversalEntityID') ?? '',
  );
  return dataSetOf(
    {
      SpecimenIdentifier: identifier,
      // From what names the specimen, so that another scan of it has the same.
      SpecimenUID: generated.or('SpecimenUID', specimen.text('SpecimenUID'), () =>
        deterministicUid('specimen', identifier, ...issuer),
      ),
      IssuerOfTheSpecimenIdentifierSequence: issuers,
      SpecimenPreparationSequence: itemsOf(specimen, 'SpecimenPreparationSequence'),
      SpecimenTypeCodeSequence: orDefault(itemsOf(specimen, 'SpecimenTypeCodeSequence'), [
        code('1179252003', 'SCT', 'Slide'),
      ]),
    },
    specimen,
  );
}

function describeOpticalPath({ source, iccProfile, generated }: SeriesFacts): DataSet {
  const path = dataSetOf({ OpticalPathIdentifier: OPTICAL_PATH_IDENTIFIER });
  const known = source.items('OpticalPathSequence')[0];
  if (known) copyAttributes(known, path, OPTICAL_PATH);
  else generated.note('Assumed: brightfield illumination with full spectrum');
  if (!path.has('IlluminationTypeCodeSequence')) {
    setAttributes(path, {
      IlluminationTypeCodeSequence: [code('111744', 'DCM', 'Brightfield illumination')],
      OpticalPathDescription: 'Brightfield',
    });
  }
  if (!path.has('IlluminationColorCodeSequence') && !path.has('IlluminationWaveLength')) {
    setAttributes(path, { IlluminationColorCodeSequence: [code('414298005', 'SCT', 'Full Spectrum')] });
  }
  if (iccProfile) setAttributes(path, { ICCProfile: iccProfile });
  return path;
}

function orDefault(items: readonly DataSet[], make: readonly DataSet[]): readonly DataSet[] {
  return items.length > 0 ? items : make;
}
