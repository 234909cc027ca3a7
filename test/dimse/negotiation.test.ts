import test from 'ava';
import { encodeTitleFields } from '../../src/dimse/association-pdu.ts';
import { negotiate, refusalOf } from '../../src/dimse/negotiation.ts';
import type { AssociateRequest, UserInformation } from '../../src/dimse/pdu.ts';
import { APPLICATION_CONTEXT, CT_IMAGE_STORAGE, EXPLICIT_LE, IMPLICIT_LE } from '../support/raw-pdu.ts';

const JPEG_BASELINE = '1.2.840.10008.1.2.4.50';
const JPEG_2000 = '1.2.840.10008.1.2.4.91';
const JPEG_2000_LOSSLESS = '1.2.840.10008.1.2.4.90';
const PRIVATE = '1.2.826.0.1.3680043.99';

function request(
  contexts: readonly (readonly [
    id: number,
    transferSyntaxUids: readonly string[],
    abstractSyntaxUid?: string,
  ])[],
  overrides: Partial<AssociateRequest> & { readonly user?: Partial<UserInformation> } = {},
): AssociateRequest {
  const { user, ...fields } = overrides;
  return {
    protocolVersion: 1,
    calledAeTitle: 'SLIDEGATE',
    callingAeTitle: 'CT1',
    titleFields: encodeTitleFields('SLIDEGATE', 'CT1'),
    applicationContextName: APPLICATION_CONTEXT,
    presentationContexts: contexts.map(([id, transferSyntaxUids, abstractSyntaxUid = CT_IMAGE_STORAGE]) => ({
      id,
      abstractSyntaxUid,
      transferSyntaxUids,
    })),
    userInformation: { maxPduLengthBytes: 16_384, roleSelections: [], ...user },
    ...fields,
  };
}

const policy = {
  acceptsAbstractSyntax: (uid: string) => uid === CT_IMAGE_STORAGE,
  transferSyntaxUids: new Set([IMPLICIT_LE, EXPLICIT_LE, JPEG_BASELINE, JPEG_2000, JPEG_2000_LOSSLESS]),
  maxPduLengthBytes: 131_072,
};

function resultsOf(accept: ReturnType<typeof negotiate>): (readonly [number, number, string])[] {
  return accept.presentationContexts.map(({ id, result, transferSyntaxUid }) => [
    id,
    result,
    transferSyntaxUid,
  ]);
}

test('each context gets the first transfer syntax of the requestor that is supported', (t) => {
  const accept = negotiate(
    request([
      [1, [EXPLICIT_LE, IMPLICIT_LE]],
      [3, [IMPLICIT_LE, EXPLICIT_LE]],
      [5, [PRIVATE, JPEG_BASELINE]],
    ]),
    policy,
  );
  t.deepEqual(resultsOf(accept), [
    [1, 0, EXPLICIT_LE],
    [3, 0, IMPLICIT_LE],
    [5, 0, JPEG_BASELINE],
  ]);
});

test('a lossy transfer syntax is never chosen beside a native or lossless one', (t) => {
  const accept = negotiate(
    request([
      [1, [JPEG_BASELINE, IMPLICIT_LE]],
      [3, [JPEG_2000, JPEG_BASELINE, JPEG_2000_LOSSLESS, EXPLICIT_LE]],
      [5, [JPEG_2000, JPEG_BASELINE]],
    ]),
    policy,
  );
  t.deepEqual(resultsOf(accept), [
    [1, 0, IMPLICIT_LE],
    [3, 0, JPEG_2000_LOSSLESS],
    [5, 0, JPEG_2000],
  ]);
});

test('what is not supported is refused context by context, with the reason', (t) => {
  const accept = negotiate(
    request([
      [1, [EXPLICIT_LE], '1.2.840.10008.5.1.4.31'],
      [3, [PRIVATE]],
      [5, []],
      [7, [EXPLICIT_LE]],
    ]),
    policy,
  );
  t.deepEqual(resultsOf(accept), [
    [1, 3, EXPLICIT_LE],
    [3, 4, PRIVATE],
    [5, 4, IMPLICIT_LE],
    [7, 0, EXPLICIT_LE],
  ]);
});

test('ids that do not ascend are legal, and answered in their order', (t) => {
  const proposal = request([
    [255, [EXPLICIT_LE]],
    [3, [IMPLICIT_LE]],
    [1, [EXPLICIT_LE]],
  ]);
  t.is(refusalOf(proposal), undefined);
  t.deepEqual(
    resultsOf(negotiate(proposal, policy)).map(([id]) => id),
    [255, 3, 1],
  );
});

