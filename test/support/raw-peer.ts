import net from 'node:net';
import { associateRequest, readCommandSet } from './raw-pdu.ts';

export interface RawPdu {
  readonly type: number;
  /** What follows the header. */
  readonly body: Buffer;
}

/**
 * The upper layer without any manners: sends what it is told, keeps its half of the connection open, and tells
 * what came back, one PDU at a time. Either side of a connection.
 */
export class RawPeer {
  readonly socket: net.Socket;
  readonly #received: (RawPdu | undefined)[] = [];
  readonly #waiting: ((pdu: RawPdu | undefined) => void)[] = [];
  readonly #closed = Promise.withResolvers<void>();
  #pending = Buffer.alloc(0);
  #isEnded = false;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#take(bytes));
    socket.on('end', () => this.#end());
    socket.on('error', () => {}); // A reset is a close to us.
    socket.on('close', () => {
      this.#end();
      this.#closed.resolve();
    });
  }

  static async connect(port: number): Promise<RawPeer> {
    const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawPeer(socket);
  }

  /** Connects and associates; the answer is taken for granted. */
  static async associate(port: number, options?: Parameters<typeof associateRequest>[0]): Promise<RawPeer> {
    const peer = await RawPeer.connect(port);
    await peer.send(associateRequest(options));
    const answer = await peer.next();
    if (answer?.type !== 2) throw new Error(`Cannot associate: ${describePdu(answer)}`);
    return peer;
  }

  /** Resolves when the bytes have left, or never will. */
  send(...parts: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(Buffer.concat(parts), () => resolve());
    });
  }

  /** The next PDU; undefined when the other side has closed. */
  next(): Promise<RawPdu | undefined> {
    if (this.#received.length > 0) return Promise.resolve(this.#received.shift());
    if (this.#isEnded) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The next PDU in words; see {@link describePdu}. */
  async nextWords(): Promise<string> {
    return describePdu(await this.next());
  }

  /** Everything up to the close, in words. */
  async restWords(): Promise<string[]> {
    const words: string[] = [];
    for (;;) {
      const next = await this.next();
      words.push(describePdu(next));
      if (next === undefined) return words;
    }
  }

  /** The other side has closed its half. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /**
   * From now on takes only so many bytes at a time, at this interval: what is sent faster waits in the network, and
   * stops there when its buffers are full.
   */
  readSlowly(bytes: number, everyMs: number): void {
    const { socket } = this;
    socket.removeAllListeners('data');
    socket.pause();
    const timer = setInterval(() => {
      const some = (socket.read(bytes) ?? socket.read()) as Buffer | null;
      if (some !== null) this.#take(some);
    }, everyMs);
    socket.once('close', () => clearInterval(timer));
  }

  /** Closes our half; resolves when the other side has closed its own. */
  async closeAfterOther(): Promise<void> {
    this.socket.end();
    await this.#closed.promise;
  }

  /** Closes our half too; resolves when the connection is gone. */
  async close(): Promise<void> {
    this.socket.destroy();
    await this.#closed.promise;
  }

  #take(bytes: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    while (this.#pending.length >= 6) {
      const end = 6 + this.#pending.readUInt32BE(2);
      if (this.#pending.length < end) return;
      this.#push({ type: this.#pending.readUInt8(0), body: this.#pending.subarray(6, end) });
      this.#pending = this.#pending.subarray(end);
    }
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const waiting of this.#waiting.splice(0)) waiting(undefined);
  }

  #push(pdu: RawPdu): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#received.push(pdu);
    else waiting(pdu);
  }
}

/** A port, a free one unless it is given, on which each connection is given to `serve`. */
export async function acceptRawPeers(
  serve: (peer: RawPeer) => void | Promise<void>,
  port = 0,
): Promise<{ readonly port: number; close(): void }> {
  const peers = new Set<RawPeer>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const peer = new RawPeer(socket);
    peers.add(peer);
    void serve(peer);
  });
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port }, resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    close() {
      server.close();
      for (const peer of peers) peer.socket.destroy();
    },
  };
}

/** `A-ABORT 2/1`, `A-ASSOCIATE-RJ 1/1/7`, `8001H of 5: A700H`; `closed` for undefined. */
export function describePdu(pdu: RawPdu | undefined): string {
  if (pdu === undefined) return 'closed';
  const { type, body } = pdu;
  switch (type) {
    case 2:
      return 'A-ASSOCIATE-AC';
    case 3:
      return `A-ASSOCIATE-RJ ${body[1]}/${body[2]}/${body[3]}`;
    case 4:
      return describeCommand(body);
    case 5:
      return 'A-RELEASE-RQ';
    case 6:
      return 'A-RELEASE-RP';
    case 7:
      return `A-ABORT ${body[2]}/${body[3]}`;
    default:
      return `PDU ${type}`;
  }
}

function describeCommand(body: Buffer): string {
  const elements = readCommandSet(body.subarray(6));
  const us = (element: number) => elements.get(element)?.readUInt16LE(0) ?? 0;
  const hex = (value: number) => `${value.toString(16).toUpperCase().padStart(4, '0')}H`;
  return `${hex(us(0x0100))} of ${us(0x0120)}: ${hex(us(0x0900))}`;
}
