/**
 * # DIMSE SCP
 *
 * Verification, Storage and Storage Commitment SCP on one port: the input that modalities and other gateways send
 * to, and that destinations report their commitments to.
 */
import { z } from 'zod';
import { AeTitle } from '../dicom/ae-title.ts';
import { encodeFileMeta } from '../dicom/file-meta.ts';
import { transferSyntaxes } from '../dicom/transfer-syntax.ts';
import { isTolerableUid } from '../dicom/uid.ts';
import { REJECTION, type Rejection } from '../dimse/pdu.ts';
import type { Admission, StoreRefusal, StoreRequest, StoreSink } from '../dimse/provider-options.ts';
import { listenForAssociations, type Provider } from '../dimse/service-provider.ts';
import { STORAGE_COMMITMENT } from '../dimse/storage-commitment.ts';
import { Duration } from '../duration.ts';
import { type Arrival, type Reception, SpoolRefusingError } from '../spool/spool.ts';
import { instanceReceived, receptionFailed } from '../telemetry/intake-events.ts';
import type { TlsListening } from '../tls/server.ts';
import { acceptsSopClass } from './admission.ts';
import type { LimitedDecision } from './admission-control.ts';
import { receiveCommitmentReport } from './commitment-reports.ts';
import { reportProviderEvent } from './dimse-scp-events.ts';
import { InputUnavailableError } from './errors.ts';
import type { InputDeps, InputKind } from './input-kind.ts';
import { PacedSink } from './paced-sink.ts';
import { ReceptionSink } from './reception-sink.ts';
import { answerOfError, INVALID_SOP_INSTANCE_UID } from './status-of-error.ts';
import { openServerTls, ServerTlsSettings } from './tls-settings.ts';

const DimseScpSettings = z.strictObject({
  kind: z
    .literal('dimse-scp')
    .describe(
      'A Verification and Storage SCP: takes C-ECHO and C-STORE, answers for what it took by Storage Commitment, and takes the commitments of destinations.',
    ),
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on; 0.0.0.0 is every address.'),
  port: z.int().min(0).max(65535).default(11112).describe('TCP port to listen on; 0 takes a free one.'),
  tls: ServerTlsSettings.optional().describe(
    'Takes nothing but TLS 1.2 and 1.3 on the port. For a secure port beside a plain one add a second input: 2762 is ' +
      'the usual port.',
  ),
  ae_titles: z
    .array(AeTitle)
    .min(1)
    .default(['SLIDEGATE'])
    .describe('AE titles that the input answers to; calls of any other are rejected.'),
  associations_max: z
    .int()
    .min(1)
    .max(1000)
    .default(64)
    .describe('Associations open at the same time; one more is rejected for the moment.'),
  max_pdu_length_bytes: z
    .int()
    .min(4096)
    .max(1_048_576)
    .default(131_072)
    .describe('Largest PDU received, as announced to every caller.'),
  association_timeout: Duration.prefault('30s').describe(
    'Wait for an association request on a new connection, and for a connection to close after its association; ' +
      'for a TLS handshake, too.',
  ),
  pdu_timeout: Duration.prefault('1m').describe(
    'Wait for the rest of a PDU, for the next one of a message, and for a caller to take responses.',
  ),
  idle_timeout: Duration.prefault('10m').describe('How long an association may rest between messages.'),
});
type DimseScpSettings = z.infer<typeof DimseScpSettings>;

export const dimseScp: InputKind<typeof DimseScpSettings> = {
  settings: DimseScpSettings,
  async start(settings, deps) {
    const tls = settings.tls && openServerTls(settings.tls, deps);
    let provider: Provider;
    try {
      provider = await listen(settings, deps, tls);
    } catch (error) {
      tls?.material.close();
      throw error;
    }
    const { host, port } = provider.address;
    return {
      place: `${host}:${port}`,
      host,
      port,
      ...(tls && { reloadCertificates: () => tls.material.reload() }),
      async stop(drainMs) {
        await provider.stop({ drainMs });
        tls?.material.close();
      },
    };
  },
};

