import test, { type ExecutionContext } from 'ava';
import type { NormalizedRequest, ProviderOptions, ReverseLink } from '../../src/dimse/provider-options.ts';
import { listenForAssociations } from '../../src/dimse/service-provider.ts';
import {
  type AssociationServices,
  openAssociation,
  type RequestedContext,
  type ServiceUser,
} from '../../src/dimse/service-user.ts';
import { CT_IMAGE_STORAGE, IMPLICIT_LE } from '../support/raw-pdu.ts';

const SERVICE = '1.2.840.10008.1.20.1';
const INSTANCE = '1.2.840.10008.1.20.1.1';
const REQUEST = { sopClassUid: SERVICE, sopInstanceUid: INSTANCE, typeId: 1, transferSyntaxUid: IMPLICIT_LE };
const EVENT = { sopClassUid: SERVICE, sopInstanceUid: INSTANCE, eventTypeId: 2 };

async function pair(
  t: ExecutionContext,
  provider: Partial<ProviderOptions>,
  services: AssociationServices = {},
  roles?: RequestedContext['roles'],
): Promise<ServiceUser> {
  const listening = await listenForAssociations({
    host: '127.0.0.1',
    port: 0,
    associationsMax: 4,
    maxPduLengthBytes: 16_384,
    timeouts: { associationMs: 5000, pduMs: 5000, idleMs: 5000 },
    transferSyntaxUids: [IMPLICIT_LE],
    acceptsAbstractSyntax: () => true,
    admit: () => ({ admitted: true, source: 'test' }),
    store: () => ({ refuse: { status: 0xa700 } }),
    ...provider,
  });
  t.teardown(() => listening.stop({ drainMs: 0 }));
  const user = await openAssociation(
    {
      host: '127.0.0.1',
      port: listening.address.port,
      calledAeTitle: 'SLIDEGATE',
      callingAeTitle: 'CT1',
      connectTimeoutMs: 2000,
      associationTimeoutMs: 2000,
      responseTimeoutMs: 5000,
      maxPduLengthBytes: 16_384,
    },
    [
      { abstractSyntaxUid: SERVICE, transferSyntaxUids: [IMPLICIT_LE], ...(roles && { roles }) },
      { abstractSyntaxUid: CT_IMAGE_STORAGE, transferSyntaxUids: [IMPLICIT_LE] },
    ],
    undefined,
    services,
  );
  t.teardown(() => user.abort());
  return user;
}

/** The way back over the association that a test opens. */
function reverseLink() {
  const { promise, resolve } = Promise.withResolvers<ReverseLink>();
  return { link: promise, associated: resolve };
}

test('an N-ACTION is served with its data set whole, however many fragments it came in', async (t) => {
  const requests: NormalizedRequest[] = [];
  const user = await pair(t, {
    async action(request) {
      requests.push(request);
      return { status: 0 };
    },
  });
  const dataSet = Buffer.alloc(100_000, 7);

  const { status } = await user.action(REQUEST, dataSet);

  t.is(status, 0);
  const [request] = requests;
  t.is(request?.sopClassUid, SERVICE);
  t.is(request?.sopInstanceUid, INSTANCE);
  t.is(request?.typeId, 1);
  t.is(request?.association.source, 'test');
  t.true(dataSet.equals(request?.dataSet ?? new Uint8Array()));
});

test('an N-EVENT-REPORT of the requestor is served too, and a failure of whoever serves is 0110H', async (t) => {
  const types: number[] = [];
  const user = await pair(t, {
    async eventReport({ typeId }) {
      types.push(typeId);
      if (types.length > 1) throw new Error('bug');
      return { status: 0 };
    },
  });

  t.is((await user.eventReport({ ...REQUEST, typeId: 2 }, Buffer.alloc(10))).status, 0);
  t.is((await user.eventReport({ ...REQUEST, typeId: 2 }, Buffer.alloc(10))).status, 0x0110);
  t.deepEqual(types, [2, 2]);
});

test('operations that nobody serves are answered with 0211H, and the association goes on', async (t) => {
  const user = await pair(t, {});
  t.is((await user.action(REQUEST, Buffer.alloc(10))).status, 0x0211);
  t.is((await user.eventReport(REQUEST, Buffer.alloc(10))).status, 0x0211);
  t.true(user.isOpen);
});

test('a data set beyond the bound is read to its end and answered with 0213H', async (t) => {
  let served = 0;
  const user = await pair(t, {
    async action() {
      served += 1;
      return { status: 0 };
    },
  });
  t.is((await user.action(REQUEST, Buffer.alloc(8 * 1024 * 1024 + 2))).status, 0x0213);
  t.is((await user.action(REQUEST, Buffer.alloc(8 * 1024 * 1024))).status, 0);
  t.is(served, 1);
});

