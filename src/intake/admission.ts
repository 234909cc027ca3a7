/** Who may come in, and with what. Pure: titles, address and certificate in, a word and its reason out. */
import { AeTitle } from '../dicom/ae-title.ts';
import { isStorageSopClass, VERIFICATION_SOP_CLASS_UID } from '../dicom/sop-class.ts';
import { isUid } from '../dicom/uid.ts';
import { type NamedSource, type SourceCaller, UNKNOWN_SOURCE } from './sources.ts';

export interface AdmissionPolicy {
  readonly sources: readonly NamedSource[];
  /** Whether callers that no source names are admitted too. */
  readonly allowAnyCaller: boolean;
}

/** Who asks for an association. Titles are without the spaces around them. */
export interface Caller extends SourceCaller {
  readonly callingAeTitle: string;
  readonly calledAeTitle: string;
}

export type AdmissionDecision =
  | { readonly admitted: true; readonly source: string }
  | { readonly admitted: false; readonly refused: 'called-ae-title' | 'calling-ae-title' };

/** Everything that the standard defines, storage or not. */
const STANDARD_ROOT = '1.2.840.10008.';
/** Where the standard has its image storage classes, those of later editions too. */
const STORAGE_ARC = '1.2.840.10008.5.1.4.1.1.';

/** @param aeTitles titles that the input answers to */
export function decideAdmission(
  caller: Caller,
  aeTitles: readonly string[],
  policy: AdmissionPolicy,
): AdmissionDecision {
  if (!aeTitles.includes(caller.calledAeTitle)) return { admitted: false, refused: 'called-ae-title' };
  const source = sourceOf(caller, policy);
  return source === undefined ? { admitted: false, refused: 'calling-ae-title' } : { admitted: true, source };
}

/**
 * A source is who it says it is, calls from where it may and shows the certificate that it should; the first that
 * fits counts.
 *
 * @returns undefined when the caller is not admitted
 */
export function sourceOf(caller: SourceCaller, policy: AdmissionPolicy): string | undefined {
  const source = policy.sources.find((one) => one.matches(caller));
  if (source !== undefined) return source.name;
  const { callingAeTitle } = caller;
  const isWellFormed = callingAeTitle === undefined || AeTitle.safeParse(callingAeTitle).success;
  return policy.allowAnyCaller && isWellFormed ? UNKNOWN_SOURCE : undefined;
}

/** Why no source fits a caller that was not admitted: for the log, so with names of the settings and no values. */
export function describeMisfit(caller: SourceCaller, sources: readonly NamedSource[]): string {
  const nearly = sources.flatMap((source) => {
    const lacking = source.lacking(caller);
    return lacking?.length
      ? [`"${source.name}" has this AE title, and wants another ${lacking.join(' and ')}`]
      : [];
  });
  return ['No source fits', ...(nearly.length > 0 ? [nearly.join('; ')] : [])].join(': ');
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
