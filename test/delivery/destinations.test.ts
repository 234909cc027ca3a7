import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { DestinationsSettings } from '../../src/delivery/config.ts';
import { DestinationSettings, destinationKinds, openDestination } from '../../src/delivery/destinations.ts';
import { GatewayError } from '../../src/errors.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { MemoryInstances } from '../support/memory-instances.ts';
import { smallInstance } from '../support/small-instance.ts';
import { startStoragePeer } from '../support/storage-peer.ts';

/** Of each kind, a destination that is not there. */
const absent: Record<keyof typeof destinationKinds, () => Promise<unknown>> = {
  async 'dimse-scu'() {
    const peer = await startStoragePeer();
    await peer.stop();
    return { kind: 'dimse-scu', host: '127.0.0.1', port: peer.port, called_ae_title: 'PACS' };
  },
  async folder() {
    const path = await mkdtemp(join(tmpdir(), 'absent-'));
    await rm(path, { recursive: true });
    return { kind: 'folder', path, create: false };
  },
};

test('a template with a misspelled attribute is refused in one sentence that names it', (t) => {
  const { error } = DestinationSettings.safeParse({
    kind: 'folder',
    path: '/tmp/x',
    template: '{PatientNam}/{Rows}.dcm',
  });

  t.regex(
    String(error?.issues[0]?.message),
    /^must hold names of attributes in braces: .*the dictionary has no attribute "PatientNam"/,
  );
});

for (const [name, kind] of Object.entries(destinationKinds)) {
  const openAbsent = async () => {
    const settings = DestinationSettings.parse(await absent[name as keyof typeof absent]());
    const instances = new MemoryInstances();
    const telemetry = { log: pino({ level: 'silent' }), metrics: createMetrics(new Registry()) };
    const session = openDestination(settings, { name: 'absent', instances, telemetry });
    return { session, item: instances.add(smallInstance({ sopInstanceUid: '1.2.1' })) };
  };

  test(`${name}: every setting has a description, and an unknown one is refused`, (t) => {
    const shape: Record<string, z.ZodType> = kind.settings.shape;
    for (const [field, schema] of Object.entries(shape)) t.truthy(schema.description, field);

    t.throws(() => kind.settings.parse({ kind: name, hots: 'x' }), {
      instanceOf: z.ZodError,
      message: /hots/,
    });
  });

  test(`${name}: a destination that is not there can be opened; a delivery to it is the trouble of the destination`, async (t) => {
    const { session, item } = await openAbsent();

    const outcome = await session.send(await session.prepare(item), { slot: 0, alone: false });

    t.like(outcome, { taken: false, reason: 'unreachable' });
    t.true((await t.throwsAsync(async () => session.echo?.())) instanceof GatewayError);
    await session.close();
  });

  test(`${name}: what is sent after close() is nobody's failure, and close() may come twice`, async (t) => {
    const { session, item } = await openAbsent();
    const prepared = await session.prepare(item);
    await session.close();
    await session.close();

    t.like(await session.send(prepared, { slot: 0, alone: false }), { taken: false, code: 'STOPPED' });
  });
}

test('a destination is called by a name that can be a label and a word of a rule', (t) => {
  const folder = { kind: 'folder', path: './outbox' };

  t.notThrows(() => DestinationsSettings.parse({ 'pacs-2.main_A': folder }));
  for (const name of ['', 'two words', '-x', 'a/b', 'ä', 'x'.repeat(65)]) {
    t.throws(() => DestinationsSettings.parse({ [name]: folder }), undefined, name);
  }
});

test('a template that leads out of the folder, or names no attribute, is refused when settings are read', (t) => {
  for (const template of [
    '../{SOPInstanceUID}.dcm',
    '/{SOPInstanceUID}',
    '{NoSuchAttribute}.dcm',
    '{SOPInstanceUID',
  ]) {
    const parsed = DestinationSettings.safeParse({ kind: 'folder', path: '.', template });
    t.deepEqual(parsed.error?.issues[0]?.path, ['template'], template);
  }
});
