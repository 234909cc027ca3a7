/**
 * # Storage SCU
 *
 * C-STORE to a PACS or another Storage SCP. One association per slot, kept while there is work and proposed for
 * all that waits; instances go byte for byte from the spool to the socket.
 *
 * - Only the peer's answer means that it has custody.
 * - What the peer takes in the other Little Endian VR encoding only is rewritten on the way; nothing else is.
 * - An answer that refuses an instance ends nothing but the attempt at that instance.
 */
import { sopClassName } from '../dicom/sop-class.ts';
import type { AssociationTarget, ServiceUser, UserIdentity } from '../dimse/service-user.ts';
import { formatStatus } from '../dimse/status.ts';
import { GatewayError } from '../errors.ts';
import type { Entry, PriorityName } from '../spool/spool.ts';
import type { TlsTarget } from '../tls/client.ts';
import { openClientTls } from '../tls/client-settings.ts';
import { paced } from './bandwidth.ts';
import { ScuCommitment } from './commitment-association.ts';
import type {
  DeliveryItem,
  DestinationDeps,
  DestinationKind,
  DestinationSession,
  SendOptions,
} from './destination-kind.ts';
import { DimseScuSettings } from './dimse-scu-settings.ts';
import { DeliveryError } from './errors.ts';
import { type Outcome, outcomeOfError, outcomeOfResponse, STOPPED } from './outcome.ts';
import { openOutgoing, type PreparedInstance } from './outgoing.ts';
import { dataSetOf, HeadBuffers, type HeadedSource } from './part10-source.ts';
import {
  chooseTransferSyntax,
  describeTransferSyntax,
  keyOf,
  type Need,
  planContexts,
} from './presentation-contexts.ts';
import { withEvenLength, withVrEncoding } from './rewriting.ts';
import { openObserved, releaseQuietly, ScuAssociation, type ScuAssociationDeps } from './scu-association.ts';

/** PS3.7 9.3.1.1: medium, high and low. */
const PRIORITIES: Readonly<Record<PriorityName, number>> = { normal: 0, urgent: 1, 'off-peak': 2 };
/** SOP classes and transfer syntaxes remembered, for the next association. */
const NEEDS_MAX = 120;

/** C-STORE to a Storage SCP. */
export const dimseScu = {
  settings: DimseScuSettings,
  open: (settings, deps) => new DimseScuSession(settings, deps),
  addressOf: ({ host, port, called_ae_title: calledAeTitle }) => ({
    place: `${host}:${port} ${calledAeTitle}`,
    setting: 'port',
    server: { host, port },
  }),
} satisfies DestinationKind<typeof DimseScuSettings>;

class DimseScuSession implements DestinationSession<PreparedInstance> {
  readonly slots: number;
  readonly commitment?: ScuCommitment;
  readonly #buffers = new HeadBuffers();
  readonly #settings: DimseScuSettings;
  readonly #deps: DestinationDeps;
  readonly #tls: TlsTarget | undefined;
  readonly #association: ScuAssociationDeps;
  readonly #bySlot: readonly ScuAssociation[];
  readonly #closing = new AbortController();
  /** What was needed of late, the latest last. */
  readonly #needs = new Map<string, Need>();

  constructor(settings: DimseScuSettings, deps: DestinationDeps) {
    this.slots = settings.associations_max;
    this.#settings = settings;
    this.#deps = deps;
    const userIdentity = settings.user_identity && userIdentityOf(settings.user_identity);
    this.#tls = settings.tls && openClientTls(settings.tls, deps);
    this.#association = {
      destination: deps.name,
      target: targetOf(settings, { tls: this.#tls, userIdentity }),
      telemetry: deps.telemetry,
      signal: this.#closing.signal,
    };
    if (settings.commitment === 'required') {
      this.commitment = new ScuCommitment(this.#association, {
        timeoutMs: settings.commitment_timeout,
        resendsMax: settings.commitment_resends_max,
        lingerMs: settings.linger,
      });
    }
    this.#bySlot = Array.from(
      { length: this.slots },
      () => new ScuAssociation(this.#association, settings.linger),
    );
  }

  expect(entries: readonly Entry[]): void {
    for (const { sopClassUid, transferSyntaxUid } of entries) this.#note({ sopClassUid, transferSyntaxUid });
  }

