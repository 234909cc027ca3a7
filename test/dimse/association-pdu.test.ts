import test from 'ava';
import fc from 'fast-check';
import {
  decodeAbort,
  decodeAssociateAccept,
  decodeAssociateReject,
  decodeAssociateRequest,
  encodeAbort,
  encodeAssociateAccept,
  encodeAssociateReject,
  encodeAssociateRequest,
  encodeReleaseRequest,
  encodeReleaseResponse,
  encodeTitleFields,
} from '../../src/dimse/association-pdu.ts';
import { PduFormatError } from '../../src/dimse/errors.ts';
import type { UserInformation } from '../../src/dimse/pdu.ts';
import { encodeUserInformation } from '../../src/dimse/user-information.ts';
import {
  abort,
  associateAccept,
  associateRequest,
  CT_IMAGE_STORAGE,
  EXPLICIT_LE,
  IMPLICIT_LE,
  item,
  RELEASE_REQUEST,
  RELEASE_RESPONSE,
} from '../support/raw-pdu.ts';

const body = (pdu: Buffer) => pdu.subarray(6);

const uid = fc.stringMatching(/^[1-9](\.[1-9][0-9]{0,5}){1,8}$/);
const aeTitle = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,15}$/);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const userInformation: fc.Arbitrary<UserInformation> = fc
  .record({
    maxPduLengthBytes: optional(fc.nat(0xffff_ffff)),
    implementationClassUid: optional(uid),
    implementationVersionName: optional(aeTitle),
    asynchronousOperationsWindow: optional(fc.record({ invoked: fc.nat(0xffff), performed: fc.nat(0xffff) })),
    roleSelections: fc.array(fc.record({ sopClassUid: uid, scu: fc.boolean(), scp: fc.boolean() }), {
      maxLength: 4,
    }),
    userIdentity: optional(
      fc.oneof(
        fc.record({ type: fc.constantFrom(3, 4, 5), positiveResponseRequested: fc.boolean() }),
        fc.record({
          type: fc.constantFrom(1, 2),
          positiveResponseRequested: fc.boolean(),
          username: fc.string({ unit: 'grapheme', maxLength: 40 }),
        }),
      ),
    ),
    userIdentityAcknowledged: optional(fc.constant(true)),
  })
  .map((information) => stripUndefined(information) as UserInformation);

function stripUndefined(record: object): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}

test('A-ASSOCIATE-RQ is read as it was written', (t) => {
  fc.assert(
    fc.property(
      fc.record({
        protocolVersion: fc.nat(0xffff),
        calledAeTitle: aeTitle,
        callingAeTitle: aeTitle,
        applicationContextName: uid,
        presentationContexts: fc.array(
          fc.record({
            id: fc.nat(255),
            abstractSyntaxUid: uid,
            transferSyntaxUids: fc.array(uid, { maxLength: 5 }),
          }),
          { maxLength: 12 },
        ),
        userInformation,
      }),
      (fields) => {
        const titleFields = encodeTitleFields(fields.calledAeTitle, fields.callingAeTitle);

        const decoded = decodeAssociateRequest(body(encodeAssociateRequest({ ...fields, titleFields })));

        t.deepEqual(
          { ...decoded, titleFields: Buffer.from(decoded.titleFields) },
          { ...fields, titleFields: Buffer.from(titleFields) },
        );
      },
    ),
  );
  t.pass();
});

test('A-ASSOCIATE-AC is read as it was written', (t) => {
  fc.assert(
    fc.property(
      fc.record({
        protocolVersion: fc.nat(0xffff),
        applicationContextName: uid,
        presentationContexts: fc.array(
          fc.record({ id: fc.nat(255), result: fc.nat(255), transferSyntaxUid: uid }),
          { maxLength: 12 },
        ),
        userInformation,
      }),
      (fields) => {
        const titleFields = encodeTitleFields('CALLED', 'CALLING');

        const decoded = decodeAssociateAccept(body(encodeAssociateAccept({ ...fields, titleFields })));

        t.deepEqual(
          { ...decoded, titleFields: Buffer.from(decoded.titleFields) },
          { ...fields, titleFields: Buffer.from(titleFields) },
        );
      },
    ),
  );
  t.pass();
});

test('A-ASSOCIATE-RQ written by hand is read', (t) => {
  const request = decodeAssociateRequest(
    body(
      associateRequest({
        called: ' GATEWAY',
        calling: 'CT 1',
        maxPduLength: 0,
        userItems: [
          item(0x54, Buffer.from([0, 5]), '1.2.3', Buffer.from([1, 0])),
          item(0x56, Buffer.from([0, 5]), '1.2.3', Buffer.from([2])), // Extended negotiation: passed over.
          item(0x58, Buffer.from([2, 1, 0, 4]), 'user', Buffer.from([0, 6]), 'secret'),
        ],
        extraItems: [item(0x77, Buffer.from([1, 2, 3]))],
      }),
    ),
  );

  t.is(request.calledAeTitle, 'GATEWAY');
  t.is(request.callingAeTitle, 'CT 1');
  t.deepEqual(request.presentationContexts[0], {
    id: 1,
    abstractSyntaxUid: CT_IMAGE_STORAGE,
    transferSyntaxUids: [EXPLICIT_LE],
  });
  t.deepEqual(request.userInformation, {
    maxPduLengthBytes: 0,
    implementationClassUid: '1.2.3',
    roleSelections: [{ sopClassUid: '1.2.3', scu: true, scp: false }],
    userIdentity: { type: 2, positiveResponseRequested: true, username: 'user' },
  });
});

