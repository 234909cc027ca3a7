import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { DestinationsSettings } from '../../src/delivery/config.ts';
import type { DeliveryItem } from '../../src/delivery/destination-kind.ts';
import {
  addressOf,
  DestinationSettings,
  destinationKinds,
  openDestination,
} from '../../src/delivery/destinations.ts';
import { GatewayError } from '../../src/errors.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { MemoryInstances } from '../support/memory-instances.ts';
import { places } from '../support/places.ts';
import { smallInstance } from '../support/small-instance.ts';

/** Longer than what is read ahead, and than a part of an upload. */
const LARGE = 6 * 1024 * 1024;
const PATIENT = /DOE|JANE|4711/;

for (const [name, kind] of Object.entries(destinationKinds)) {
  const openPlace = async (t: ExecutionContext) => {
    const place = await places[name as keyof typeof places]();
    t.teardown(() => place.vanish());
    const instances = new MemoryInstances();
    const telemetry = { log: pino({ level: 'silent' }), metrics: createMetrics(new Registry()) };
    const session = await openDestination(DestinationSettings.parse(place.settings), {
      name: 'there',
      instances,
      telemetry,
    });
    t.teardown(() => session.close());
    const send = async (item: DeliveryItem, slot = 0) =>
      session.send(await session.prepare(item), { slot, alone: false });
    return { place, session, instances, send };
  };

  test(`${name}: every setting has a description, and an unknown one is refused`, (t) => {
    const shape: Record<string, z.ZodType> = kind.settings.shape;
    for (const [field, schema] of Object.entries(shape)) t.truthy(schema.description, field);

    t.throws(() => kind.settings.parse({ kind: name, hots: 'x' }), {
      instanceOf: z.ZodError,
      message: /hots/,
    });
  });

  test(`${name}: an instance arrives with the edits of its rule, byte for byte, whatever its size`, async (t) => {
    const { place, instances, send } = await openPlace(t);
    for (const pixelBytes of [0, 2, 1024 * 1024, LARGE]) {
      for (const patientId of ['P-4711', 'ANON']) {
        const sopInstanceUid = `1.2.${pixelBytes}.${patientId.length}`;
        const edits = patientId === 'ANON' ? [{ set: 'PatientID', value: ['ANON'] }] : undefined;
        const item = instances.add(smallInstance({ sopInstanceUid, pixelBytes }), edits);

        t.deepEqual(((await send(item)) as { outcome?: string }).outcome, 'delivered');

        const { dataSet } = smallInstance({ sopInstanceUid, pixelBytes, patientId });
        t.true((await place.contents()).get(sopInstanceUid)?.equals(dataSet), sopInstanceUid);
      }
    }
    t.is(instances.openNow, 0);
  });

  test(`${name}: every slot sends at the same time as the others`, async (t) => {
    const { place, session, instances, send } = await openPlace(t);
    const items = Array.from({ length: session.slots * 2 }, (_, at) =>
      instances.add(smallInstance({ sopInstanceUid: `1.2.${at + 1}`, pixelBytes: 200_000 })),
    );

    const outcomes = await Promise.all(
      Array.from({ length: session.slots }, async (_, slot) => {
        const own = items.filter((__, at) => at % session.slots === slot);
        const taken: boolean[] = [];
        for (const item of own) taken.push((await send(item, slot)).taken);
        return taken;
      }),
    );

    t.true(outcomes.flat().every(Boolean));
    t.is((await place.contents()).size, items.length);
  });

  test(`${name}: a second attempt replaces, and never adds`, async (t) => {
    const { place, instances, send } = await openPlace(t);
    const item = instances.add(smallInstance({ sopInstanceUid: '1.2.1', pixelBytes: 3000 }));
    await send(item);

    t.true((await send(item)).taken);

    const contents = await place.contents();
    t.is(contents.size, 1);
    t.true(
      contents.get('1.2.1')?.equals(smallInstance({ sopInstanceUid: '1.2.1', pixelBytes: 3000 }).dataSet),
    );
  });

  test(`${name}: what is refused is held, and nothing of it is there`, async (t) => {
    const { place, instances, send } = await openPlace(t);
    await place.refuse('1.2.1');

    const outcome = await send(instances.add(smallInstance({ sopInstanceUid: '1.2.1' })));

    t.like(outcome, { taken: false, reason: 'refused' });
    t.notRegex(JSON.stringify(outcome), PATIENT);
    t.false((await place.contents()).has('1.2.1'));
    t.is(instances.openNow, 0);
  });

  test(`${name}: a destination that is not there can be opened; a delivery to it is the trouble of the destination`, async (t) => {
    const { place, session, instances, send } = await openPlace(t);
    await place.vanish();

    const outcome = await send(instances.add(smallInstance({ sopInstanceUid: '1.2.1', pixelBytes: LARGE })));

    t.like(outcome, { taken: false, reason: 'unreachable' });
    t.notRegex(JSON.stringify(outcome), PATIENT);
    const refusal = await t.throwsAsync(async () => session.echo?.());
    t.true(refusal instanceof GatewayError);
    t.notRegex(String(refusal?.message), PATIENT);
    t.is(instances.openNow, 0);
  });

  test(`${name}: echo() is answered by a destination that is there`, async (t) => {
    const { session } = await openPlace(t);

    await t.notThrowsAsync(async () => session.echo?.());
  });

  test(`${name}: a copy of ours that is damaged is held, and nothing of it is there`, async (t) => {
    const { place, instances, send } = await openPlace(t);
    for (const pixelBytes of [64, LARGE]) {
      const item = instances.add(smallInstance({ sopInstanceUid: '1.2.1', pixelBytes }));
      instances.damage(item, item.entry.sizeBytes - 1);
      const problem = await send(item).catch((error: unknown) => error);
      t.like(problem, { code: 'DIGEST_MISMATCH' });
    }
    t.is((await place.contents()).size, 0);
    t.is(instances.openNow, 0);
  });

  test(`${name}: what is being sent when it closes is nobody's failure, and nothing of it is there`, async (t) => {
    const { place, session, instances } = await openPlace(t);
    const item = instances.add(smallInstance({ sopInstanceUid: '1.2.1', pixelBytes: LARGE }));
    const prepared = await session.prepare(item);
    let closing: Promise<void> | undefined;
    instances.onRead = (position) => {
      if (position > LARGE / 2) closing ??= session.close();
    };

    t.like(await session.send(prepared, { slot: 0, alone: false }), { taken: false, code: 'STOPPED' });

    await closing;
    t.truthy(closing);
    t.is((await place.contents()).size, 0);
    t.is(instances.openNow, 0);
  });

  test(`${name}: what is sent after close() is nobody's failure, and close() may come twice`, async (t) => {
    const { session, instances } = await openPlace(t);
    const prepared = await session.prepare(instances.add(smallInstance({ sopInstanceUid: '1.2.1' })));
    await session.close();
    await session.close();

    t.like(await session.send(prepared, { slot: 0, alone: false }), { taken: false, code: 'STOPPED' });
    t.is(instances.openNow, 0);
  });

  test(`${name}: its address names a setting of its own`, async (t) => {
    const place = await places[name as keyof typeof places]();
    t.teardown(() => place.vanish());
    const address = addressOf(DestinationSettings.parse(place.settings));

    t.true(address.setting in kind.settings.shape);
    t.not(address.place, '');
    t.true(address.server !== undefined || address.folder !== undefined);
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
    'all.dcm',
  ]) {
    for (const settings of [
      { kind: 'folder', path: '.' },
      { kind: 's3', bucket: 'images' },
    ]) {
      const parsed = DestinationSettings.safeParse({ ...settings, template });
      t.deepEqual(parsed.error?.issues[0]?.path, ['template'], template);
    }
  }
});

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
