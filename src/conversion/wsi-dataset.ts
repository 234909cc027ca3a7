import { DataSet } from '../dicom/data-set.ts';
import { setCharacterSet } from './attributes.ts';
import type { InstanceFacts, SeriesFacts } from './wsi-facts.ts';
import { setGeometry } from './wsi-geometry.ts';
import { setImage } from './wsi-image.ts';
import { setPatientAndStudy } from './wsi-patient-study.ts';
import { setProvenance } from './wsi-provenance.ts';
import { setContributingEquipment, setSeriesAndEquipment } from './wsi-series-equipment.ts';
import { setSpecimenAndOpticalPath } from './wsi-specimen.ts';

/** The modules of VL Whole Slide Microscopy Image, by who fills them. PS3.3 A.32.8.3. */
const MODULES: readonly ((into: DataSet, series: SeriesFacts, instance: InstanceFacts) => void)[] = [
  setPatientAndStudy,
  setSeriesAndEquipment,
  setImage,
  setGeometry,
  setSpecimenAndOpticalPath,
  setProvenance,
  setContributingEquipment, // Says what the others had to make up.
];

/** All attributes of one instance but Pixel Data and its offset tables. */
export function wsiDataSet(series: SeriesFacts, instance: InstanceFacts): DataSet {
  const dataSet = new DataSet();
  for (const set of MODULES) set(dataSet, series, instance);
  setCharacterSet(dataSet);
  return dataSet;
}
