import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSpool, type Spool, SpoolSettings } from '../../src/spool/spool.ts';
import { deliveryFailed } from '../../src/telemetry/events.ts';
import { createTelemetry, type Telemetry } from '../../src/telemetry/telemetry.ts';
import { claim, receive } from './temporary-spool.ts';
import { settled, type VirtualClock } from './virtual-clock.ts';

export interface TestSpool extends AsyncDisposable {
  readonly spool: Spool;
  readonly telemetry: Telemetry;
  /** Lets the notices look once more, and waits until they have. */
  looked(clock: VirtualClock): Promise<void>;
  /** Resolves once so many notices have been sent to a channel. */
  sent(channel: string, count: number): Promise<void>;
}

/** A spool with the metrics that its notices are judged by. */
export async function openSpoolOfTest(): Promise<TestSpool> {
  const directory = await mkdtemp(join(tmpdir(), 'notices-'));
  const telemetry = createTelemetry({ level: 'silent' });
  const spool = await openSpool(SpoolSettings.parse({ directory, watermark_free_bytes: 0 }), { telemetry });
  let looks = 0;
  const { status } = spool;
  spool.status = async () => {
    const answer = await status.call(spool);
    looks += 1;
    return answer;
  };
  return {
    spool,
    telemetry,
    async looked(clock) {
      const before = looks;
      await clock.advance(10_000);
      while (looks === before) await settled();
      await settled();
    },
    async sent(channel, count) {
      for (;;) {
        const { values } = await telemetry.metrics.noticesTotal.get();
        const sent = values.find(({ labels }) => labels.channel === channel && labels.outcome === 'sent');
        if ((sent?.value ?? 0) >= count) return;
        await settled();
      }
    },
    async [Symbol.asyncDispose]() {
      await spool.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Receives an instance, and holds its delivery as a lane does. */
export async function heldByTest(
  { spool, telemetry }: Pick<TestSpool, 'spool' | 'telemetry'>,
  destination: string,
  message: string,
): Promise<number> {
  const { entryId } = await receive(spool);
  const [rules] = await claim(spool, 'rules');
  const kind = `delivery:${destination}` as const;
  await spool.complete([
    { claim: rules!, outcome: 'planned', tasks: [{ kind, payload: { rule: 'otherwise' } }] },
  ]);
  const [delivery] = await claim(spool, kind);
  const failure = { code: 'REFUSED', message, status: 0xa900, disposition: 'hold' } as const;
  await spool.fail([{ claim: delivery!, ...failure }]);
  deliveryFailed(telemetry, {
    destination,
    entryId,
    attempt: 1,
    code: 'REFUSED',
    disposition: 'hold',
    status: 'A900',
    reason: 'Destination answered A900H',
  });
  return entryId;
}
