/**
 * The demo's PACS: a process of its own, so that everything really crosses a socket.
 * Argument: the folder to keep instances in. Tells its parent the port, then each stored file.
 */
import { startLibraryPeer } from '../dimse/library-peer.ts';

const folder = process.argv[2];
if (folder === undefined || process.send === undefined) {
  process.stderr.write('Cannot start the demo PACS: it is run by `slidegate demo`, with a folder.\n');
  process.exit(2);
}
const send = process.send.bind(process);
const peer = await startLibraryPeer({ folder, onStored: (file) => send({ type: 'stored', ...file }) });
process.on('disconnect', () => process.exit(0));
send({ type: 'listening', port: peer.port });
