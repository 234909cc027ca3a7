import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { spoolReaches, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type Capture, secondaryCapture } from '../support/secondary-capture.ts';
import { sendInstances } from '../support/sender.ts';

const first = secondaryCapture({ label: 'other-content' });
const second: Capture = { ...first, dataSet: withLastByteChanged(first.dataSet) };

function withLastByteChanged(dataSet: Uint8Array) {
  const changed = Buffer.from(dataSet);
  changed[changed.length - 1] = (changed.at(-1) as number) ^ 0xff;
  return changed;
}

async function startWith(policy: string): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'slidegate-test-'));
  const spool = { directory: join(folder, 'spool'), other_content: policy, watermark_free_bytes: 1_000_000 };
  return startTestGateway({ folder, settings: { spool } });
}

/** Data sets in the folder of the destination, by how they end. */
function delivered(gateway: TestGateway): Capture[] {
  return readdirSync(gateway.outbox, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.dcm'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
    .map((bytes) => (bytes.at(-1) === first.dataSet.at(-1) ? first : second));
}

// Fault case 9.
for (const [policy, statuses, states, kept] of [
  ['keep-both-and-hold', [0, 0, 0], { delivered: 1, held: 1, discarded: 0 }, first],
  ['reject', [0, 0xc111, 0], { delivered: 1, held: 0, discarded: 0 }, first],
  ['replace', [0, 0, 0], { delivered: 2, held: 0, discarded: 0 }, second],
] as const) {
  test(`other content under a known UID is answered and delivered as the policy ${policy} says`, async (t) => {
    await using gateway = await startWith(policy);
    const idle = () => spoolReaches(gateway.spool, (now) => now.states.pending === 0);

    const answers = await sendInstances(gateway.port, [first]);
    await idle();
    answers.push(...(await sendInstances(gateway.port, [second])));
    await idle();
    answers.push(...(await sendInstances(gateway.port, [kept]))); // Absorbed.

    t.deepEqual(answers, statuses);
    t.like((await idle()).states, states);
    t.deepEqual(delivered(gateway), [kept]);
  });
}

// Fault case 9.
test('the same image with padding behind it is the same image', async (t) => {
  await using gateway = await startWith('keep-both-and-hold');
  const padding = Buffer.from('fcfffcff4f42000008000000'.concat('00'.repeat(8)), 'hex'); // (FFFC,FFFC) OB
  const padded: Capture = { ...first, dataSet: Buffer.concat([first.dataSet, padding]) };
  const idle = () => spoolReaches(gateway.spool, (now) => now.states.pending === 0);

  await sendInstances(gateway.port, [first]);
  await idle();
  await sendInstances(gateway.port, [padded]);

  const { accepted, states } = await idle();
  t.is(accepted, 1);
  t.like(states, { delivered: 1, held: 0 });
});

// Fault case 9.
test('a source may have a policy of its own', async (t) => {
  const sources = { corrects: { ae_title: 'MODALITY', other_content: 'replace' } };
  await using gateway = await startTestGateway({ settings: { sources } });
  const idle = () => spoolReaches(gateway.spool, (now) => now.states.pending === 0);

  await sendInstances(gateway.port, [first]);
  await idle();
  await sendInstances(gateway.port, [second]);

  t.like((await idle()).states, { delivered: 2, held: 0 });
  t.deepEqual(delivered(gateway), [second]);
});