  prepare(item: DeliveryItem): Promise<PreparedInstance> {
    return openOutgoing(item, { instances: this.#deps.instances, buffers: this.#buffers });
  }

  async send(prepared: PreparedInstance, { slot, alone }: SendOptions): Promise<Outcome> {
    const association = this.#bySlot[slot]!;
    try {
      if (alone) await association.release(); // A fresh one for it, and after it.
      const outcome = await this.#sendOver(association, prepared);
      if (alone) await association.release();
      return outcome;
    } finally {
      await prepared.close();
    }
  }

  async echo(): Promise<void> {
    const user = await openObserved(planContexts([]), this.#association);
    try {
      const { status } = await user.echo();
      if (status === 0) return;
      const answer = `Cannot count the destination as well: it answered C-ECHO with ${formatStatus(status)}`;
      throw new DeliveryError('ECHO_REFUSED', answer, { status });
    } finally {
      await releaseQuietly(user);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.commitment?.end(), ...this.#bySlot.map((association) => association.end())]);
    this.#tls?.material.close();
  }

  async #sendOver(association: ScuAssociation, prepared: PreparedInstance): Promise<Outcome> {
    const need: Need = prepared.item.entry;
    this.#note(need);
    for (;;) {
      let using: Awaited<ReturnType<ScuAssociation['use']>>;
      try {
        using = await association.use([need, ...this.#otherNeeds(need)]);
      } catch (error) {
        return this.#closing.signal.aborted ? STOPPED : outcomeOfError(error, 'open');
      }
      const outcome = await this.#store(using.user, prepared);
      // The peer may end an idle association just as it is used again: that is no failure of its.
      if (!outcome.taken && outcome.reason === 'unreachable' && !using.isFresh) continue;
      if (!outcome.taken && outcome.code === 'PROTOCOL_ERROR') association.abort();
      else association.rest();
      return outcome;
    }
  }

  async #store(user: ServiceUser, { item, source }: PreparedInstance): Promise<Outcome> {
    const { sopClassUid, sopInstanceUid } = item.entry;
    try {
      const transferSyntaxUid = agreeOnTransferSyntax(item.entry, user);
      const asAgreed = await this.#render(source, transferSyntaxUid);
      const response = await user.store(
        {
          sopClassUid,
          sopInstanceUid,
          transferSyntaxUid,
          priority: PRIORITIES[item.payload.priority ?? 'normal'],
        },
        paced(dataSetOf(asAgreed), this.#deps),
      );
      return outcomeOfResponse(response, this.#settings);
    } catch (error) {
      if (this.#closing.signal.aborted) return STOPPED;
      if (!(error instanceof GatewayError)) throw error;
      return outcomeOfError(error, 'send');
    }
  }

  async #render(source: HeadedSource, transferSyntaxUid: string): Promise<HeadedSource> {
    const encoded =
      source.transferSyntaxUid === transferSyntaxUid
        ? source
        : await withVrEncoding(source, transferSyntaxUid);
    return withEvenLength(encoded, this.#settings.odd_length);
  }

  #note(need: Need): void {
    const key = keyOf(need);
    this.#needs.delete(key);
    this.#needs.set(key, { sopClassUid: need.sopClassUid, transferSyntaxUid: need.transferSyntaxUid });
    if (this.#needs.size <= NEEDS_MAX) return;
    const [oldest] = this.#needs.keys();
    this.#needs.delete(oldest!);
  }

  #otherNeeds(need: Need): Need[] {
    const key = keyOf(need);
    return [...this.#needs].flatMap(([other, value]) => (other === key ? [] : [value])).reverse();
  }
}

function targetOf(
  settings: DimseScuSettings,
  {
    tls,
    userIdentity,
  }: { readonly tls: TlsTarget | undefined; readonly userIdentity: UserIdentity | undefined },
): AssociationTarget {
  return {
    host: settings.host,
    port: settings.port,
    calledAeTitle: settings.called_ae_title,
    callingAeTitle: settings.calling_ae_title,
    ...(tls && { tls }),
    ...(userIdentity && { userIdentity }),
    connectTimeoutMs: settings.connect_timeout,
    associationTimeoutMs: settings.association_timeout,
    responseTimeoutMs: settings.response_timeout,
    pduTimeoutMs: settings.pdu_timeout,
    maxPduLengthBytes: settings.max_pdu_length_bytes,
  };
}

/** @throws {DeliveryError} when there is no passcode where one should be */
function userIdentityOf({
  username,
  passcode_env: variable,
}: NonNullable<DimseScuSettings['user_identity']>): UserIdentity {
  if (variable === undefined) return { type: 1, positiveResponseRequested: false, username };
  const passcode = process.env[variable];
  if (passcode === undefined) {
    const message = `Cannot tell the user identity: the environment variable ${variable} must hold its passcode, and is not set`;
    throw new DeliveryError('SECRET_UNREADABLE', message);
  }
  return { type: 2, positiveResponseRequested: false, username, passcode };
}

/**
 * The transfer syntax to send an instance in.
 *
 * @throws {DeliveryError} when the peer takes none that we can make
 */
function agreeOnTransferSyntax(need: Need, user: ServiceUser): string {
  const accepted = user.acceptedTransferSyntaxes(need.sopClassUid);
  const chosen = chooseTransferSyntax(need, accepted);
  if (chosen !== undefined) return chosen;
  const sopClass = sopClassName(need.sopClassUid) ?? need.sopClassUid;
  const own = describeTransferSyntax(need.transferSyntaxUid);
  if (accepted.length === 0) {
    throw new DeliveryError(
      'SOP_CLASS_NOT_ACCEPTED',
      `Cannot send as the destination accepted no presentation context of ${sopClass}: proposed were ${own} and both Little Endian encodings`,
    );
  }
  throw new DeliveryError(
    'TRANSFER_SYNTAX_NOT_ACCEPTED',
    `Cannot send as the destination takes ${sopClass} only as ${accepted.map(describeTransferSyntax).join(' or ')}: the instance is ${own}`,
  );
}
