/** What to propose to a destination, from what waits for it. Pure. PS3.8 9.3.2.2. */
import { VERIFICATION_SOP_CLASS_UID } from '../dicom/sop-class.ts';
import { EXPLICIT_LE, IMPLICIT_LE, transferSyntaxOf } from '../dicom/transfer-syntax.ts';
import type { RequestedContext } from '../dimse/service-user.ts';

/** What one instance needs to be sent as it is. */
export interface Need {
  readonly sopClassUid: string;
  readonly transferSyntaxUid: string;
}

/** Presentation context ids are the odd numbers to 255. */
const CONTEXTS_MAX = 128;

/**
 * Contexts for everything needed, the latest needs first where there are too many: one for each SOP class and
 * transfer syntax, so that what the peer takes of each is told apart, and a standing one for C-ECHO.
 *
 * Both Little Endian VR encodings are always proposed: one can be made from the other, and of an encapsulated
 * instance the operator learns what the peer would take instead.
 */
export function planContexts(needs: readonly Need[]): readonly RequestedContext[] {
  const contexts = new Map<string, RequestedContext>();
  const propose = (sopClassUid: string, transferSyntaxUid: string) => {
    if (contexts.size >= CONTEXTS_MAX - 1) return;
    contexts.set(keyOf({ sopClassUid, transferSyntaxUid }), {
      abstractSyntaxUid: sopClassUid,
      transferSyntaxUids: [transferSyntaxUid],
    });
  };
  for (const { sopClassUid, transferSyntaxUid } of needs) propose(sopClassUid, transferSyntaxUid);
  for (const { sopClassUid } of needs) {
    propose(sopClassUid, EXPLICIT_LE);
    propose(sopClassUid, IMPLICIT_LE);
  }
  const echo = { abstractSyntaxUid: VERIFICATION_SOP_CLASS_UID, transferSyntaxUids: [IMPLICIT_LE] };
  return [...contexts.values(), echo];
}

/** How an instance can be sent, given what the peer accepted for its SOP class; undefined where it cannot. */
export function chooseTransferSyntax(
  { transferSyntaxUid }: Need,
  accepted: readonly string[],
): string | undefined {
  if (accepted.includes(transferSyntaxUid)) return transferSyntaxUid;
  const other = otherVrEncoding(transferSyntaxUid);
  return other !== undefined && accepted.includes(other) ? other : undefined;
}

export function keyOf({ sopClassUid, transferSyntaxUid }: Need): string {
  return `${sopClassUid} ${transferSyntaxUid}`;
}

/** As it is written for people: the name that settings use, and the UID. */
export function describeTransferSyntax(uid: string): string {
  const name = transferSyntaxOf(uid)?.name;
  return name ? `${name} (${uid})` : uid;
}

function otherVrEncoding(transferSyntaxUid: string): string | undefined {
  if (transferSyntaxUid === IMPLICIT_LE) return EXPLICIT_LE;
  return transferSyntaxUid === EXPLICIT_LE ? IMPLICIT_LE : undefined;
}
