import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';

/** Logs in a process of its own, since the logger writes to file descriptor 2. */
async function logged(statement: string, level = 'info') {
  const module = new URL('../../src/telemetry/logger.ts', import.meta.url);
  const script = `import { createLogger } from ${JSON.stringify(module.href)};
    const log = createLogger({ level: ${JSON.stringify(level)} });
    ${statement}`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    script,
  ]);
  const lines = stderr.trim().split('\n').filter(Boolean);
  return { stdout, stderr, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('the log is one JSON object a line on standard error, with time and level in words', async (t) => {
  const { stdout, lines } = await logged(`log.warn({ entryId: 7 }, 'Delivery failed.'); log.info('Next.')`);

  t.is(stdout, '');
  t.is(lines.length, 2);
  t.like(lines[0], { level: 'warn', entryId: 7, msg: 'Delivery failed.' });
  t.true(Date.parse(String(lines[0]?.time)) > 0);
});

test('patient attributes are redacted at every depth that events use', async (t) => {
  const { stderr, lines } = await logged(`
    const patient = { PatientName: 'Doe^Jane', PatientID: 'MRN-4711', AccessionNumber: 'ACC-1', patientName: 'Doe^Jane' };
    log.info(patient, 'Top.');
    log.info({ facts: patient }, 'Nested.');
    log.info({ entry: { facts: patient } }, 'Nested twice.');`);

  t.is(lines.length, 3);
  t.notRegex(stderr, /Doe|4711|ACC-1/);
  t.like(lines[1], { facts: { PatientID: '[redacted]' } });
});

test('a duration is written to the microsecond, without what binary fractions add', async (t) => {
  const { lines } = await logged(`log.info({ durationMs: 940.8609100000031, PatientID: '4711' }, 'Done.')`);

  t.like(lines[0], { durationMs: 940.861, PatientID: '[redacted]', msg: 'Done.' });
});

test('what is less severe than the level is not written', async (t) => {
  const { lines } = await logged(`log.info('Unseen.'); log.error('Seen.')`, 'error');

  t.deepEqual(
    lines.map(({ msg }) => msg),
    ['Seen.'],
  );
});
