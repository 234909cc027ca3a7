import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { freePort } from '../../src/cli/free-port.ts';
import { run, startPeer } from '../../src/cli/peer-process.ts';
import { spoolReaches, startTestGateway } from '../support/gateway.ts';
import { dataSetsBelow } from '../support/part10.ts';
import { secondaryCapture, writeCapture } from '../support/secondary-capture.ts';

const IMPLICIT = '1.2.840.10008.1.2';
const RULES = 'rules: []\notherwise: { to: [pacs] }\n';

function toPacs(port: number, extra: Record<string, unknown> = {}) {
  const pacs = { kind: 'dimse-scu', host: '127.0.0.1', port, called_ae_title: 'PACS', ...extra };
  return { rules: RULES, settings: { destinations: { outbox: null, pacs } } };
}

async function send(port: number, folder: string, count: number, label: string): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await writeCapture(join(folder, `${index}.dcm`), secondaryCapture({ label: `${label}-${index}` }));
  }
  const sent = await run('storescu', ['-aec', 'SLIDEGATE', '127.0.0.1', String(port), '+sd', folder]);
  if (sent.code !== 0) throw new Error(sent.output);
}

test('a destination that was down gets everything once it is up', async (t) => {
  const scratch = await mkdtemp(join(tmpdir(), 'slidegate-delivery-'));
  t.teardown(() => rm(scratch, { recursive: true, force: true }));
  const inbox = await mkdtemp(join(scratch, 'in-'));
  const files = await mkdtemp(join(scratch, 'files-'));
  const port = await freePort();
  await using gateway = await startTestGateway(
    toPacs(port, { retry: { first_delay: '100ms', longest_delay: '500ms' } }),
  );
  await send(gateway.port, files, 10, 'down-up');
  await spoolReaches(gateway.spool, ({ tasks }) => tasks.some(({ kind }) => kind === 'delivery:pacs'));

  const storescp = await startPeer('storescp', ['+B', '+xa', '-od', inbox, String(port)], { port });
  t.teardown(() => storescp.stop());

  await spoolReaches(gateway.spool, (status) => status.states.delivered === 10, 60_000);
  t.is((await dataSetsBelow(inbox)).size, 10);
});

test('a peer that takes only Implicit VR gets the same values in Implicit VR', async (t) => {
  const scratch = await mkdtemp(join(tmpdir(), 'slidegate-delivery-'));
  t.teardown(() => rm(scratch, { recursive: true, force: true }));
  const inbox = await mkdtemp(join(scratch, 'in-'));
  const port = await freePort();
  const storescp = await startPeer('storescp', ['+B', '+xi', '-od', inbox, String(port)], { port });
  t.teardown(() => storescp.stop());
  await using gateway = await startTestGateway(toPacs(port));
  const capture = secondaryCapture({ label: 'implicit-only' });
  const file = join(scratch, 'image.dcm');
  await writeCapture(file, capture);

  const sent = await run('storescu', ['-aec', 'SLIDEGATE', '127.0.0.1', String(gateway.port), file]);

  t.is(sent.code, 0, sent.output);
  await spoolReaches(gateway.spool, (status) => status.states.delivered === 1);
  const arrived = (await dataSetsBelow(inbox)).get(capture.sopInstanceUid);
  t.is(arrived?.transferSyntaxUid, IMPLICIT);
  const implicit = secondaryCapture({ label: 'implicit-only', transferSyntaxUid: IMPLICIT });
  t.true(arrived?.dataSet.equals(implicit.dataSet));
});

test('what the peer cannot take is held with both transfer syntaxes named; the rest goes on', async (t) => {
  const scratch = await mkdtemp(join(tmpdir(), 'slidegate-delivery-'));
  t.teardown(() => rm(scratch, { recursive: true, force: true }));
  const inbox = await mkdtemp(join(scratch, 'in-'));
  const port = await freePort();
  const storescp = await startPeer('storescp', ['+B', '+x=', '-od', inbox, String(port)], { port });
  t.teardown(() => storescp.stop());
  await using gateway = await startTestGateway(toPacs(port));
  const native = join(scratch, 'native.dcm');
  const coded = join(scratch, 'coded.dcm');
  await writeCapture(native, secondaryCapture({ label: 'coded' }));
  await run('dcmcjpeg', ['+e1', native, coded]);
  await writeCapture(native, secondaryCapture({ label: 'native' }));

  await run('storescu', ['-xs', '-aec', 'SLIDEGATE', '127.0.0.1', String(gateway.port), coded]);
  await run('storescu', ['-aec', 'SLIDEGATE', '127.0.0.1', String(gateway.port), native]);

  await spoolReaches(gateway.spool, ({ states }) => states.delivered === 1 && states.held === 1);
  const [held] = await gateway.spool.query({ state: 'held' });
  const reason = held?.tasks.find((task) => task.state === 'held')?.reason ?? '';
  t.regex(reason, /jpeg-lossless-sv1/);
  t.regex(reason, /explicit-le|implicit-le/);
});
