import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { dimse, inState, keep, openDelivery } from '../support/delivery.ts';
import { eventually } from '../support/eventually.ts';
import { smallInstance } from '../support/small-instance.ts';
import { startStoragePeer } from '../support/storage-peer.ts';

const several = (count: number) =>
  Array.from({ length: count }, (_, at) => smallInstance({ sopInstanceUid: `1.2.8.${at + 1}` }));

for (const action of ['hold', 'discard', 'erase'] as const) {
  test(`what an operator takes back (${action}) is not sent, though it was claimed ahead of its turn`, async (t) => {
    const opened = await openDelivery(t);
    const { spool } = opened;
    let delayMs = 50;
    const peer = await startStoragePeer({
      answer: async () => {
        await setTimeout(delayMs);
        return { status: 0 };
      },
    });
    opened.closeLater(() => peer.stop());
    await opened.start({ pacs: dimse(peer.port, { associations_max: 2 }) });
    await keep(spool, several(60), ['pacs']);
    await eventually('some are sent', () => peer.received.length >= 4);

    const options = { reason: 'wrong patient', by: 'operator', erase: action === 'erase' };
    const selection = { destination: 'pacs' };
    const taken = await (action === 'hold'
      ? spool.hold(selection, options.reason)
      : spool.discard(selection, options).then(({ count }) => count));
    delayMs = 0;

    // What was under way arrives all the same: one of each association, and one whose answer was being written down.
    await setTimeout(500);
    t.true(peer.received.length <= 60 - taken + 4, `${taken} taken back, ${peer.received.length} sent`);
    t.true(taken > 30);
    if (action !== 'hold') return;
    t.is(await spool.retry(selection), taken);
    await eventually('all are delivered', async () => (await inState(spool, 'delivered')) === 60);
  });
}