async function listen(
  settings: DimseScpSettings,
  deps: InputDeps,
  tls: TlsListening | undefined,
): Promise<Provider> {
  const { host, port } = settings;
  const { admission } = deps;
  const aeTitles = settings.ae_titles.map((title) => title.trim());
  try {
    return await listenForAssociations({
      host,
      port,
      ...(tls && { tls }),
      associationsMax: settings.associations_max,
      maxPduLengthBytes: settings.max_pdu_length_bytes,
      timeouts: {
        associationMs: settings.association_timeout,
        pduMs: settings.pdu_timeout,
        idleMs: settings.idle_timeout,
      },
      // All that there are: what is stored and forwarded unchanged need not be decoded.
      transferSyntaxUids: transferSyntaxes.map(({ uid }) => uid),
      acceptsAbstractSyntax: (uid) =>
        uid === STORAGE_COMMITMENT.sopClassUid ||
        acceptsSopClass(uid, { acceptUnknown: admission.acceptsUnknownSopClasses }),
      acceptsRequestorAsScp: (uid) => uid === STORAGE_COMMITMENT.sopClassUid,
      admit: (request) => admissionOf(admission.decide(request, aeTitles)),
      store: (request) => receive(request, deps),
      action: (request) => deps.commitment.serve(request),
      eventReport: (request) => receiveCommitmentReport(request, deps),
      associated: (link) => deps.commitment.associated(link),
      onEvent(event) {
        if (event.type === 'association-accepted') admission.associationOpened(event.peer.source);
        else if (event.type === 'association-ended') admission.associationEnded(event.peer.source);
        reportProviderEvent(deps.telemetry, deps.name, event, (caller) => admission.describeMisfit(caller));
      },
    });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new InputUnavailableError(
      `Cannot start input "${deps.name}" as it must listen on ${host}:${port}: ${code}`,
      { input: deps.name, host, port },
      { cause },
    );
  }
}

const REJECTION_OF = {
  'called-ae-title': REJECTION.calledAeTitleNotRecognized,
  'calling-ae-title': REJECTION.callingAeTitleNotRecognized,
  'associations-max': REJECTION.localLimitExceeded,
  'associations-per-minute': REJECTION.temporaryCongestion,
} as const satisfies Record<(LimitedDecision & { admitted: false })['refused'], Rejection>;

function admissionOf(decision: LimitedDecision): Admission {
  if (decision.admitted) return decision;
  const rejection = REJECTION_OF[decision.refused];
  return { admitted: false, rejection, ...('source' in decision && { source: decision.source }) };
}

/** Called when a command set has arrived: decides before the data set is read whether there is room for it. */
function receive(
  request: StoreRequest,
  { spool, telemetry, admission }: InputDeps,
): StoreSink | StoreRefusal {
  if (!isTolerableUid(request.sopInstanceUid)) return { refuse: INVALID_SOP_INSTANCE_UID };
  const { source } = request.association;
  const failed = (error: unknown) => receptionFailed(telemetry, { source, error });
  let reception: Reception;
  try {
    reception = spool.receive({ ...arrivalOf(request), ...admission.otherContentOf(source) });
  } catch (error) {
    // That there is no room is told once by the spool, not with every instance.
    if (!(error instanceof SpoolRefusingError)) failed(error);
    return { refuse: answerOfError(error) };
  }
  const sink = new ReceptionSink(reception, {
    kept: (entry, dataSetBytes) => instanceReceived(telemetry, { source, dataSetBytes, ...entry }),
    failed,
  });
  const waitMs = admission.paceInstance(source);
  return waitMs > 0 ? new PacedSink(sink, waitMs) : sink;
}

function arrivalOf({ association, ...instance }: StoreRequest): Arrival {
  const { sopClassUid, sopInstanceUid, transferSyntaxUid } = instance;
  const { source, callingAeTitle, calledAeTitle, peerAddress } = association;
  return {
    sopClassUid,
    sopInstanceUid,
    transferSyntaxUid,
    source,
    callingAeTitle,
    calledAeTitle,
    peerAddress,
    fileMeta: encodeFileMeta({
      sopClassUid,
      sopInstanceUid,
      transferSyntaxUid,
      sourceAeTitle: callingAeTitle,
    }),
  };
}
