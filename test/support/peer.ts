/**
 * # A peer that misbehaves
 *
 * A DICOM application entity for tests, without any manners, in both roles: `RequestorPeer` sends to our SCP,
 * `startAcceptorPeer` is sent to by our SCU. What it does wrong is asked for; the rest is as the standard says.
 * It speaks by raw-pdu.ts and raw-peer.ts, apart from src/dimse, so that a mistake there is not repeated here.
 *
 * A peer that behaves and answers any status is storage-peer.ts.
 */
import { createHash } from 'node:crypto';
import {
  abort,
  associateAccept,
  associateReject,
  commandSet,
  EXPLICIT_LE,
  echoCommand,
  IMPLICIT_LE,
  pData,
  pdv,
  type RawContext,
  type RawElement,
  RELEASE_REQUEST,
  RELEASE_RESPONSE,
  readAssociateRequest,
  readCommandSet,
  readPdvs,
  storeCommand,
  VERIFICATION,
} from './raw-pdu.ts';
import { acceptRawPeers, RawPeer } from './raw-peer.ts';

/** What is sent: any instance of the other helpers has this shape. */
export interface PeerInstance {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  readonly dataSet: Uint8Array;
}

/** How a data set is cut. Fragments are the data of PDVs; sizes are bytes and may be odd. */
export interface Cutting {
  /** The sizes are used in turn, over and over; 16 378 where absent. */
  readonly fragmentBytes?: number | readonly number[];
  /** Fragments that share one P-DATA-TF; 1 where absent. */
  readonly fragmentsPerPdu?: number;
  /** A fragment of no bytes goes before each one, and a last one of no bytes ends the data set. */
  readonly withEmptyFragments?: boolean;
  /** The command set is cut into fragments of this many bytes; whole where absent. */
  readonly commandFragmentBytes?: number;
}

/** A requestor: the modality that everybody has had trouble with. One association. */
export class RequestorPeer {
  /** The connection, for what no method here does. */
  readonly raw: RawPeer;
  readonly #contexts: readonly RawContext[];
  #lastMessageId = 0;

  private constructor(raw: RawPeer, contexts: readonly RawContext[]) {
    this.raw = raw;
    this.#contexts = contexts;
  }

  /**
   * Associates with one presentation context for each pair of SOP class and transfer syntax of the instances, and one
   * for C-ECHO.
   *
   * @param options `maxPduLength` is what it says it receives, 0 is without limit
   * @throws {Error} when it is not accepted
   */
  static async associate(
    port: number,
    instances: readonly Pick<PeerInstance, 'sopClassUid' | 'transferSyntaxUid'>[],
    options: { readonly calling?: string; readonly called?: string; readonly maxPduLength?: number } = {},
  ): Promise<RequestorPeer> {
    const contexts = contextsOf(instances);
    return new RequestorPeer(await RawPeer.associate(port, { ...options, contexts }), contexts);
  }

  /** The P-DATA-TFs of the next C-STORE-RQ, command set first. Nothing is sent. */
  storePdus(instance: PeerInstance, cutting: Cutting = {}): Buffer[] {
    const { sopClassUid, sopInstanceUid, transferSyntaxUid, dataSet } = instance;
    const context = this.#contexts.find(
      (one) => one.abstractSyntax === sopClassUid && one.transferSyntaxes[0] === transferSyntaxUid,
    );
    if (context === undefined) throw new Error(`No context was proposed for ${sopClassUid}`);
    this.#lastMessageId += 1;
    const command = storeCommand(this.#lastMessageId, sopInstanceUid, { sopClassUid });
    const { commandFragmentBytes = command.length, fragmentBytes = 16_378, fragmentsPerPdu = 1 } = cutting;
    const commandPdus = pdvsOf(context.id, 'command', cut(command, [commandFragmentBytes], false)).map(
      (one) => pData(one),
    );
    const fragments = cut(dataSet, [fragmentBytes].flat(), cutting.withEmptyFragments ?? false);
    const pdvs = pdvsOf(context.id, 'data', fragments);
    const dataPdus: Buffer[] = [];
    for (let at = 0; at < pdvs.length; at += fragmentsPerPdu) {
      dataPdus.push(pData(...pdvs.slice(at, at + fragmentsPerPdu)));
    }
    return [...commandPdus, ...dataPdus];
  }

