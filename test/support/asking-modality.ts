/** A modality that asks for storage commitment, and takes the reports wherever they come. */
import { listenForAssociations } from '../../src/dimse/service-provider.ts';
import { openAssociation, type ServiceUser } from '../../src/dimse/service-user.ts';
import {
  type CommitmentReport,
  decodeCommitmentReport,
  encodeCommitmentRequest,
  type SopReference,
  STORAGE_COMMITMENT,
} from '../../src/dimse/storage-commitment.ts';

import type { TlsListening } from '../../src/tls/server.ts';

const EXPLICIT_LE = '1.2.840.10008.1.2.1';
const { sopClassUid, sopInstanceUid } = STORAGE_COMMITMENT;

/** A report, and how it came. */
export interface ReceivedReport extends CommitmentReport {
  readonly eventTypeId: number;
  readonly over: 'same-association' | 'own-association';
}

export interface AskingModality {
  readonly reports: ReceivedReport[];
  /** Opens an association on which requests may be made. */
  associate(port: number): Promise<ServiceUser>;
  /** Asks over an association of its own, which is released at once unless it is to stay open. */
  ask(
    port: number,
    transactionUid: string,
    references: readonly SopReference[],
    options?: { readonly stays?: boolean },
  ): Promise<number>;
  /** Listens for reports; returns the port. */
  listen(options?: {
    readonly answer?: () => number;
    readonly port?: number;
    readonly tls?: TlsListening;
  }): Promise<number>;
  /** Resolves when so many reports have come. */
  reported(count: number): Promise<void>;
  close(): Promise<void>;
}

export function createModality(aeTitle = 'CT1'): AskingModality {
  const reports: ReceivedReport[] = [];
  const closers: (() => unknown)[] = [];
  let arrived = Promise.withResolvers<void>();

  function take(
    event: { eventTypeId: number; transferSyntaxUid: string; dataSet?: Uint8Array },
    over: ReceivedReport['over'],
  ): void {
    const report = decodeCommitmentReport(event.dataSet ?? new Uint8Array(), event.transferSyntaxUid);
    reports.push({ ...report, eventTypeId: event.eventTypeId, over });
    arrived.resolve();
    arrived = Promise.withResolvers<void>();
  }

  async function associate(port: number): Promise<ServiceUser> {
    const user = await openAssociation(
      {
        host: '127.0.0.1',
        port,
        calledAeTitle: 'SLIDEGATE',
        callingAeTitle: aeTitle,
        connectTimeoutMs: 5000,
        associationTimeoutMs: 5000,
        responseTimeoutMs: 30_000,
        maxPduLengthBytes: 131_072,
      },
      [{ abstractSyntaxUid: sopClassUid, transferSyntaxUids: [EXPLICIT_LE] }],
      undefined,
      {
        async eventReport(event) {
          take(event, 'same-association');
          return { status: 0 };
        },
      },
    );
    closers.push(() => user.abort());
    return user;
  }

  return {
    reports,
    associate,
    async ask(port, transactionUid, references, { stays = false } = {}) {
      const user = await associate(port);
      const { status } = await user.action(
        { sopClassUid, sopInstanceUid, typeId: 1, transferSyntaxUid: EXPLICIT_LE },
        encodeCommitmentRequest({ transactionUid, references }, EXPLICIT_LE),
      );
      if (!stays) await user.release();
      return status;
    },
    async listen({ answer = () => 0, port = 0, tls } = {}) {
      const provider = await listenForAssociations({
        host: '127.0.0.1',
        port,
        ...(tls && { tls }),
        associationsMax: 10,
        maxPduLengthBytes: 131_072,
        timeouts: { associationMs: 5000, pduMs: 5000, idleMs: 60_000 },
        transferSyntaxUids: [EXPLICIT_LE],
        acceptsAbstractSyntax: () => true,
        acceptsRequestorAsScp: () => true,
        admit: () => ({ admitted: true, source: 'gateway' }),
        store: () => ({ refuse: { status: 0xa700 } }),
        async eventReport({ typeId, ...event }) {
          const status = answer();
          if (status === 0) take({ ...event, eventTypeId: typeId }, 'own-association');
          return { status };
        },
      });
      closers.push(() => provider.stop({ drainMs: 0 }));
      return provider.address.port;
    },
    async reported(count) {
      while (reports.length < count) await arrived.promise;
    },
    async close() {
      for (const close of closers.toReversed()) await close();
    },
  };
}