test('the provider sends N-EVENT-REPORTs back over the association of the requestor', async (t) => {
  const { link, associated } = reverseLink();
  const events: { readonly typeId: number; readonly bytes: number }[] = [];
  const user = await pair(
    t,
    { associated, action: async () => ({ status: 0 }) },
    {
      async eventReport({ eventTypeId, dataSet }) {
        events.push({ typeId: eventTypeId, bytes: dataSet?.length ?? -1 });
        return { status: events.length === 1 ? 0 : 0x0110 };
      },
    },
  );
  const reverse = await link;
  await user.action(REQUEST, Buffer.alloc(10));
  t.is(reverse.transferSyntaxOf(SERVICE), IMPLICIT_LE);
  t.is(reverse.transferSyntaxOf('1.2.3'), undefined);

  const first = await reverse.eventReport({ ...EVENT, dataSet: Buffer.alloc(90_000) }, 5000);
  const second = await reverse.eventReport(EVENT, 5000);

  t.deepEqual([first.status, second.status], [0, 0x0110]);
  t.deepEqual(events, [
    { typeId: 2, bytes: 90_000 },
    { typeId: 2, bytes: -1 },
  ]);
  t.is((await user.action(REQUEST, Buffer.alloc(10))).status, 0);
});

test('reports in both directions at the same time do not mix their fragments', async (t) => {
  const { link, associated } = reverseLink();
  let reported = 0;
  const user = await pair(
    t,
    { associated, action: async () => ({ status: 0 }) },
    {
      async eventReport() {
        reported += 1;
        return { status: 0 };
      },
    },
  );
  const reverse = await link;

  const [statuses] = await Promise.all([
    (async () => {
      const all: number[] = [];
      for (let count = 0; count < 20; count += 1) {
        all.push((await user.action(REQUEST, Buffer.alloc(3_000_000))).status);
      }
      return all;
    })(),
    (async () => {
      for (let count = 0; count < 20; count += 1) {
        await reverse.eventReport({ ...EVENT, dataSet: Buffer.alloc(200_000) }, 5000);
      }
    })(),
  ]);

  t.deepEqual(new Set(statuses), new Set([0]));
  t.is(reported, 20);
});

test('a report that is not answered in time is given up, its late response passed over', async (t) => {
  const { link, associated } = reverseLink();
  const { promise: late, resolve: answer } = Promise.withResolvers<{ status: number }>();
  const user = await pair(
    t,
    { associated, action: async () => ({ status: 0 }) },
    { eventReport: () => late },
  );
  const reverse = await link;

  const error = await t.throwsAsync(reverse.eventReport(EVENT, 30));
  answer({ status: 0 });

  t.is((error as { code?: string }).code, 'PEER_TIMEOUT');
  t.is((await user.action(REQUEST, Buffer.alloc(10))).status, 0);
  t.true(reverse.isIdle);
});

test('a report on an association that ends meanwhile is told so', async (t) => {
  const { link, associated } = reverseLink();
  const user = await pair(t, { associated }, { eventReport: () => new Promise(() => {}) });
  const reverse = await link;
  const reporting = reverse.eventReport(EVENT, 5000);
  t.false(reverse.isIdle);
  user.abort();
  t.is(((await t.throwsAsync(reporting)) as { code?: string }).code, 'ASSOCIATION_CLOSED');
  t.false(reverse.isOpen);
  await t.throwsAsync(reverse.eventReport(EVENT, 5000), { message: /ended the association/ });
});

test('a report without a presentation context for it is not sent', async (t) => {
  const { link, associated } = reverseLink();
  await pair(t, { associated, acceptsAbstractSyntax: (uid) => uid !== SERVICE });
  const error = await t.throwsAsync((await link).eventReport(EVENT, 5000));
  t.is((error as { code?: string }).code, 'NO_PRESENTATION_CONTEXT');
});

test('a requestor that proposes to be the SCP is granted it where the provider takes reports', async (t) => {
  const roles = { scu: false, scp: true };
  const granted = await pair(t, { acceptsRequestorAsScp: (uid) => uid === SERVICE }, {}, roles);
  t.deepEqual(granted.acceptedTransferSyntaxes(SERVICE), [IMPLICIT_LE]);
  t.like(granted.grantedRoles(SERVICE), roles);

  const declined = await pair(t, {}, {}, roles);
  t.deepEqual(declined.acceptedTransferSyntaxes(SERVICE), []);
  t.deepEqual(declined.acceptedTransferSyntaxes(CT_IMAGE_STORAGE), [IMPLICIT_LE]);
});
