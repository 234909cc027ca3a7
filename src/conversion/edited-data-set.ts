import { type DataSet, readDataSet } from '../dicom/data-set.ts';
import { type AttributeEdit, applyEdits } from '../dicom/edits.ts';
import type { HeaderIndex } from '../dicom/header-index.ts';
import { Tag } from '../dicom/tags.generated.ts';

/**
 * All attributes up to Pixel Data, with edits made as they would be at delivery.
 *
 * @param head bytes of the file up to Pixel Data, or further
 * @throws {DataSetError} when the header cannot be read
 * @throws {EditError} when an edit cannot be made
 */
export function editedDataSet(
  head: Uint8Array,
  index: HeaderIndex,
  edits: readonly AttributeEdit[],
): DataSet {
  const { transferSyntaxUid, dataSetOffset } = index;
  const options = { transferSyntaxUid, stopBefore: Tag.FloatPixelData };
  if (edits.length === 0) return readDataSet(head, { ...options, offset: dataSetOffset }).dataSet;
  const { prefix, restOffset } = applyEdits(index, head, edits);
  return readDataSet(Buffer.concat([prefix, head.subarray(restOffset)]), options).dataSet;
}
