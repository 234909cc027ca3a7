import { SopClass, sopClassFacts } from './uids.generated.ts';

/** A storage SOP class. PS3.4 B.5, PS3.6 Table A-1. */
export interface StorageSopClass {
  readonly uid: string;
  readonly keyword: string;
  readonly name: string;
  readonly retired: boolean;
}

/** Every storage SOP class of the standard, current ones first. */
export const storageSopClasses: readonly StorageSopClass[] = sopClassFacts.map(
  ([keyword, name, retired]) => ({
    uid: SopClass[keyword],
    keyword,
    name,
    retired,
  }),
);

export const VERIFICATION_SOP_CLASS_UID = '1.2.840.10008.1.1';
export const MEDIA_STORAGE_DIRECTORY_UID = '1.2.840.10008.1.3.10';

/** SOP classes of other services that turn up in logs and on associations. */
const otherNames: Readonly<Record<string, string>> = {
  [VERIFICATION_SOP_CLASS_UID]: 'Verification SOP Class',
  [MEDIA_STORAGE_DIRECTORY_UID]: 'Media Storage Directory Storage',
  '1.2.840.10008.1.20.1': 'Storage Commitment Push Model SOP Class',
  '1.2.840.10008.3.1.2.3.3': 'Modality Performed Procedure Step SOP Class',
  '1.2.840.10008.5.1.4.1.2.1.1': 'Patient Root Query/Retrieve Information Model - FIND',
  '1.2.840.10008.5.1.4.1.2.1.2': 'Patient Root Query/Retrieve Information Model - MOVE',
  '1.2.840.10008.5.1.4.1.2.1.3': 'Patient Root Query/Retrieve Information Model - GET',
  '1.2.840.10008.5.1.4.1.2.2.1': 'Study Root Query/Retrieve Information Model - FIND',
  '1.2.840.10008.5.1.4.1.2.2.2': 'Study Root Query/Retrieve Information Model - MOVE',
  '1.2.840.10008.5.1.4.1.2.2.3': 'Study Root Query/Retrieve Information Model - GET',
  '1.2.840.10008.5.1.4.31': 'Modality Worklist Information Model - FIND',
};

const byUid = new Map(storageSopClasses.map((sopClass) => [sopClass.uid, sopClass]));

export function isStorageSopClass(uid: string): boolean {
  return byUid.has(uid);
}

/** Name of the standard, or the UID itself where it is not one we know. */
export function sopClassName(uid: string): string {
  return byUid.get(uid)?.name ?? otherNames[uid] ?? uid;
}

/** @returns the UID of a storage SOP class by its keyword, such as `CTImageStorage` */
export function storageSopClassUid(keyword: string): string | undefined {
  return Object.hasOwn(SopClass, keyword) ? SopClass[keyword as keyof typeof SopClass] : undefined;
}
