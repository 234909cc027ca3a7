import test from 'ava';
import { startTestConsole } from '../support/console.ts';

const LANES = [{ destination: 'pacs', kind: 'dimse-scu', state: 'idle' }] as const;

async function samples(gateway: Awaited<ReturnType<typeof startTestConsole>>): Promise<Map<string, number>> {
  const { text } = await gateway.ask('/metrics');
  const lines = text.split('\n').filter((line) => line.startsWith('slidegate_'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

test.serial('gauges of entries, tasks and deliveries are those of the moment of the scrape', async (t) => {
  await using gateway = await startTestConsole({ ports: { lanes: () => LANES } });
  const before = await samples(gateway);
  const startedAt = Date.now() / 1000;
  await gateway.accept('1.2.1');
  await gateway.accept('1.2.2');
  await gateway.plan(['pacs']);
  const after = await samples(gateway);

  t.is(before.get('slidegate_entries{origin="received",state="pending"}'), 0);
  t.is(after.get('slidegate_entries{origin="received",state="pending"}'), 2);
  t.is(after.get('slidegate_tasks{stage="rules",state="waiting"}'), 1);
  t.is(after.get('slidegate_tasks{stage="delivery",state="waiting"}'), 1);
  t.is(after.get('slidegate_delivery_items{destination="pacs",state="waiting"}'), 1);
  const oldest = after.get('slidegate_delivery_oldest_pending_timestamp_seconds{destination="pacs"}') ?? 0;
  t.true(oldest >= startedAt - 1 && oldest <= Date.now() / 1000, String(oldest));
  t.true((after.get('slidegate_storage_free_bytes{volume="spool"}') ?? 0) > 0);
  t.is(after.get('slidegate_refusing_input{volume="spool"}'), 0);
});

test.serial('a destination without work shows 0, so that alerts can compare', async (t) => {
  await using gateway = await startTestConsole({ ports: { lanes: () => LANES } });

  const found = await samples(gateway);

  for (const state of ['waiting', 'claimed', 'held']) {
    t.is(found.get(`slidegate_delivery_items{destination="pacs",state="${state}"}`), 0);
  }
  t.is(found.get('slidegate_delivery_oldest_pending_timestamp_seconds{destination="pacs"}'), 0);
});

test.serial('what is held is no longer pending: it does not age', async (t) => {
  await using gateway = await startTestConsole({ ports: { lanes: () => LANES } });
  await gateway.accept('1.2.1');
  await gateway.plan(['pacs']);
  await gateway.holdDelivery('pacs', { code: 'REFUSED', message: 'No.' });

  const found = await samples(gateway);

  t.is(found.get('slidegate_delivery_items{destination="pacs",state="held"}'), 1);
  t.is(found.get('slidegate_delivery_oldest_pending_timestamp_seconds{destination="pacs"}'), 0);
  t.is(found.get('slidegate_entries{origin="received",state="held"}'), 1);
});

test.serial(
  'what a destination has taken and not committed to is shown, and is no delivery any more',
  async (t) => {
    const lanes = () => [{ ...LANES[0], awaitingCommitment: 1 }];
    await using gateway = await startTestConsole({ ports: { lanes } });
    await gateway.accept('1.2.1');
    const [claim] = await gateway.spool.claim({ kind: 'rules', limit: 1 }, AbortSignal.timeout(5000));
    const tasks = [{ kind: 'commitment:pacs' as const, payload: { rule: 'otherwise' } }];
    await gateway.spool.complete([{ claim: claim!, tasks, outcome: 'planned' }]);

    const found = await samples(gateway);
    const { destinations } = (await gateway.ask('/api/status')).json() as {
      destinations: readonly {
        awaitingCommitment?: number;
        oldestAwaitingCommitmentAt?: string;
        waiting: number;
      }[];
    };

    t.is(found.get('slidegate_delivery_items{destination="pacs",state="awaiting-commitment"}'), 1);
    t.is(found.get('slidegate_delivery_items{destination="pacs",state="waiting"}'), 0);
    t.is(found.get('slidegate_tasks{stage="commitment",state="waiting"}'), 1);
    t.like(destinations[0], { awaitingCommitment: 1, waiting: 0 });
    t.regex(destinations[0]?.oldestAwaitingCommitmentAt ?? '', /^\d{4}-.*Z$/);
  },
);
