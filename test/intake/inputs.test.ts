/** What holds for every kind of input: each has its driver here, and a kind without one does not compile. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readFileMeta } from '../../src/dicom/file-meta.ts';
import { openAssociation } from '../../src/dimse/service-user.ts';
import { IntakeSettings } from '../../src/intake/config.ts';
import type { InputSettings } from '../../src/intake/inputs.ts';
import { type RunningInput, startIntake } from '../../src/intake/intake.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { eventually } from '../support/eventually.ts';
import { part10Of, type SmallInstance } from '../support/small-instance.ts';
import { multipartOfInstances, postStudies } from '../support/stow-request.ts';
import { newInstance, openTemporarySpool, readInstance } from '../support/temporary-spool.ts';

interface Driver {
  readonly settings: object;
  /** Offers an instance as clients of the kind do; says whether it was taken, as the client is told. */
  offer(input: RunningInput, instance: SmallInstance): Promise<'taken' | 'refused'>;
}

const drivers: Record<InputSettings['kind'], (t: ExecutionContext) => Promise<Driver>> = {
  'dimse-scp': async () => ({
    settings: { kind: 'dimse-scp', port: 0 },
    async offer({ port = 0 }, { sopClassUid, sopInstanceUid, transferSyntaxUid, dataSet }) {
      const timeouts = { connectTimeoutMs: 5000, associationTimeoutMs: 5000, responseTimeoutMs: 20_000 };
      const titles = { calledAeTitle: 'SLIDEGATE', callingAeTitle: 'CT1' };
      const user = await openAssociation(
        { host: '127.0.0.1', port, ...titles, ...timeouts, maxPduLengthBytes: 131_072 },
        [{ abstractSyntaxUid: sopClassUid, transferSyntaxUids: [transferSyntaxUid] }],
      );
      const { status } = await user.store(
        { sopClassUid, sopInstanceUid, transferSyntaxUid },
        {
          lengthBytes: dataSet.length,
          async read(into, position) {
            return dataSet.copy(into, 0, position, position + into.length);
          },
        },
      );
      await user.release();
      return status === 0 ? 'taken' : 'refused';
    },
  }),
  'stow-rs': async () => ({
    settings: { kind: 'stow-rs', port: 0 },
    async offer({ place }, instance) {
      const reply = await postStudies(`http://${place}/dicom-web`, multipartOfInstances(instance));
      return reply.status === 200 ? 'taken' : 'refused';
    },
  }),
  folder: async (t) => {
    const path = await mkdtemp(join(tmpdir(), 'slidegate-inbox-'));
    t.teardown(() => rm(path, { recursive: true, force: true }));
    return {
      settings: { kind: 'folder', path, after: 'delete', settle_for: '20ms', poll_every: '20ms' },
      async offer({ place }, instance) {
        await writeFile(join(place, 'a.dcm'), part10Of(instance));
        const isGone = async () => (await readdir(place)).length === 0;
        return eventually('the file is taken', isGone, 1500).then(
          () => 'taken',
          () => 'refused',
        );
      },
    };
  },
};

for (const [kind, prepare] of Object.entries(drivers)) {
  async function start(t: ExecutionContext, spoolSettings: object = {}) {
    const temporary = await openTemporarySpool({ settings: spoolSettings });
    t.teardown(() => temporary[Symbol.asyncDispose]());
    const driver = await prepare(t);
    const settings = IntakeSettings.parse({ inputs: { one: driver.settings } });
    const { spool } = temporary;
    const intake = await startIntake(settings, { spool, telemetry: createTelemetry({ level: 'silent' }) });
    t.teardown(() => intake.stop(0));
    const input = intake.inputs()[0] as RunningInput;
    return { spool, intake, input, offer: (instance: SmallInstance) => driver.offer(input, instance) };
  }

  test(`${kind}: says its place, and takes an instance byte for byte`, async (t) => {
    const { spool, input, offer } = await start(t);
    const instance = newInstance({ pixelBytes: 2_000_000 });
    t.like(input, { name: 'one', kind });
    t.true(input.place.length > 0);

    t.is(await offer(instance), 'taken');
    const [entry] = await spool.query({ sopInstanceUid: instance.sopInstanceUid });
    const file = await readInstance(spool, entry!.entryId);
    const meta = readFileMeta(file);
    t.true(file.subarray(meta.dataSetOffset).equals(instance.dataSet));
    t.like(meta, { transferSyntaxUid: instance.transferSyntaxUid, sourceAeTitle: entry!.callingAeTitle });
    t.is(entry!.studyInstanceUid, instance.studyInstanceUid);
    t.is((await spool.status()).states.pending, 1);
  });

  test(`${kind}: takes nothing under the watermark, and says so`, async (t) => {
    const { spool, offer } = await start(t, { watermark_free_bytes: 2 ** 50 });

    t.is(await offer(newInstance()), 'refused');
    t.is((await spool.status()).accepted, 0);
  });

  test(`${kind}: ends within its limit, and takes nothing afterwards`, async (t) => {
    const { spool, intake, offer } = await start(t);
    t.is(await offer(newInstance()), 'taken');

    const begun = performance.now();
    await intake.stop(5000);
    t.true(performance.now() - begun < 4000);
    t.not(await offer(newInstance()).catch(() => 'refused'), 'taken');
    t.is((await spool.status()).accepted, 1);
    t.deepEqual(intake.inputs(), []);
  });
}
