/** One data set, cut in every way that peers have been seen to cut it. Fault case 13. */
import ava from 'ava';
import { eventually } from '../support/eventually.ts';
import { startTestGateway } from '../support/gateway.ts';
import { type Cutting, RequestorPeer, startAcceptorPeer } from '../support/peer.ts';
import { type SmallInstance, smallInstance } from '../support/small-instance.ts';

const TO_PACS = 'rules: []\notherwise: { to: [pacs] }\n';
const CUTTINGS: Readonly<Record<string, Cutting>> = {
  'single bytes': { fragmentBytes: 1, fragmentsPerPdu: 50 },
  'odd lengths': { fragmentBytes: [1, 3, 997, 12_345, 7], fragmentsPerPdu: 3 },
  'fragments of no bytes between': { fragmentBytes: 2001, withEmptyFragments: true },
  'fragments of no bytes in the same PDU': {
    fragmentBytes: [999, 5],
    withEmptyFragments: true,
    fragmentsPerPdu: 7,
  },
  'a command set in single bytes': { commandFragmentBytes: 1 },
  'fragments of 4 KiB': { fragmentBytes: 4096 - 6 },
  'the longest PDU that was announced': { fragmentBytes: 131_072 - 6 },
};
/** In bytes, as announced; 0 is without limit. */
const PDU_LIMITS = [0, 4096, 16_384, 131_072];

ava(
  'every way of cutting a data set, over PDU limits of 0, 4 KiB and 128 KiB, gives the same bytes',
  async (t) => {
    const pacs = await startAcceptorPeer();
    t.teardown(() => pacs.stop());
    await using gateway = await startTestGateway({ rules: TO_PACS, settings: settingsFor(pacs.port) });
    const sent: SmallInstance[] = [];

    for (const [what, cutting] of Object.entries(CUTTINGS)) {
      for (const maxPduLength of PDU_LIMITS) {
        const instance = newInstance(cutting.fragmentBytes === 1 ? 3001 : 300_001);
        sent.push(instance);
        const peer = await RequestorPeer.associate(gateway.port, [instance], { maxPduLength });
        t.is(await peer.store(instance, cutting), '8001H of 1: 0000H', `${what}, ${maxPduLength}`);
        await peer.release();
      }
    }

    await eventually('all are delivered', () => pacs.stores.length === sent.length);
    for (const { sopInstanceUid, dataSet } of sent) {
      const arrived = pacs.stores.find((one) => one.sopInstanceUid === sopInstanceUid);
      t.true(arrived?.dataSet.equals(dataSet), sopInstanceUid);
    }
  },
);

ava('a destination gets the same bytes in PDUs no longer than it takes, whatever that is', async (t) => {
  for (const maxPduLength of PDU_LIMITS) {
    const pacs = await startAcceptorPeer({ maxPduLength });
    t.teardown(() => pacs.stop());
    await using gateway = await startTestGateway({ rules: TO_PACS, settings: settingsFor(pacs.port) });
    const instance = newInstance(700_000);
    const peer = await RequestorPeer.associate(gateway.port, [instance]);
    t.is(await peer.store(instance), '8001H of 1: 0000H');
    await peer.release();

    await eventually('it is delivered', () => pacs.stores.length === 1);

    t.true(pacs.stores[0]?.dataSet.equals(instance.dataSet));
    const longest = maxPduLength === 0 ? Number.POSITIVE_INFINITY : maxPduLength;
    t.true(pacs.longestPdu <= longest, `${pacs.longestPdu} bytes, ${maxPduLength} asked for`);
    t.true(pacs.longestPdu >= Math.min(4096, longest));
  }
});

function settingsFor(port: number): Record<string, unknown> {
  const pacs = { kind: 'dimse-scu', host: '127.0.0.1', port, called_ae_title: 'PACS' };
  return { destinations: { outbox: null, pacs } };
}

let instances = 0;

/** Of an even length: an odd one is another matter. */
function newInstance(pixelBytes: number): SmallInstance {
  instances += 1;
  const even = pixelBytes + (pixelBytes % 2);
  return smallInstance({ sopInstanceUid: `1.2.3.13.${instances}`, pixelBytes: even });
}
