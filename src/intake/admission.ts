/** Who may come in, and with what. Pure: titles and an address in, a word and its reason out. */
import { AeTitle } from '../dicom/ae-title.ts';
import { isStorageSopClass } from '../dicom/sop-class.ts';
import { isUid } from '../dicom/uid.ts';
import { type NamedSource, UNKNOWN_SOURCE } from './sources.ts';

export interface AdmissionPolicy {
  /** Titles that the gateway answers to. */
  readonly aeTitles: readonly string[];
  readonly sources: readonly NamedSource[];
  /** Whether callers that no source names are admitted too. */
  readonly allowAnyCaller: boolean;
}

/** Titles without the spaces around them. */
export interface Caller {
  readonly callingAeTitle: string;
  readonly calledAeTitle: string;
  readonly peerAddress: string;
}

export type AdmissionDecision =
  | { readonly admitted: true; readonly source: string }
  | { readonly admitted: false; readonly refused: 'called-ae-title' | 'calling-ae-title' };

const VERIFICATION_SOP_CLASS_UID = '1.2.840.10008.1.1';
/** Everything that the standard defines, storage or not. */
const STANDARD_ROOT = '1.2.840.10008.';
/** Where the standard has its image storage classes, those of later editions too. */
const STORAGE_ARC = '1.2.840.10008.5.1.4.1.1.';

/** A source is who it says it is, calling from where it may; the first that fits counts. */
export function decideAdmission(caller: Caller, policy: AdmissionPolicy): AdmissionDecision {
  if (!policy.aeTitles.includes(caller.calledAeTitle)) return { admitted: false, refused: 'called-ae-title' };
  const source = policy.sources.find(
    ({ aeTitle, matchesHost }) => aeTitle === caller.callingAeTitle && matchesHost(caller.peerAddress),
  );
  if (source !== undefined) return { admitted: true, source: source.name };
  const isAdmitted = policy.allowAnyCaller && AeTitle.safeParse(caller.callingAeTitle).success;
  return isAdmitted
    ? { admitted: true, source: UNKNOWN_SOURCE }
    : { admitted: false, refused: 'calling-ae-title' };
}

/**
 * Whether instances of a class may be sent here. Classes of other services of the standard never may: a peer has
 * to learn that they are not provided.
 */
export function acceptsSopClass(uid: string, options: { readonly acceptUnknown: boolean }): boolean {
  if (uid === VERIFICATION_SOP_CLASS_UID || isStorageSopClass(uid)) return true;
  if (!options.acceptUnknown || !isUid(uid)) return false;
  return !uid.startsWith(STANDARD_ROOT) || uid.startsWith(STORAGE_ARC);
}