  /** Sends a whole instance; the answer in words, as `8001H of 1: 0000H` or `closed`. */
  async store(instance: PeerInstance, cutting: Cutting = {}): Promise<string> {
    await this.raw.send(...this.storePdus(instance, cutting));
    return this.raw.nextWords();
  }

  /** Sends the command set and so much of the data set, never the end of it; resolves when that has left. */
  async storePart(instance: PeerInstance, share: number, cutting: Cutting = {}): Promise<void> {
    const pdus = this.storePdus(instance, cutting);
    await this.raw.send(
      ...pdus.slice(0, Math.max(1, Math.min(pdus.length - 1, Math.floor(pdus.length * share)))),
    );
  }

  /** Sends bytes one by one. Ends early, returning false, when the connection goes. */
  async trickle(bytes: Uint8Array, everyMs: number): Promise<boolean> {
    for (let at = 0; at < bytes.length; at += 1) {
      if (this.raw.socket.destroyed || this.raw.isEnded) return false;
      await this.raw.send(bytes.subarray(at, at + 1));
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
    return true;
  }

  /** A C-ECHO; the answer in words. */
  async echo(): Promise<string> {
    this.#lastMessageId += 1;
    const context = this.#contexts.find(
      ({ abstractSyntax }) => abstractSyntax === VERIFICATION,
    ) as RawContext;
    await this.raw.send(pData(pdv(context.id, 'command', true, echoCommand(this.#lastMessageId))));
    return this.raw.nextWords();
  }

  /** Releases in good order and closes. */
  async release(): Promise<void> {
    await this.raw.send(RELEASE_REQUEST);
    await this.raw.next();
    await this.raw.close();
  }

  /** A-ABORT, then closes. */
  async abort(): Promise<void> {
    await this.raw.send(abort());
    await this.raw.close();
  }

  /** TCP RST, as when the process died or the cable was pulled and plugged in. */
  async reset(): Promise<void> {
    this.raw.socket.resetAndDestroy();
    await this.raw.close();
  }
}

/** An association request as the acceptor sees it. */
export interface AssociationSeen {
  /** Counted from 1. */
  readonly association: number;
  readonly callingAeTitle: string;
  readonly calledAeTitle: string;
  readonly contexts: readonly RawContext[];
}

/** A C-STORE as the acceptor sees it, complete. */
export interface StoreSeen {
  readonly association: number;
  /** Counted from 1 over all associations. */
  readonly count: number;
  /** How often this instance has come, this time included. */
  readonly times: number;
  /** Counted from 1 on this association. */
  readonly countOnAssociation: number;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  readonly messageId: number;
  readonly dataSet: Buffer;
  /** Of the data set, hexadecimal. */
  readonly sha256: string;
}

/** A rejection by its three numbers. PS3.8 9.3.4. */
export interface Rejection {
  /** 1 for good, 2 for now. */
  readonly result: 1 | 2;
  /** 1 user, 2 provider (ACSE), 3 provider (presentation). */
  readonly source: 1 | 2 | 3;
  readonly reason: number;
}

export const REJECTED_FOR_GOOD: Rejection = { result: 1, source: 1, reason: 7 };
export const REJECTED_FOR_NOW: Rejection = { result: 2, source: 3, reason: 2 };

/**
 * What becomes of a request.
 * `silence`: no answer, and the connection stays. `abort`: A-ABORT. `close`: closed. `reset`: TCP RST.
 * `half-open`: no answer, nothing read any more, and the connection stays, as when the other machine is gone.
 */
export type Ending = 'silence' | 'abort' | 'close' | 'reset' | 'half-open';

/** What is answered to a C-STORE, well or badly. */
export interface StoreAnswering {
  /** 0000 where absent. */
  readonly status?: number;
  readonly errorComment?: string;
  /** Waits so long before it answers. */
  readonly afterMs?: number;
  /** Message ID that the response names; that of the request where absent. */
  readonly messageId?: number;
  /** How often the response is sent; 1 where absent. */
  readonly responses?: number;
  /** The response leaves byte by byte, at this interval. */
  readonly byteEveryMs?: number;
  /** Done after the response has left. */
  readonly ending?: Ending;
}

/** What an acceptor does wrong. Everything absent is done right: accepted, in the first transfer syntax, 0000. */
export interface AcceptorScript {
  readonly port?: number;
  readonly associate?: (request: AssociationSeen) => 'accept' | Rejection | Ending;
  /** The transfer syntax for a presentation context, or the reason (1..4, PS3.8 9.3.3.2) why it is refused. */
  readonly choose?: (context: RawContext) => string | 1 | 2 | 3 | 4;
  /** Largest PDU that it says it receives; 16 384 where absent, 0 is without limit. */
  readonly maxPduLength?: number;
  /** Called when the command set is there and the data set is not: what it returns ends it in the midst. */
  readonly onStoreCommand?: (seen: Omit<StoreSeen, 'dataSet' | 'sha256'>) => Ending | undefined;
  readonly store?: (
    seen: StoreSeen,
  ) => number | StoreAnswering | Ending | Promise<number | StoreAnswering | Ending>;
  readonly echo?: (association: number) => number | Ending;
  readonly release?: () => 'answer' | Ending;
  /** After the association is accepted it reads so many bytes at a time, at this interval. */
  readonly reads?: { readonly bytes: number; readonly everyMs: number };
  /** Any other command, such as N-ACTION-RQ: its elements, and the data set where it announced one. */
  readonly other?: (command: OtherCommand) => void | Promise<void>;
}

export interface OtherCommand {
  readonly contextId: number;
  readonly elements: ReadonlyMap<number, Buffer>;
  readonly dataSet: Buffer | undefined;
  readonly peer: RawPeer;
}

export interface AcceptorPeer {
  readonly port: number;
  /** In the order of their arrival, also those that were rejected. */
  readonly associations: readonly AssociationSeen[];
  /** Every C-STORE that arrived whole, whatever was answered. */
  readonly stores: readonly StoreSeen[];
  /** C-ECHOs that came. */
  readonly echoes: number;
  /** SOP Instance UIDs that were answered with a success or a warning, each as often as it was. */
  readonly taken: readonly string[];
  /** Connections open now. */
  readonly connections: number;
  /** Bytes of the longest P-DATA-TF that came, without its header. */
  readonly longestPdu: number;
  /** Another script from the next request on. */
  follow(script: AcceptorScript): void;
  stop(): void;
}

/** An acceptor that does as its script says. */
export async function startAcceptorPeer(script: AcceptorScript = {}): Promise<AcceptorPeer> {
  const state = {
    script,
    associations: [],
    stores: [],
    taken: [],
    echoes: 0,
    longestPdu: 0,
    connections: 0,
  } as AcceptorState;
  const listener = await acceptRawPeers(async (peer) => {
    state.connections += 1;
    peer.socket.once('close', () => {
      state.connections -= 1;
    });
    await new Acceptance(peer, state).serve();
  }, script.port);
  return {
    port: listener.port,
    associations: state.associations,
    stores: state.stores,
    taken: state.taken,
    get longestPdu() {
      return state.longestPdu;
    },
    get echoes() {
      return state.echoes;
    },
    get connections() {
      return state.connections;
    },
    follow(next) {
      state.script = next;
    },
    stop: () => listener.close(),
  };
}

interface AcceptorState {
  script: AcceptorScript;
  readonly associations: AssociationSeen[];
  readonly stores: StoreSeen[];
  readonly taken: string[];
  echoes: number;
  connections: number;
  longestPdu: number;
}

interface ReceivedCommand {
  readonly contextId: number;
  readonly elements: ReadonlyMap<number, Buffer>;
}

/** One connection of an acceptor. */
class Acceptance {
  readonly #peer: RawPeer;
  readonly #state: AcceptorState;
  #number = 0;
  #stores = 0;
  readonly #accepted = new Map<number, { abstractSyntax: string; transferSyntax: string }>();
  #command: ReceivedCommand | undefined;
  #fragments: Buffer[] = [];

  constructor(peer: RawPeer, state: AcceptorState) {
    this.#peer = peer;
    this.#state = state;
  }

  async serve(): Promise<void> {
    const request = await this.#peer.next();
    if (request?.type !== 1) return this.#peer.close();
    const seen = { ...readAssociateRequest(request.body), association: this.#state.associations.length + 1 };
    this.#number = seen.association;
    this.#state.associations.push(seen);
    const { script } = this.#state;
    const verdict = script.associate?.(seen) ?? 'accept';
    if (typeof verdict === 'object') {
      await this.#peer.send(associateReject(verdict.result, verdict.source, verdict.reason));
      return this.#peer.closeAfterOther();
    }
    if (verdict !== 'accept') return this.#end(verdict);
    await this.#accept(seen);
    if (script.reads !== undefined) this.#peer.readSlowly(script.reads.bytes, script.reads.everyMs);
    for (let next = await this.#peer.next(); next !== undefined; next = await this.#peer.next()) {
      if (next.type === 4) {
        this.#state.longestPdu = Math.max(this.#state.longestPdu, next.body.length);
        for (const part of readPdvs(next.body)) await this.#take(part);
      } else if (next.type === 5) await this.#release();
      else if (next.type === 7) break;
    }
    await this.#peer.close();
  }

  async #accept({ contexts }: AssociationSeen): Promise<void> {
    const { script } = this.#state;
    const choose = script.choose ?? (({ transferSyntaxes }) => transferSyntaxes[0] ?? 4);
    const answers = contexts.map((context) => {
      const choice = choose(context);
      if (typeof choice === 'number') return { id: context.id, result: choice, transferSyntax: IMPLICIT_LE };
      this.#accepted.set(context.id, { abstractSyntax: context.abstractSyntax, transferSyntax: choice });
      return { id: context.id, transferSyntax: choice };
    });
    const { maxPduLength = 16_384 } = script;
    await this.#peer.send(associateAccept(answers, maxPduLength));
  }

  async #take(part: ReturnType<typeof readPdvs>[number]): Promise<void> {
    this.#fragments.push(part.bytes);
    if (!part.isLast) return;
    const bytes = Buffer.concat(this.#fragments);
    this.#fragments = [];
    if (part.isCommand) {
      this.#command = { contextId: part.contextId, elements: readCommandSet(bytes) };
      if (us(this.#command.elements, 0x0800) === NO_DATA_SET) await this.#message(undefined);
      else if (us(this.#command.elements, 0x0100) === C_STORE_RQ) {
        const ending = this.#state.script.onStoreCommand?.(this.#storeFacts(this.#command));
        if (ending !== undefined) await this.#end(ending);
      }
    } else await this.#message(bytes);
  }

  async #message(dataSet: Buffer | undefined): Promise<void> {
    const command = this.#command;
    this.#command = undefined;
    if (command === undefined) return;
    const field = us(command.elements, 0x0100);
    if (field === C_STORE_RQ) await this.#store(command, dataSet ?? Buffer.alloc(0));
    else if (field === C_ECHO_RQ) await this.#echo(command);
    else await this.#state.script.other?.({ ...command, dataSet, peer: this.#peer });
  }

  async #store(command: ReceivedCommand, dataSet: Buffer): Promise<void> {
    const sha256 = createHash('sha256').update(dataSet).digest('hex');
    const seen: StoreSeen = { ...this.#storeFacts(command), dataSet, sha256 };
    this.#stores += 1;
    this.#state.stores.push(seen);
    const verdict = (await this.#state.script.store?.(seen)) ?? 0;
    if (typeof verdict === 'string') return this.#end(verdict);
    const answer: StoreAnswering = typeof verdict === 'number' ? { status: verdict } : verdict;
    if (answer.afterMs !== undefined) await new Promise((resolve) => setTimeout(resolve, answer.afterMs));
    const { status = 0, messageId = seen.messageId, responses = 1, errorComment } = answer;
    const response = pData(
      pdv(
        command.contextId,
        'command',
        true,
        commandSet(
          [0x0002, seen.sopClassUid],
          [0x0100, 0x8001],
          [0x0120, messageId],
          [0x0800, NO_DATA_SET],
          [0x0900, status],
          ...(errorComment === undefined ? [] : ([[0x0902, errorComment]] satisfies RawElement[])),
          [0x1000, seen.sopInstanceUid],
        ),
      ),
    );
    const isTaken = status === 0 || status === 1 || status >> 12 === 0xb;
    if (isTaken && messageId === seen.messageId) this.#state.taken.push(seen.sopInstanceUid);
    for (let count = 0; count < responses; count += 1) await this.#respond(response, answer.byteEveryMs);
    if (answer.ending !== undefined) await this.#end(answer.ending);
  }

  async #respond(response: Buffer, byteEveryMs: number | undefined): Promise<void> {
    if (byteEveryMs === undefined) return this.#peer.send(response);
    for (let at = 0; at < response.length && !this.#peer.isEnded; at += 1) {
      await this.#peer.send(response.subarray(at, at + 1));
      await new Promise((resolve) => setTimeout(resolve, byteEveryMs));
    }
  }

  async #echo({ contextId, elements }: ReceivedCommand): Promise<void> {
    this.#state.echoes += 1;
    const verdict = this.#state.script.echo?.(this.#number) ?? 0;
    if (typeof verdict === 'string') return this.#end(verdict);
    const response = commandSet(
      [0x0002, VERIFICATION],
      [0x0100, 0x8030],
      [0x0120, us(elements, 0x0110)],
      [0x0800, NO_DATA_SET],
      [0x0900, verdict],
    );
    await this.#peer.send(pData(pdv(contextId, 'command', true, response)));
  }

  async #release(): Promise<void> {
    const verdict = this.#state.script.release?.() ?? 'answer';
    if (verdict !== 'answer') return this.#end(verdict);
    await this.#peer.send(RELEASE_RESPONSE);
    await this.#peer.closeAfterOther();
  }

  #storeFacts({ contextId, elements }: ReceivedCommand): Omit<StoreSeen, 'dataSet' | 'sha256'> {
    const { stores } = this.#state;
    const sopInstanceUid = uid(elements, 0x1000);
    return {
      association: this.#number,
      count: stores.length + 1,
      times: stores.filter((one) => one.sopInstanceUid === sopInstanceUid).length + 1,
      countOnAssociation: this.#stores + 1,
      sopClassUid: uid(elements, 0x0002),
      sopInstanceUid,
      transferSyntaxUid: this.#accepted.get(contextId)?.transferSyntax ?? '',
      messageId: us(elements, 0x0110),
    };
  }

  async #end(ending: Ending): Promise<void> {
    switch (ending) {
      case 'abort':
        await this.#peer.send(abort());
        return this.#peer.closeAfterOther();
      case 'close':
        return this.#peer.close();
      case 'reset':
        this.#peer.socket.resetAndDestroy();
        return this.#peer.close();
      case 'half-open':
        this.#peer.socket.pause();
        return;
      default:
        ending satisfies 'silence';
    }
  }
}

const C_STORE_RQ = 0x0001;
const C_ECHO_RQ = 0x0030;
const NO_DATA_SET = 0x0101;

function us(elements: ReadonlyMap<number, Buffer>, element: number): number {
  return elements.get(element)?.readUInt16LE(0) ?? 0;
}

function uid(elements: ReadonlyMap<number, Buffer>, element: number): string {
  return (elements.get(element)?.toString('latin1') ?? '').replace(/\0+$/, '');
}

function contextsOf(
  instances: readonly Pick<PeerInstance, 'sopClassUid' | 'transferSyntaxUid'>[],
): readonly RawContext[] {
  const pairs = new Map(instances.map((one) => [`${one.sopClassUid} ${one.transferSyntaxUid}`, one]));
  const contexts = [...pairs.values()].map(({ sopClassUid, transferSyntaxUid }, index) => ({
    id: 2 * index + 1,
    abstractSyntax: sopClassUid,
    transferSyntaxes: [transferSyntaxUid],
  }));
  const echo = { abstractSyntax: VERIFICATION, transferSyntaxes: [EXPLICIT_LE, IMPLICIT_LE] };
  return [...contexts, { ...echo, id: 2 * contexts.length + 1 }];
}

/** The bytes in pieces of these sizes in turn; at least one piece, which may be empty. */
function cut(bytes: Uint8Array, sizes: readonly number[], withEmpty: boolean): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? bytes.length);
    if (withEmpty) pieces.push(new Uint8Array(0));
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  if (withEmpty || pieces.length === 0) pieces.push(new Uint8Array(0));
  return pieces;
}

function pdvsOf(contextId: number, kind: 'command' | 'data', pieces: readonly Uint8Array[]): Buffer[] {
  return pieces.map((piece, index) => pdv(contextId, kind, index === pieces.length - 1, piece));
}
