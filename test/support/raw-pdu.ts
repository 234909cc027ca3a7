/**
 * PDUs by hand, right or wrong, for peers that misbehave. Written apart from src/dimse, so that a mistake there
 * is not repeated here.
 */

export const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2';
export const VERIFICATION = '1.2.840.10008.1.1';
export const IMPLICIT_LE = '1.2.840.10008.1.2';
export const EXPLICIT_LE = '1.2.840.10008.1.2.1';
export const APPLICATION_CONTEXT = '1.2.840.10008.3.1.1.1';

/** A presentation context that is proposed. */
export interface RawContext {
  readonly id: number;
  readonly abstractSyntax: string;
  readonly transferSyntaxes: readonly string[];
}

export const CT_CONTEXT: RawContext = {
  id: 1,
  abstractSyntax: CT_IMAGE_STORAGE,
  transferSyntaxes: [EXPLICIT_LE],
};
export const ECHO_CONTEXT: RawContext = {
  id: 3,
  abstractSyntax: VERIFICATION,
  transferSyntaxes: [IMPLICIT_LE],
};

export function item(type: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const value = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  );
  const header = Buffer.from([type, 0, 0, 0]);
  header.writeUInt16BE(value.length, 2);
  return Buffer.concat([header, value]);
}

export function pdu(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  const header = Buffer.from([type, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(value.length, 2);
  return Buffer.concat([header, value]);
}

export function associateRequest(
  options: {
    readonly called?: string;
    readonly calling?: string;
    readonly contexts?: readonly RawContext[];
    readonly maxPduLength?: number | undefined;
    readonly protocolVersion?: number;
    readonly applicationContext?: string;
    readonly userItems?: readonly Buffer[];
    readonly extraItems?: readonly Buffer[];
  } = {},
): Buffer {
  const { called = 'SLIDEGATE', calling = 'RAW', contexts = [CT_CONTEXT, ECHO_CONTEXT] } = options;
  return pdu(
    1,
    Buffer.from([0, options.protocolVersion ?? 1, 0, 0]),
    Buffer.from(called.padEnd(16) + calling.padEnd(16), 'latin1'),
    Buffer.alloc(32),
    item(0x10, options.applicationContext ?? APPLICATION_CONTEXT),
    ...(options.extraItems ?? []),
    ...contexts.map((context) =>
      item(
        0x20,
        Buffer.from([context.id, 0, 0, 0]),
        item(0x30, context.abstractSyntax),
        ...context.transferSyntaxes.map((uid) => item(0x40, uid)),
      ),
    ),
    item(
      0x50,
      maximumLength('maxPduLength' in options ? options.maxPduLength : 262_144),
      item(0x52, '1.2.3'),
      ...(options.userItems ?? []),
    ),
  );
}

export function associateAccept(
  contexts: readonly { readonly id: number; readonly result?: number; readonly transferSyntax: string }[],
  maxPduLength: number | undefined = 16_384,
): Buffer {
  return pdu(
    2,
    Buffer.from([0, 1, 0, 0]),
    Buffer.alloc(64, ' '),
    item(0x10, APPLICATION_CONTEXT),
    ...contexts.map(({ id, result = 0, transferSyntax }) =>
      item(0x21, Buffer.from([id, 0, result, 0]), item(0x40, transferSyntax)),
    ),
    item(0x50, maximumLength(maxPduLength), item(0x52, '1.2.3')),
  );
}

export function associateReject(result: number, source: number, reason: number): Buffer {
  return pdu(3, Buffer.from([0, result, source, reason]));
}

export const RELEASE_REQUEST = pdu(5, Buffer.alloc(4));
export const RELEASE_RESPONSE = pdu(6, Buffer.alloc(4));

export function abort(source = 0, reason = 0): Buffer {
  return pdu(7, Buffer.from([0, 0, source, reason]));
}

/** `kind` counts: a command or data set fragment, the last or not. */
export function pdv(contextId: number, kind: 'command' | 'data', isLast: boolean, bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(6);
  header.writeUInt32BE(bytes.length + 2);
  header[4] = contextId;
  header[5] = (kind === 'command' ? 1 : 0) | (isLast ? 2 : 0);
  return Buffer.concat([header, bytes]);
}

export function pData(...pdvs: readonly Buffer[]): Buffer {
  return pdu(4, ...pdvs);
}

export type RawElement = readonly [element: number, value: number | string | Buffer];

/** A command set with its group length; numbers are US, texts are padded as UIDs are. */
export function commandSet(...elements: readonly RawElement[]): Buffer {
  const body = Buffer.concat(elements.map(([element, value]) => commandElement(element, value)));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([commandElement(0x0000, length), body]);
}

export function storeCommand(
  messageId: number,
  sopInstanceUid = `1.2.826.0.1.${messageId}`,
  overrides: { readonly sopClassUid?: string; readonly dataSetType?: number } = {},
): Buffer {
  return commandSet(
    [0x0002, overrides.sopClassUid ?? CT_IMAGE_STORAGE],
    [0x0100, 0x0001],
    [0x0110, messageId],
    [0x0700, 0],
    [0x0800, overrides.dataSetType ?? 0],
    [0x1000, sopInstanceUid],
  );
}

export function echoCommand(messageId: number): Buffer {
  return commandSet([0x0002, VERIFICATION], [0x0100, 0x0030], [0x0110, messageId], [0x0800, 0x0101]);
}

/** C-ECHO-RQ whole, on the context of {@link ECHO_CONTEXT}. */
export function echoRequest(messageId: number): Buffer {
  return pData(pdv(3, 'command', true, echoCommand(messageId)));
}

/** C-STORE-RQ whole, on the context of {@link CT_CONTEXT}: the command set, then the data set in these fragments. */
export function storeRequest(messageId: number, ...fragments: readonly Uint8Array[]): Buffer {
  return Buffer.concat([
    pData(pdv(1, 'command', true, storeCommand(messageId))),
    ...fragments.map((bytes, index) => pData(pdv(1, 'data', index === fragments.length - 1, bytes))),
  ]);
}

/** @param body of an A-ASSOCIATE-RQ, behind its header */
export function readAssociateRequest(body: Buffer): {
  readonly calledAeTitle: string;
  readonly callingAeTitle: string;
  readonly contexts: readonly RawContext[];
} {
  const title = (at: number) => body.toString('latin1', at, at + 16).trim();
  const contexts = readItems(body.subarray(68))
    .filter(({ type }) => type === 0x20)
    .map(({ value }) => {
      const syntaxes = readItems(value.subarray(4));
      const uidsOf = (wanted: number) =>
        syntaxes.filter(({ type }) => type === wanted).map((one) => one.value.toString('latin1'));
      return {
        id: value.readUInt8(0),
        abstractSyntax: uidsOf(0x30)[0] ?? '',
        transferSyntaxes: uidsOf(0x40),
      };
    });
  return { calledAeTitle: title(4), callingAeTitle: title(20), contexts };
}

function readItems(bytes: Buffer): { readonly type: number; readonly value: Buffer }[] {
  const items: { type: number; value: Buffer }[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    items.push({ type: bytes.readUInt8(at), value: bytes.subarray(at + 4, end) });
    at = end;
  }
  return items;
}

export interface RawPdv {
  readonly contextId: number;
  readonly isCommand: boolean;
  readonly isLast: boolean;
  readonly bytes: Buffer;
}

/** @param body of a P-DATA-TF, behind its header */
export function readPdvs(body: Buffer): RawPdv[] {
  const pdvs: RawPdv[] = [];
  for (let at = 0; at + 6 <= body.length; ) {
    const end = at + 4 + body.readUInt32BE(at);
    const control = body.readUInt8(at + 5);
    pdvs.push({
      contextId: body.readUInt8(at + 4),
      isCommand: (control & 1) !== 0,
      isLast: (control & 2) !== 0,
      bytes: body.subarray(at + 6, end),
    });
    at = end;
  }
  return pdvs;
}

export function readCommandSet(bytes: Buffer): Map<number, Buffer> {
  const elements = new Map<number, Buffer>();
  for (let at = 0; at + 8 <= bytes.length; ) {
    const end = at + 8 + bytes.readUInt32LE(at + 4);
    elements.set(bytes.readUInt16LE(at + 2), bytes.subarray(at + 8, end));
    at = end;
  }
  return elements;
}

function commandElement(element: number, value: number | string | Buffer): Buffer {
  let bytes: Buffer;
  if (typeof value === 'number') {
    bytes = Buffer.alloc(2);
    bytes.writeUInt16LE(value);
  } else
    bytes =
      typeof value === 'string' ? Buffer.from(value.length % 2 ? `${value}\0` : value, 'latin1') : value;
  const header = Buffer.alloc(8);
  header.writeUInt16LE(element, 2);
  header.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

function maximumLength(bytes: number | undefined): Buffer {
  if (bytes === undefined) return Buffer.alloc(0);
  const value = Buffer.alloc(4);
  value.writeUInt32BE(bytes);
  return item(0x51, value);
}
