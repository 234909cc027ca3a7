import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ReportFile, type ReportLine } from '../../src/delivery/report-file.ts';
import { dimse, inState, keep, openDelivery } from '../support/delivery.ts';
import { eventually } from '../support/eventually.ts';
import { smallInstance } from '../support/small-instance.ts';
import { startStoragePeer } from '../support/storage-peer.ts';

type Opened = Awaited<ReturnType<typeof openDelivery>>;

/** Every line of every report, as read by somebody who knows the page about them. */
async function linesOf({ reports }: Opened): Promise<ReportLine[]> {
  const files = (await readdir(reports)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(reports, file), 'utf8')));
  return texts.flatMap((text) => text.split('\n').filter(Boolean)).map((line) => JSON.parse(line));
}

async function openReporting(t: ExecutionContext, more: Record<string, unknown> = {}) {
  const opened = await openDelivery(t);
  const peer = await startStoragePeer();
  opened.closeLater(() => peer.stop());
  const delivery = await opened.start({ pacs: dimse(peer.port, { report_only: true, ...more }) });
  return { opened, peer, delivery };
}

const several = (count: number) =>
  Array.from({ length: count }, (_, at) => smallInstance({ sopInstanceUid: `1.2.8.${at + 1}` }));

test('nothing is sent where a destination is only reported on; each instance counts as delivered and is written down', async (t) => {
  const { opened, peer, delivery } = await openReporting(t);
  const instances = several(30);

  await keep(opened.spool, instances, ['pacs']);
  await eventually('all reported', async () => (await inState(opened.spool, 'delivered')) === 30);

  t.is(peer.associations.opened, 0);
  const lines = await linesOf(opened);
  t.is(lines.length, 30);
  const [first] = instances;
  const line = lines.find(({ sopInstanceUid }) => sopInstanceUid === first?.sopInstanceUid);
  t.like(line, {
    origin: 'received',
    rule: 'otherwise',
    sopClassUid: first?.sopClassUid,
    transferSyntaxUid: first?.transferSyntaxUid,
    dataSetBytes: first?.dataSet.byteLength,
    sha256: createHash('sha256').update(first!.dataSet).digest('hex'),
  });
  t.deepEqual(Object.keys(line!).toSorted(), [
    'at',
    'dataSetBytes',
    'entryId',
    'origin',
    'rule',
    'seriesInstanceUid',
    'sha256',
    'sopClassUid',
    'sopInstanceUid',
    'studyInstanceUid',
    'transferSyntaxUid',
  ]);
  const [entry] = await opened.spool.query({ entryIds: [line!.entryId] });
  const task = entry?.tasks.find(({ kind }) => kind === 'delivery:pacs');
  t.like(task, { state: 'done', code: 'reported' });
  t.like(delivery.lanes()[0], { reportOnly: true, reported: 30, taken: 0, failed: 0 });
  const { metrics } = opened.telemetry;
  t.is((await metrics.reportOnly.get()).values[0]?.value, 1);
  t.is((await metrics.sentBytesTotal.get()).values.length, 0);
});

test('whether the destination is there is asked all the same', async (t) => {
  const { peer, delivery } = await openReporting(t);

  t.true((await delivery.echo('pacs')).durationMs > 0);

  t.is(peer.associations.opened, 1);
  t.is(peer.received.length, 0);
});

test('the digest is that of what would be sent: edits made, odd values padded', async (t) => {
  const { opened } = await openReporting(t, { odd_length: 'pad' });
  const edits = [{ set: 'StationName', value: ['NEW'] }];
  const other = await openDelivery(t);
  const live = await startStoragePeer();
  other.closeLater(() => live.stop());
  await other.start({ pacs: dimse(live.port, { odd_length: 'pad' }) });
  for (const { spool } of [opened, other]) await keep(spool, several(1), ['pacs'], { rule: 'r', edits });
  await eventually('sent', () => live.kept.length === 1);
  await eventually('reported', async () => (await inState(opened.spool, 'delivered')) === 1);

  const [line] = await linesOf(opened);
  t.is(line?.sha256, createHash('sha256').update(live.kept[0]!.dataSet).digest('hex'));
  t.true(line?.edited);
});

