/** Many sources, many destinations, many associations: everything arrives everywhere, once on record, unchanged. */
import { createHash } from 'node:crypto';
import test from 'ava';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { startRecordingPacs } from '../support/recording-pacs.ts';
import { secondaryCapture } from '../support/secondary-capture.ts';
import { sendInstances } from '../support/sender.ts';

const MIXED = [20, 20, 20, 20, 60, 60, 250, 900]; // Rows and columns of RGB: 1 KB to 2.4 MB, in segments and files.

// Fault case 37.
for (const { sources, destinations, associations } of [
  { sources: 1, destinations: 1, associations: 1 },
  { sources: 1, destinations: 4, associations: 1 },
  { sources: 8, destinations: 1, associations: 1 },
  { sources: 8, destinations: 1, associations: 8 },
  { sources: 8, destinations: 4, associations: 4 },
  { sources: 16, destinations: 3, associations: 2 },
]) {
  test.serial(
    `${sources} sources × ${destinations} destinations × ${associations} associations: all arrive`,
    async (t) => {
      const peers = await Promise.all(Array.from({ length: destinations }, () => startRecordingPacs()));
      const names = peers.map((_, index) => `pacs${index}`);
      await using gateway = await startTestGateway({
        rules: `rules: []\notherwise: { to: [${names.join(', ')}] }\n`,
        settings: {
          destinations: {
            outbox: null,
            ...Object.fromEntries(
              peers.map(({ port }, index) => [
                names[index],
                {
                  kind: 'dimse-scu',
                  host: '127.0.0.1',
                  port,
                  called_ae_title: 'PACS',
                  associations_max: associations,
                },
              ]),
            ),
          },
        },
      });
      const bySource = Array.from({ length: sources }, (_, source) =>
        MIXED.map((rows, index) =>
          secondaryCapture({ label: `${source}-${index}-${associations}`, rows, columns: rows }),
        ),
      );

      const answers = await Promise.all(bySource.map((captures) => sendInstances(gateway.port, captures)));
      const { states } = await spoolReaches(gateway.spool, (now) => now.states.pending === 0, 60_000);
      await Promise.all(peers.map((peer) => peer.stop()));

      t.deepEqual(new Set(answers.flat()), new Set([0]));
      t.like(states, { delivered: sources * MIXED.length, held: 0, discarded: 0 });
      const sent = bySource
        .flat()
        .map(({ sopInstanceUid, dataSet }) => `${sopInstanceUid} ${digestOf(dataSet)}`);
      for (const { received } of peers) {
        const arrived = received.map(({ sopInstanceUid, digest }) => `${sopInstanceUid} ${digest}`);
        t.deepEqual(arrived.toSorted(), sent.toSorted());
      }
    },
  );
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
