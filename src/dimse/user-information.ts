import { encodeItem, encodeTextItem, readItems, readText, requireBytes } from './items.ts';
import { ITEM, type RoleSelection, type UserIdentity, type UserInformation } from './pdu.ts';

/** User identity types whose primary field is a name, not a secret. */
const TYPES_WITH_USERNAME = [1, 2];

/**
 * Reads the sub-items of a User Information item; those we do not know are passed over.
 *
 * @throws {PduFormatError}
 * @see PS3.7 D.3.3
 */
export function decodeUserInformation(bytes: Buffer): UserInformation {
  const information: { -readonly [Field in keyof UserInformation]: UserInformation[Field] } = {
    roleSelections: [],
  };
  const roleSelections: RoleSelection[] = [];
  for (const { type, value } of readItems(bytes)) {
    switch (type) {
      case ITEM.maximumLength:
        information.maxPduLengthBytes = requireBytes(value, 4, 'Maximum Length').readUInt32BE(0);
        break;
      case ITEM.implementationClassUid:
        information.implementationClassUid = readText(value);
        break;
      case ITEM.implementationVersionName:
        information.implementationVersionName = readText(value);
        break;
      case ITEM.asynchronousOperationsWindow:
        requireBytes(value, 4, 'Asynchronous Operations Window');
        information.asynchronousOperationsWindow = {
          invoked: value.readUInt16BE(0),
          performed: value.readUInt16BE(2),
        };
        break;
      case ITEM.roleSelection:
        roleSelections.push(decodeRoleSelection(value));
        break;
      case ITEM.userIdentity:
        information.userIdentity = decodeUserIdentity(value);
        break;
      case ITEM.userIdentityResponse:
        information.userIdentityAcknowledged = true;
        break;
      default: // Extended negotiation and what later editions add: not negotiated means the defaults.
    }
  }
  return { ...information, roleSelections };
}

export function encodeUserInformation(information: UserInformation): Buffer {
  const { maxPduLengthBytes, implementationClassUid, implementationVersionName } = information;
  const { asynchronousOperationsWindow, roleSelections, userIdentity, userIdentityAcknowledged } =
    information;
  const parts: Buffer[] = [];
  if (maxPduLengthBytes !== undefined) {
    const value = Buffer.alloc(4);
    value.writeUInt32BE(maxPduLengthBytes);
    parts.push(encodeItem(ITEM.maximumLength, value));
  }
  if (implementationClassUid !== undefined) {
    parts.push(encodeTextItem(ITEM.implementationClassUid, implementationClassUid));
  }
  if (asynchronousOperationsWindow !== undefined) {
    const value = Buffer.alloc(4);
    value.writeUInt16BE(asynchronousOperationsWindow.invoked, 0);
    value.writeUInt16BE(asynchronousOperationsWindow.performed, 2);
    parts.push(encodeItem(ITEM.asynchronousOperationsWindow, value));
  }
  for (const role of roleSelections) parts.push(encodeRoleSelection(role));
  if (implementationVersionName !== undefined) {
    parts.push(encodeTextItem(ITEM.implementationVersionName, implementationVersionName));
  }
  if (userIdentity !== undefined) parts.push(encodeUserIdentity(userIdentity));
  // Acknowledged without a response of the server: those are tickets and tokens of services that we have none of.
  if (userIdentityAcknowledged) parts.push(encodeItem(ITEM.userIdentityResponse, Uint8Array.of(0, 0)));
  return encodeItem(ITEM.userInformation, ...parts);
}

function decodeRoleSelection(value: Buffer): RoleSelection {
  const uidEnd = 2 + requireBytes(value, 4, 'Role Selection').readUInt16BE(0);
  requireBytes(value, uidEnd + 2, 'Role Selection');
  return {
    sopClassUid: readText(value.subarray(2, uidEnd)),
    scu: value[uidEnd] === 1,
    scp: value[uidEnd + 1] === 1,
  };
}

function encodeRoleSelection(role: RoleSelection): Buffer {
  const uid = Buffer.from(role.sopClassUid, 'latin1');
  const uidLength = Buffer.alloc(2);
  uidLength.writeUInt16BE(uid.length);
  return encodeItem(ITEM.roleSelection, uidLength, uid, Uint8Array.of(role.scu ? 1 : 0, role.scp ? 1 : 0));
}

/** The passcode, ticket, assertion or token is passed over. PS3.7 Table D.3-14. */
function decodeUserIdentity(value: Buffer): UserIdentity {
  const primaryEnd = 4 + requireBytes(value, 4, 'User Identity').readUInt16BE(2);
  requireBytes(value, primaryEnd, 'User Identity');
  const type = value.readUInt8(0);
  const positiveResponseRequested = value[1] === 1;
  if (!TYPES_WITH_USERNAME.includes(type)) return { type, positiveResponseRequested };
  return { type, positiveResponseRequested, username: value.toString('utf8', 4, primaryEnd) };
}

function encodeUserIdentity(identity: UserIdentity): Buffer {
  const { type, positiveResponseRequested, username = '', passcode = '' } = identity;
  const head = Uint8Array.of(type, positiveResponseRequested ? 1 : 0);
  return encodeItem(ITEM.userIdentity, head, encodeField(username), encodeField(passcode));
}

/** A field with its length in front. */
function encodeField(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
