import { GatewayError } from '../errors.ts';
import { formatTag } from './tag.ts';

/** A tag path that names no attribute, or is not one at all. Written by whoever wrote the rule. */
export class TagPathError extends GatewayError {
  override readonly code = 'TAG_PATH_INVALID';
  override readonly disposition = 'hold';
}

/** Bytes that are not the start of a DICOM file. PS3.10 7. */
export class Part10Error extends GatewayError {
  override readonly code = 'PART10_INVALID';
  override readonly disposition = 'hold';
}

/** A data set that cannot be read on. PS3.5 7. */
export class DataSetError extends GatewayError {
  override readonly code = 'DATA_SET_INVALID';
  override readonly disposition = 'hold';
  /** The element at which reading ended. */
  readonly tag: number;
  /** Where that element starts: bytes from the start of what was read. */
  readonly offset: number;

  constructor(
    message: string,
    at: { readonly tag: number; readonly offset: number },
    options?: ErrorOptions,
  ) {
    super(message, { tag: formatTag(at.tag), offset: at.offset }, options);
    this.tag = at.tag;
    this.offset = at.offset;
  }
}

/** A value that its VR cannot hold, or that the character set of the data set cannot write. */
export class ValueError extends GatewayError {
  override readonly code = 'VALUE_INVALID';
  override readonly disposition = 'hold';
}

/** Encapsulated Pixel Data whose items do not make up the frames they should. PS3.5 A.4. */
export class EncapsulationError extends GatewayError {
  override readonly code = 'ENCAPSULATION_INVALID';
  override readonly disposition = 'hold';
}

/** Edits that may not or cannot be made to this data set. */
export class EditError extends GatewayError {
  override readonly code = 'EDIT_REFUSED';
  override readonly disposition = 'hold';
}

/** A data set that cannot be rewritten in the other VR encoding. */
export class VrEncodingError extends GatewayError {
  override readonly code = 'VR_ENCODING_REFUSED';
  override readonly disposition = 'hold';
}

/** A stored header index that is damaged or of another version: it can be made anew from the file. */
export class HeaderIndexError extends GatewayError {
  override readonly code = 'HEADER_INDEX_INVALID';
  override readonly disposition = 'hold';
}
