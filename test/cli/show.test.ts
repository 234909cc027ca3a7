import test from 'ava';
import { slidegate } from '../support/command-line.ts';
import { startTestConsole, type TestConsole } from '../support/console.ts';

function run(gateway: TestConsole, ...args: readonly string[]) {
  return slidegate(['show', ...args, '--url', `http://127.0.0.1:${gateway.console.port}`]);
}

async function heldGateway() {
  const gateway = await startTestConsole();
  await gateway.accept('1.2.1');
  await gateway.plan(['pacs', 'archive']);
  await gateway.holdDelivery('pacs', {
    code: 'REFUSED',
    message: 'Destination answered A900H',
    status: 0xa900,
  });
  await gateway.accept('1.2.2');
  return gateway;
}

test.serial('show tells of an entry where it came from, and each task with its attempts', async (t) => {
  await using gateway = await heldGateway();

  const { code, stdout } = await run(gateway, '1');

  t.is(code, 0);
  t.regex(stdout, /^Entry 1 is pending\n {2}SOP Instance UID +1\.2\.1$/m);
  t.regex(stdout, /^ {2}Received +\d{4}-\d\d-\d\dT\S+Z$/m);
  t.regex(stdout, /^ {2}From +ct1 \(CT1 at 127\.0\.0\.1\), called as SLIDEGATE$/m);
  t.regex(stdout, /^ {2}SOP class +\D+Storage$/m);
  t.regex(stdout, /^ {2}Transfer syntax +\D+Endian$/m);
  t.regex(stdout, /^ {2}Size +\d.*, kept$/m);
  t.regex(
    stdout,
    /^ {2}delivery to pacs: held since \S+Z, 1 attempt: REFUSED A900H Destination answered A900H\n {4}attempt 1 at/m,
  );
  t.regex(stdout, /^ {2}delivery to archive: waiting since \S+Z$/m);
});

test.serial('show finds an instance by its UID, and a study with its entries counted', async (t) => {
  await using gateway = await heldGateway();
  const [{ studyInstanceUid } = { studyInstanceUid: '' }] = await gateway.spool.query({ entryIds: [1] });

  const instance = await run(gateway, '1.2.2', '--json');
  const study = await run(gateway, studyInstanceUid);

  const { found } = JSON.parse(instance.stdout);
  t.like(found[0], { asked: '1.2.2', as: 'instance' });
  t.like(found[0].entries[0], { entryId: 2, tasks: [{ stage: 'rules', attempts: [] }] });
  t.regex(study.stdout, /^Study \S+: 2 entries: 2 pending$/m);
  t.regex(
    study.stdout,
    /^1 +pending +\S+Z +ct1 +.* delivery to pacs held \(REFUSED\), delivery to archive waiting +1\.2\.1$/m,
  );
});

test.serial('show says who had an entry erased, and why', async (t) => {
  await using gateway = await heldGateway();
  await gateway.spool.discard({ entryIds: [1] }, { reason: 'Asked for.', by: 'ann', erase: true });

  const { stdout } = await run(gateway, '1');

  t.regex(stdout, /^ {2}Size .*, erased by ann at \S+Z: Asked for\.$/m);
});

test.serial('show of what is not here fails, and of what is no name asks nobody', async (t) => {
  await using gateway = await heldGateway();

  const missing = await run(gateway, '1', '1.2.99');

  t.is(missing.code, 1);
  t.regex(missing.stdout, /^Entry 1 is/);
  t.regex(missing.stdout, /^Nothing is known of 1\.2\.99:/m);
  t.is((await slidegate(['show', '--url', 'http://127.0.0.1:1'])).code, 2);
  t.is((await slidegate(['show', 'one', '--url', 'http://127.0.0.1:1'])).code, 2);
});