test('of a user identity the passcode, ticket, assertion and token are not kept', (t) => {
  for (const [type, primary, secondary] of [
    [2, 'user', 'secret'],
    [3, 'secret', ''],
    [4, 'secret', ''],
    [5, 'secret', ''],
  ] as const) {
    const lengths = [primary, secondary].map((text) => Buffer.from([0, text.length]));
    const identity = item(0x58, Buffer.from([type, 1]), lengths[0]!, primary, lengths[1]!, secondary);
    const request = decodeAssociateRequest(body(associateRequest({ userItems: [identity] })));
    t.is(request.userInformation.userIdentity?.type, type);
    t.false(JSON.stringify(request).includes('secret'));
  }
});

test('a request with a username and a passcode is written as PS3.7 Table D.3-14 has it', (t) => {
  const userIdentity = { type: 2, positiveResponseRequested: true, username: 'jürgen', passcode: 'pass' };
  const pdu = encodeUserInformation({ roleSelections: [], userIdentity });
  const fields = ['0201', '0007', '6ac3bc7267656e', '0004', '70617373'];
  t.is(pdu.toString('hex'), ['50000015', '58000011', ...fields].join(''));
});

test('a user identity that is longer than its item is refused', (t) => {
  const identity = item(0x58, Buffer.from([1, 0, 0, 9]), 'user');
  t.throws(() => decodeAssociateRequest(body(associateRequest({ userItems: [identity] }))), {
    instanceOf: PduFormatError,
  });
});

test('A-ASSOCIATE-AC written by hand is read', (t) => {
  const accept = decodeAssociateAccept(
    body(
      associateAccept(
        [
          { id: 1, transferSyntax: EXPLICIT_LE },
          { id: 3, result: 3, transferSyntax: IMPLICIT_LE },
        ],
        131_072,
      ),
    ),
  );
  t.is(accept.userInformation.maxPduLengthBytes, 131_072);
  t.deepEqual(
    accept.presentationContexts.map(({ id, result }) => [id, result]),
    [
      [1, 0],
      [3, 3],
    ],
  );
});

test('UIDs that a peer pads with NUL or space are read without', (t) => {
  const padded = { id: 1, abstractSyntax: `${CT_IMAGE_STORAGE}\0`, transferSyntaxes: [`${EXPLICIT_LE} `] };
  const request = decodeAssociateRequest(body(associateRequest({ contexts: [padded] })));
  t.is(request.presentationContexts[0]?.abstractSyntaxUid, CT_IMAGE_STORAGE);
  t.deepEqual(request.presentationContexts[0]?.transferSyntaxUids, [EXPLICIT_LE]);
});

test('no more than one presentation context beyond the limit is read', (t) => {
  const contexts = Array.from({ length: 5000 }, () => ({
    id: 1,
    abstractSyntax: '1.2',
    transferSyntaxes: [],
  }));
  const request = decodeAssociateRequest(body(associateRequest({ contexts })));
  t.is(request.presentationContexts.length, 129);
});

test('association PDUs cut off anywhere are read or refused with PduFormatError, never else', (t) => {
  const pdus = [
    [associateRequest(), decodeAssociateRequest],
    [associateAccept([{ id: 1, transferSyntax: EXPLICIT_LE }]), decodeAssociateAccept],
  ] as const;
  for (const [pdu, decode] of pdus) {
    for (let length = 6; length < pdu.length; length += 1) {
      try {
        decode(pdu.subarray(6, length));
      } catch (error) {
        t.true(error instanceof PduFormatError, `${error}`);
      }
    }
  }
  t.pass();
});

test('random bytes are read or refused with PduFormatError, never else', (t) => {
  const start = associateRequest({ contexts: [] }).subarray(6, 74);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, hasStart) => {
      const body = hasStart ? Buffer.concat([start, bytes]) : Buffer.from(bytes);
      for (const decode of [
        decodeAssociateRequest,
        decodeAssociateAccept,
        decodeAssociateReject,
        decodeAbort,
      ]) {
        try {
          decode(body);
        } catch (error) {
          t.true(error instanceof PduFormatError, `${error}`);
        }
      }
    }),
  );
  t.pass();
});

test('A-ASSOCIATE-RJ and A-ABORT are read as they were written', (t) => {
  const rejection = { result: 2, source: 3, reason: 2 };
  t.deepEqual(decodeAssociateReject(body(encodeAssociateReject(rejection))), rejection);
  t.deepEqual(encodeAssociateReject(rejection), Buffer.from([3, 0, 0, 0, 0, 4, 0, 2, 3, 2]));
  t.deepEqual(decodeAbort(body(encodeAbort({ source: 2, reason: 6 }))), { source: 2, reason: 6 });
  t.deepEqual(encodeAbort({ source: 2, reason: 6 }), abort(2, 6));
});

test('A-RELEASE-RQ and -RP are those of the standard', (t) => {
  t.deepEqual(encodeReleaseRequest(), RELEASE_REQUEST);
  t.deepEqual(encodeReleaseResponse(), RELEASE_RESPONSE);
});
