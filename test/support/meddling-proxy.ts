import net from 'node:net';

/** What becomes of a response on its way back; `abort` and `close` end the connection in its place. */
export type Meddling = 'pass' | 'drop' | 'abort' | 'close' | Buffer;

export interface MeddlingProxy {
  readonly port: number;
  readonly connections: number;
  stop(): Promise<void>;
}

const P_DATA_TF = 4;
const A_ABORT = Buffer.from([7, 0, 0, 0, 0, 4, 0, 0, 0, 0]);

/**
 * Stands before a peer and meddles with its responses, as peers that are broken do.
 *
 * @param meddle called with each P-DATA-TF that comes back, counted from 1 over all connections
 */
export async function startMeddlingProxy(
  peerPort: number,
  meddle: (response: Buffer, count: number) => Meddling | Promise<Meddling>,
): Promise<MeddlingProxy> {
  const sockets = new Set<net.Socket>();
  let connections = 0;
  let responses = 0;
  const server = net.createServer((near) => {
    connections += 1;
    const far = net.connect({ port: peerPort, host: '127.0.0.1', noDelay: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    near.setNoDelay(true);
    near.on('data', (bytes) => far.write(bytes));
    near.on('end', () => far.end());
    far.on('end', () => near.end());
    let pending = Buffer.alloc(0);
    let turn = Promise.resolve();
    far.on('data', (bytes) => {
      pending = Buffer.concat([pending, bytes]);
      while (pending.length >= 6 && pending.length >= 6 + pending.readUInt32BE(2)) {
        const pdu = pending.subarray(0, 6 + pending.readUInt32BE(2));
        pending = pending.subarray(pdu.length);
        turn = turn.then(() => passOn(pdu));
      }
    });
    const passOn = async (pdu: Buffer) => {
      if (pdu[0] !== P_DATA_TF) {
        near.write(pdu);
        return;
      }
      responses += 1;
      const verdict = await meddle(pdu, responses);
      if (verdict === 'drop') return;
      if (verdict === 'close') near.destroy();
      else if (verdict === 'abort') near.end(A_ABORT);
      else near.write(verdict === 'pass' ? pdu : verdict);
    };
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    get connections() {
      return connections;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The same response, to another message. */
export function toAnotherMessage(response: Buffer): Buffer {
  const other = Buffer.from(response);
  // (0000,0120) Message ID Being Responded To, US, in the command set, which is always Implicit VR Little Endian.
  const at = other.indexOf(Buffer.from([0, 0, 0x20, 0x01, 2, 0, 0, 0]));
  other.writeUInt16LE(other.readUInt16LE(at + 8) ^ 0x5555, at + 8);
  return other;
}
