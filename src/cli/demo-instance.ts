import { DataSet } from '../dicom/data-set.ts';
import { encodeDataSet } from '../dicom/element-writer.ts';
import { deterministicUid } from '../dicom/uid.ts';
import { drawTissue } from './demo-image.ts';

const VL_MICROSCOPIC = '1.2.840.10008.5.1.4.1.1.77.1.2';
const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
const ROWS = 3000;
const COLUMNS = 4000;

/** A VL Microscopic image of drawn tissue, as a camera on a microscope would send it: 0.5 µm a pixel. */
export function demoInstance() {
  const sopInstanceUid = deterministicUid('demo', 'instance');
  const dataSet = new DataSet();
  dataSet.set('ImageType', ['ORIGINAL', 'PRIMARY']);
  dataSet.set('SOPClassUID', VL_MICROSCOPIC);
  dataSet.set('SOPInstanceUID', sopInstanceUid);
  dataSet.set('StudyDate', '20260105');
  dataSet.set('ContentDate', '20260105');
  dataSet.set('StudyTime', '101500');
  dataSet.set('ContentTime', '101530');
  dataSet.set('AccessionNumber', 'DEMO1');
  dataSet.set('Modality', 'GM');
  dataSet.set('Manufacturer', 'Drawn');
  dataSet.set('ReferringPhysicianName', '');
  dataSet.set('PatientName', 'Demo^Image');
  dataSet.set('PatientID', 'DEMO');
  dataSet.set('PatientBirthDate', '');
  dataSet.set('PatientSex', '');
  dataSet.set('StudyInstanceUID', deterministicUid('demo', 'study'));
  dataSet.set('SeriesInstanceUID', deterministicUid('demo', 'series'));
  dataSet.set('StudyID', '1');
  dataSet.set('SeriesNumber', '1');
  dataSet.set('InstanceNumber', '1');
  dataSet.set('PatientOrientation', '');
  dataSet.set('SamplesPerPixel', 3);
  dataSet.set('PhotometricInterpretation', 'RGB');
  dataSet.set('PlanarConfiguration', 0);
  dataSet.set('Rows', ROWS);
  dataSet.set('Columns', COLUMNS);
  dataSet.set('PixelSpacing', ['0.0005', '0.0005']);
  dataSet.set('BitsAllocated', 8);
  dataSet.set('BitsStored', 8);
  dataSet.set('HighBit', 7);
  dataSet.set('PixelRepresentation', 0);
  dataSet.set('LossyImageCompression', '00');
  dataSet.set('AcquisitionContextSequence', []);
  dataSet.set('PixelData', drawTissue({ rows: ROWS, columns: COLUMNS }), 'OB');
  return {
    sopInstanceUid,
    sopClassUid: VL_MICROSCOPIC,
    transferSyntaxUid: EXPLICIT_LITTLE_ENDIAN,
    dataSet: encodeDataSet(dataSet, EXPLICIT_LITTLE_ENDIAN),
  };
}