test('what could not be sent is held in a report, too', async (t) => {
  const { opened } = await openReporting(t);
  await keep(opened.spool, [smallInstance({ sopInstanceUid: '1.2.8.77', pixelBytes: 101 })], ['pacs']);

  await eventually('held', async () => (await inState(opened.spool, 'held')) === 1);

  const [entry] = await opened.spool.query({ state: 'held' });
  t.is(entry?.tasks.find(({ state }) => state === 'held')?.code, 'ODD_LENGTH');
});

test('a report that cannot be written is written later: nothing counts as reported before', async (t) => {
  const opened = await openDelivery(t);
  await writeFile(opened.reports, 'in the way');
  const delivery = await opened.start({ pacs: dimse(1, { report_only: true }) });
  await keep(opened.spool, several(3), ['pacs']);
  await eventually('it fails', () => (delivery.lanes()[0]?.failed ?? 0) > 0);
  t.is(await inState(opened.spool, 'delivered'), 0);
  t.is(delivery.lanes()[0]?.lastFailure?.code, 'REPORT_UNWRITABLE');

  await rm(opened.reports);
  await eventually('all reported', async () => (await inState(opened.spool, 'delivered')) === 3);

  t.is((await linesOf(opened)).length, 3);
});

const LINE: ReportLine = {
  at: '2025-03-01T08:00:00.000Z',
  entryId: 1,
  origin: 'received',
  rule: 'r',
  sopClassUid: '1.2',
  sopInstanceUid: '1.2.3',
  studyInstanceUid: '1.2.4',
  seriesInstanceUid: '1.2.5',
  transferSyntaxUid: '1.2.840.10008.1.2',
  dataSetBytes: 10,
  sha256: 'ab',
};

test('a report that is taken away while it is written to is begun anew', async (t) => {
  const { opened } = await openReporting(t);
  const [first, ...others] = several(4);
  await keep(opened.spool, [first!], ['pacs']);
  await eventually('reported', async () => (await inState(opened.spool, 'delivered')) === 1);
  for (const file of await readdir(opened.reports)) await rm(join(opened.reports, file));

  await keep(opened.spool, others, ['pacs']);
  await eventually('all reported', async () => (await inState(opened.spool, 'delivered')) === 4);

  t.is((await linesOf(opened)).length, 3);
});

test('a line that a crash has cut short is ended, and the next stands on a line of its own', async (t) => {
  const { directory } = await openDelivery(t);
  const folder = join(directory, 'torn');
  await mkdir(folder);
  await appendFile(join(folder, 'pacs-20250301.jsonl'), '{"at":"2025-03-01T07:5');
  const file = new ReportFile({ folder, destination: 'pacs', timeZone: 'UTC' });

  await Promise.all([file.append(LINE), file.append({ ...LINE, entryId: 2 })]);
  await file.close();

  const lines = (await readFile(join(folder, 'pacs-20250301.jsonl'), 'utf8')).split('\n');
  t.is(lines.length, 4);
  t.deepEqual(
    lines.slice(1, 3).map((line) => JSON.parse(line).entryId),
    [1, 2],
  );
});

test('there is a file for each day of the site, for nobody else to read', async (t) => {
  const { directory } = await openDelivery(t);
  const folder = join(directory, 'days');
  const file = new ReportFile({ folder, destination: 'pacs', timeZone: 'Europe/Berlin' });

  await Promise.all([
    file.append({ ...LINE, at: '2025-03-01T22:59:59.999Z' }),
    file.append({ ...LINE, at: '2025-03-01T23:00:00.000Z' }),
  ]);
  await file.close();

  t.deepEqual((await readdir(folder)).sort(), ['pacs-20250301.jsonl', 'pacs-20250302.jsonl']);
  t.is((await stat(join(folder, 'pacs-20250301.jsonl'))).mode & 0o777, 0o600);
  t.is((await stat(folder)).mode & 0o777, 0o700);
});
