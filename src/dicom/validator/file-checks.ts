import { formatTag } from '../dictionary.ts';
import { isStorageSopClass, MEDIA_STORAGE_DIRECTORY_UID } from '../sop-class.ts';
import { Tag } from '../tags.generated.ts';
import { checkTable } from './check.ts';
import { problemAt, shown } from './findings.ts';

const STANDARD_UID_ROOT = '1.2.840.10008.';

/** Type 1 attributes of PS3.10 Table 7.1-1; the group length is checked on its own. */
const REQUIRED_META = [
  Tag.FileMetaInformationVersion,
  Tag.MediaStorageSOPClassUID,
  Tag.MediaStorageSOPInstanceUID,
  Tag.TransferSyntaxUID,
  Tag.ImplementationClassUID,
];

/** UIDs that each name something else. */
const DISTINCT_UIDS = [
  Tag.StudyInstanceUID,
  Tag.SeriesInstanceUID,
  Tag.SOPInstanceUID,
  Tag.FrameOfReferenceUID,
  Tag.PyramidUID,
  Tag.AcquisitionUID,
];

/** What holds for every Part 10 file: its File Meta Information, and that it can be read to its end. */
export const fileChecks = checkTable({
  'file-preamble': {
    severity: 'error',
    rule: 'A file starts with 128 bytes of preamble and "DICM". PS3.10 7.1.',
    *instance({ hasPreamble }) {
      if (!hasPreamble) yield { message: 'the file has no preamble with "DICM"; it should start with them' };
    },
  },
  'file-meta-attributes': {
    severity: 'error',
    rule: 'File Meta Information has its Type 1 attributes. PS3.10 Table 7.1-1.',
    *instance({ meta, metaLengthBytes }) {
      if (metaLengthBytes === 0) yield { message: 'there is no File Meta Information; there should be' };
      else
        for (const tag of REQUIRED_META) {
          if (!meta.hasValue(tag)) yield problemAt(meta, tag, 'is missing or empty; it should have a value');
        }
    },
  },
  'file-meta-length': {
    severity: 'error',
    rule: 'File Meta Information Group Length counts the bytes behind it. PS3.10 Table 7.1-1.',
    *instance({ meta, metaLengthBytes }) {
      const tag = Tag.FileMetaInformationGroupLength;
      const said = meta.number(tag);
      if (said === metaLengthBytes || (said === undefined && metaLengthBytes === 0)) return;
      yield problemAt(meta, tag, `is ${said ?? 'missing'}; it should be ${metaLengthBytes}`);
    },
  },
  'file-meta-agrees': {
    severity: 'error',
    rule: 'SOP Class and SOP Instance UID are the same in File Meta Information and data set. PS3.10 7.1.',
    *instance({ meta, dataSet }) {
      if (meta.text(Tag.MediaStorageSOPClassUID) === MEDIA_STORAGE_DIRECTORY_UID) return;
      for (const [metaTag, tag] of [
        [Tag.MediaStorageSOPClassUID, Tag.SOPClassUID],
        [Tag.MediaStorageSOPInstanceUID, Tag.SOPInstanceUID],
      ] as const) {
        if (!meta.hasValue(metaTag) || meta.text(metaTag) === dataSet.text(tag)) continue;
        yield problemAt(meta, metaTag, `is not the same as ${formatTag(tag)} of the data set`);
      }
    },
  },
  'transfer-syntax-known': {
    severity: 'error',
    rule: 'The transfer syntax is one of PS3.6 Table A-1.',
    *instance({ meta, transferSyntax }) {
      const tag = Tag.TransferSyntaxUID;
      if (transferSyntax !== undefined || !meta.hasValue(tag)) return;
      yield problemAt(meta, tag, `is ${shown(meta.text(tag) ?? '')}, which PS3.6 does not list`);
    },
  },
  'transfer-syntax-retired': {
    severity: 'warning',
    rule: 'The transfer syntax is not retired. PS3.6 Table A-1.',
    *instance({ meta, transferSyntax }) {
      const tag = Tag.TransferSyntaxUID;
      if (transferSyntax?.retired) yield problemAt(meta, tag, `is ${transferSyntax.title}, which is retired`);
    },
  },
  'sop-class-known': {
    severity: 'warning',
    rule: 'The SOP class is a storage SOP class of PS3.6 Table A-1.',
    *instance({ meta, dataSet }) {
      const tag = Tag.SOPClassUID;
      const uid = dataSet.text(tag);
      if (
        uid === undefined ||
        isStorageSopClass(uid) ||
        meta.text(Tag.MediaStorageSOPClassUID) === MEDIA_STORAGE_DIRECTORY_UID
      )
        return;
      yield problemAt(dataSet, tag, 'is no storage SOP class of PS3.6');
    },
  },
  'data-set-readable': {
    severity: 'error',
    rule: 'The data set can be read to its end. PS3.5 7.',
    *instance({ fault }) {
      if (fault === undefined) return;
      const { tag, offset, message } = fault;
      const where = tag === undefined ? 'an element' : formatTag(tag);
      yield {
        ...(tag === undefined ? {} : { tag }),
        message: `cannot be read beyond byte ${offset}, ${where}: ${message}`,
      };
    },
  },
  'uids-distinct': {
    severity: 'error',
    rule: 'Each UID names one thing. PS3.5 9.',
    *instance({ dataSet }) {
      const seen = new Map<string, number>();
      for (const tag of DISTINCT_UIDS) {
        const uid = dataSet.text(tag);
        if (uid === undefined) continue;
        const other = seen.get(uid);
        if (other !== undefined) yield problemAt(dataSet, tag, `is the same UID as ${dataSet.pathOf(other)}`);
        seen.set(uid, tag);
      }
    },
  },
  'uids-own-root': {
    severity: 'error',
    rule: 'The UIDs of instances, series and studies are not below the root of the standard. PS3.5 9.',
    *instance({ dataSet }) {
      for (const tag of [Tag.StudyInstanceUID, Tag.SeriesInstanceUID, Tag.SOPInstanceUID]) {
        if (!dataSet.text(tag)?.startsWith(STANDARD_UID_ROOT)) continue;
        yield problemAt(dataSet, tag, `starts with ${STANDARD_UID_ROOT}; it should have a root of its own`);
      }
    },
  },
});
