import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { DestinationsSettings } from '../../src/delivery/config.ts';
import { type DeliveryDeps, startDelivery } from '../../src/delivery/delivery.ts';
import { SpoolSettings } from '../../src/spool/config.ts';
import { type DeliveryPayload, openSpool, PRIORITY, type Spool } from '../../src/spool/spool.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import type { SmallInstance } from './small-instance.ts';

/** Waits as short as a test needs them. */
export const RETRY = {
  first_delay: '10ms',
  longest_delay: '50ms',
  resources_first_delay: '20ms',
  resources_longest_delay: '50ms',
};

/** A destination that speaks DICOM at a port of this machine. */
export function dimse(port: number, more: Record<string, unknown> = {}) {
  return { kind: 'dimse-scu', host: '127.0.0.1', port, called_ae_title: 'PACS', retry: RETRY, ...more };
}

/** The delivery stage on a spool of its own, which goes with the test. */
export async function openDelivery(t: ExecutionContext) {
  const directory = await mkdtemp(join(tmpdir(), 'delivery-'));
  const telemetry = { log: pino({ level: 'silent' }), metrics: createMetrics(new Registry()) };
  const settings = SpoolSettings.parse({ directory, watermark_free_bytes: 0 });
  const spool = await openSpool(settings, { telemetry });
  const closers: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true }), () => spool.close()];
  t.teardown(async () => {
    for (const close of closers.toReversed()) await close();
  });
  return {
    spool,
    directory,
    telemetry,
    reports: join(directory, 'reports'),
    closeLater: (close: () => Promise<unknown>) => closers.push(close),
    async start(destinations: Record<string, unknown>, deps: Partial<DeliveryDeps> = {}) {
      const delivery = await startDelivery(settingsOf(destinations), {
        spool,
        telemetry,
        reportsFolder: join(directory, 'reports'),
        ...deps,
      });
      closers.push(() => delivery.stop(100));
      return delivery;
    },
  };
}

/** As they are in force, defaults and all. */
export function settingsOf(destinations: Record<string, unknown>): DestinationsSettings {
  return DestinationsSettings.parse(destinations);
}

/** Into the spool, with a delivery to each of the destinations. */
export async function keep(
  spool: Spool,
  instances: readonly SmallInstance[],
  to: readonly string[],
  payload: DeliveryPayload = { rule: 'otherwise' },
): Promise<void> {
  for (const { sopClassUid, sopInstanceUid, transferSyntaxUid, fileMeta, dataSet } of instances) {
    const reception = spool.receive({
      sopClassUid,
      sopInstanceUid,
      transferSyntaxUid,
      source: 'unknown',
      callingAeTitle: 'SOURCE',
      calledAeTitle: 'SLIDEGATE',
      peerAddress: '127.0.0.1',
      fileMeta,
    });
    reception.write(dataSet);
    await reception.commit();
  }
  const priority = PRIORITY[payload.priority ?? 'normal'];
  for (let planned = 0; planned < instances.length; ) {
    const claims = await spool.claim({ kind: 'rules', limit: 100 }, AbortSignal.timeout(5000));
    const tasks = to.map((name) => ({ kind: `delivery:${name}` as const, payload, priority }));
    await spool.complete(claims.map((claim) => ({ claim, tasks, outcome: 'planned' })));
    planned += claims.length;
  }
}

/** Received entries in a state. */
export async function inState(spool: Spool, state: 'delivered' | 'held' | 'pending'): Promise<number> {
  return (await spool.status()).states[state];
}