test('the acceptance tells our PDU length, whatever the peer receives', (t) => {
  for (const maxPduLengthBytes of [0, 1024, 16_384, 0xffff_ffff]) {
    const accept = negotiate(request([[1, [EXPLICIT_LE]]], { user: { maxPduLengthBytes } }), policy);
    t.is(accept.userInformation.maxPduLengthBytes, 131_072);
  }
});

test('the acceptance repeats the titles as they came', (t) => {
  const titleFields = new Uint8Array(64).fill(0x41);
  t.is(negotiate(request([[1, [EXPLICIT_LE]]], { titleFields }), policy).titleFields, titleFields);
});

test('an asynchronous operations window is not negotiated, which makes it 1/1', (t) => {
  const asynchronousOperationsWindow = { invoked: 8, performed: 8 };
  const accept = negotiate(request([[1, [EXPLICIT_LE]]], { user: { asynchronousOperationsWindow } }), policy);
  t.is(accept.userInformation.asynchronousOperationsWindow, undefined);
});

test('of proposed roles the SCU is granted and the SCP declined, for accepted SOP classes only', (t) => {
  const accept = negotiate(
    request(
      [
        [1, [EXPLICIT_LE]],
        [3, [EXPLICIT_LE], '1.2.3'],
      ],
      {
        user: {
          roleSelections: [
            { sopClassUid: CT_IMAGE_STORAGE, scu: true, scp: true },
            { sopClassUid: '1.2.3', scu: true, scp: false },
          ],
        },
      },
    ),
    policy,
  );
  t.deepEqual(accept.userInformation.roleSelections, [
    { sopClassUid: CT_IMAGE_STORAGE, scu: true, scp: false },
  ]);
});

test('a requestor that will only be the SCP has its context rejected', (t) => {
  const roleSelections = [{ sopClassUid: CT_IMAGE_STORAGE, scu: false, scp: true }];
  const accept = negotiate(request([[1, [EXPLICIT_LE]]], { user: { roleSelections } }), policy);
  t.deepEqual(resultsOf(accept), [[1, 1, EXPLICIT_LE]]);
  t.deepEqual(accept.userInformation.roleSelections, []);
});

for (const type of [1, 2, 3, 4, 5]) {
  test(`a user identity of type ${type} is acknowledged when asked, and only then`, (t) => {
    for (const positiveResponseRequested of [true, false]) {
      const user = { userIdentity: { type, positiveResponseRequested } };
      const accept = negotiate(request([[1, [EXPLICIT_LE]]], { user }), policy);
      t.is(accept.userInformation.userIdentityAcknowledged, positiveResponseRequested);
    }
  });
}

const odd = (count: number) => Array.from({ length: count }, (_, index) => 2 * index + 1);

for (const [what, proposal, refusal] of [
  ['a protocol version other than 1', request([[1, [EXPLICIT_LE]]], { protocolVersion: 2 }), '1/2/2'],
  [
    'another application context',
    request([[1, [EXPLICIT_LE]]], { applicationContextName: '1.2.3' }),
    '1/1/2',
  ],
  ['no presentation context', request([]), '1/2/1'],
  ['an even id', request([[2, [EXPLICIT_LE]]]), '1/2/1'],
  ['id 0', request([[0, [EXPLICIT_LE]]]), '1/2/1'],
  ['the same id twice', request([1, 3, 1].map((id) => [id, [EXPLICIT_LE]] as const)), '1/2/1'],
  ['129 contexts', request([...odd(128), 1].map((id) => [id, [EXPLICIT_LE]] as const)), '1/2/1'],
  ['a PDU length of 1', request([[1, [EXPLICIT_LE]]], { user: { maxPduLengthBytes: 1 } }), '1/1/1'],
  ['a PDU length of 1023', request([[1, [EXPLICIT_LE]]], { user: { maxPduLengthBytes: 1023 } }), '1/1/1'],
  ['128 contexts', request(odd(128).map((id) => [id, [EXPLICIT_LE]] as const)), undefined],
  ['a protocol version that includes 1', request([[1, [EXPLICIT_LE]]], { protocolVersion: 3 }), undefined],
  ['an unlimited PDU length', request([[1, [EXPLICIT_LE]]], { user: { maxPduLengthBytes: 0 } }), undefined],
] as const) {
  test(`a request with ${what} is ${refusal === undefined ? 'acceptable' : `rejected with ${refusal}`}`, (t) => {
    const rejection = refusalOf(proposal);
    t.is(rejection && `${rejection.result}/${rejection.source}/${rejection.reason}`, refusal);
  });
}
