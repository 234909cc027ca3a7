import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { RuleFileError } from '../../src/rules/errors.ts';
import type { RuleSet } from '../../src/rules/rule-set.ts';
import { startRules } from '../../src/rules/rules.ts';
import type { ConversionPayload, EntryRow, Spool } from '../../src/spool/spool.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { ruleSetOf } from '../support/asked-rules.ts';
import { part10Of } from '../support/small-instance.ts';
import { claim, newInstance, openTemporarySpool, receive } from '../support/temporary-spool.ts';

const ARCHIVE_ALL = { rules: [], otherwise: { to: ['archive'] } };

/** The stage on a spool, with destinations of every name that the rules use. */
function start(spool: Spool, rules: RuleSet | Readonly<Record<string, unknown>>) {
  const ruleSet = 'version' in rules ? (rules as RuleSet) : ruleSetOf(rules);
  const telemetry = createTelemetry({ level: 'silent' });
  const destinations = ['archive', 'viewer', 'slides'];
  const stage = startRules(ruleSet, { spool, telemetry, destinations });
  return { telemetry, stage, [Symbol.asyncDispose]: () => stage.stop() };
}

/** The entry, as soon as it is in the state. */
async function entryIn(spool: Spool, entryId: number, state: EntryRow['state']): Promise<EntryRow> {
  const { promise, resolve, reject } = Promise.withResolvers<EntryRow>();
  const look = async () => {
    const [row] = await spool.query({ entryIds: [entryId] });
    if (row?.state === state) resolve(row);
  };
  const unsubscribe = spool.subscribe((event) => {
    if (event.type === 'entry' && event.entryId === entryId) look().catch(reject);
  });
  await look();
  return promise.finally(unsubscribe);
}

function rulesTaskOf(row: EntryRow) {
  return row.tasks.find(({ kind }) => kind === 'rules');
}

async function counted(metric: { get(): Promise<{ values: { labels: object; value: number }[] }> }) {
  const { values } = await metric.get();
  return values.map(({ labels, value }) => ({ ...labels, value }));
}

test('an instance gets the tasks of its plan, with the edits and the reasons', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool } = temporary;
  const rules = [
    { name: 'CT', when: { attribute: 'Modality', is: 'CT' }, to: ['viewer'] },
    { name: 'ct1', when: { from: 'ct1' }, do: [{ set: { StationName: 'ONE' } }], to: ['archive'] },
  ];
  await using running = start(spool, { rules });

  const { entryId } = await receive(spool);
  const [delivery] = await claim(spool, 'delivery:archive');

  t.is(delivery?.entry.entryId, entryId);
  t.deepEqual(delivery?.payload, { rule: 'ct1', edits: [{ set: 'StationName', value: ['ONE'] }] });
  const [row] = await spool.query({ entryIds: [entryId] });
  t.like(row?.explanation, {
    decidedBy: 'rules',
    matched: ['ct1'],
    deliveries: [{ destination: 'archive', rule: 'ct1' }],
    rules: [
      { rule: 'CT', verdict: 'failed', reasons: [{ condition: 'Modality is CT', saw: 'OT' }] },
      { rule: 'ct1', verdict: 'matched' },
    ],
  });
  t.deepEqual(await counted(running.telemetry.metrics.ruleMatchesTotal), [{ rule: 'ct1', value: 1 }]);
});

test('an instance that no rule sends anywhere is held, with the nearest misses', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool } = temporary;
  const rules = [
    { name: 'CT', when: { attribute: 'Modality', is: 'CT' }, to: ['archive'] },
    { name: 'somebody', when: { attribute: 'PatientName', is: 'Roe^Jane' }, to: ['archive'] },
  ];
  await using running = start(spool, { rules });

  const { entryId } = await receive(spool);
  const row = await entryIn(spool, entryId, 'held');

  t.is(rulesTaskOf(row)?.code, 'NO_RULE');
  t.is(
    rulesTaskOf(row)?.reason,
    'Cannot route the instance: no rule matches it and there is no "otherwise": ' +
      '"CT": Modality is CT, saw OT; "somebody": PatientName is …, saw differs',
  );
  t.deepEqual(await counted(running.telemetry.metrics.ruleErrorsTotal), [{ code: 'NO_RULE', value: 1 }]);
});

// Fault case 30.
test('an attribute that the header index does not hold keeps the instance held, and names it', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool } = temporary;
  const rules = [{ name: 'knees', when: { attribute: 'PatientComments', contains: 'knee' }, to: ['viewer'] }];
  await using _running = start(spool, { ...ARCHIVE_ALL, rules });
  const long = newInstance({ elements: [[0x0010_4000, 'LT', 'x'.repeat(4000)]] });

  const { entryId } = await receive(spool, long);
  const row = await entryIn(spool, entryId, 'held');

  t.is(rulesTaskOf(row)?.code, 'HEADER_UNREAD');
  t.regex(rulesTaskOf(row)?.reason ?? '', /^Cannot read PatientComments for the rules: /);
});

// Fault case 30.
test('a bug in the rules holds the instance without quoting it, and costs the others nothing', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool } = temporary;
  const sound = ruleSetOf(ARCHIVE_ALL);
  const broken = ruleSetOf({ rules: [{ name: 'broken', when: { from: 'never' }, to: ['viewer'] }] }).rules[0];
  if (broken === undefined) throw new TypeError('The rule is missing');
  const holds = (facts: { circumstances: { source: string } }) => {
    if (facts.circumstances.source === 'odd') throw new TypeError('cannot read DOE^JANE');
    return false;
  };
  const rule = { ...broken, when: { holds, addReasons: () => undefined } };
  await using _running = start(spool, { ...sound, rules: [rule] });

  const odd = await receive(spool, newInstance(), { source: 'odd' });
  const even = await receive(spool);
  const row = await entryIn(spool, odd.entryId, 'held');

  t.is((await claim(spool, 'delivery:archive'))[0]?.entry.entryId, even.entryId);
  t.is(rulesTaskOf(row)?.code, 'RULES_FAILED');
  t.regex(rulesTaskOf(row)?.reason ?? '', /unexpected TypeError at rules\.test\.ts:\d+$/);
});

test('a held instance is asked about again when an operator retries it', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool } = temporary;
  const before = start(spool, { rules: [{ name: 'CT', when: { from: 'ct9' }, to: ['archive'] }] });
  const { entryId } = await receive(spool);
  await entryIn(spool, entryId, 'held');
  await before.stage.stop();

  await using _after = start(spool, ARCHIVE_ALL);
  t.is(await spool.retry({ entryIds: [entryId] }), 1);

  t.is((await claim(spool, 'delivery:archive'))[0]?.entry.entryId, entryId);
});

test('hundreds of instances are planned batch by batch', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool } = temporary;
  const entries = await Promise.all(Array.from({ length: 200 }, () => receive(spool)));
  await using running = start(spool, ARCHIVE_ALL);

  const planned = new Set<number>();
  while (planned.size < entries.length) {
    const claims = await claim(spool, 'delivery:archive', 500);
    for (const { entry } of claims) planned.add(entry.entryId);
  }

  t.deepEqual(
    [...planned].sort((a, b) => a - b),
    entries.map(({ entryId }) => entryId).sort((a, b) => a - b),
  );
  await running.stage.stop();
  t.deepEqual(await counted(running.telemetry.metrics.unmatchedInstancesTotal), [{ value: 200 }]);
});

test('a product meets the rules for converted instances, or goes where its conversion said', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool } = temporary;
  const rules = [
    {
      name: 'slides (lossy JPEG)',
      do: [{ convert: { to: 'wsi' } }, { set: { StationName: 'A' } }],
      to: ['slides'],
    },
    {
      name: 'thumbnails',
      when: { all: [{ origin: 'converted' }, { attribute: 'PatientID', is: 'THUMBNAIL' }] },
      to: ['viewer'],
    },
  ];
  await using _running = start(spool, { rules });
  await receive(spool);
  const [conversion] = await claim(spool, 'conversion');
  const payload = conversion?.payload as ConversionPayload;
  t.true(payload.productsMeetRules);
  t.true(payload.decidedAtMs > 0);

  const folder = await spool.workFolder(conversion?.taskId ?? 0);
  const products = await Promise.all(
    ['THUMBNAIL', 'VOLUME'].map(async (patientId) => {
      const instance = newInstance({ patientId });
      const path = join(folder, `${patientId}.dcm`);
      await writeFile(path, part10Of(instance));
      const { sopClassUid, sopInstanceUid, transferSyntaxUid } = instance;
      const inherited = { rule: payload.rule, deliverTo: payload.deliverTo, edits: payload.editsAfter };
      return {
        path,
        sopClassUid,
        sopInstanceUid,
        transferSyntaxUid,
        tasks: [{ kind: 'rules' as const, payload: { inherited } }],
      };
    }),
  );
  if (conversion === undefined) throw new TypeError('There is no conversion');
  await spool.complete([{ claim: conversion, outcome: 'converted', products }]);

  const edits = [{ set: 'StationName', value: ['A'] }];
  const [thumbnail] = await claim(spool, 'delivery:viewer');
  const [volume] = await claim(spool, 'delivery:slides');
  t.deepEqual(thumbnail?.payload, { rule: 'thumbnails', edits });
  t.deepEqual(volume?.payload, { rule: 'slides (lossy JPEG)', edits });
  t.is(volume?.entry.sopInstanceUid, products[1]?.sopInstanceUid);
});

test('what the spool does not take comes up again, and nothing is lost', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool } = temporary;
  let refusals = 0;
  const moody = Object.create(spool, {
    claim: { value: spool.claim.bind(spool) },
    fail: { value: spool.fail.bind(spool) },
    release: { value: spool.release.bind(spool) },
    complete: {
      value: async (...completions: Parameters<Spool['complete']>) => {
        refusals += 1;
        if (refusals === 1) throw new Error('database is full');
        return spool.complete(...completions);
      },
    },
  }) as Spool;
  await using _running = start(moody, ARCHIVE_ALL);

  const { entryId } = await receive(spool);

  t.is((await claim(spool, 'delivery:archive'))[0]?.entry.entryId, entryId);
  t.is(refusals, 2);
});

test('other rules are in force for all that comes after they were put there', async (t) => {
  await using temporary = await openTemporarySpool();
  const { spool } = temporary;
  await using running = start(spool, ARCHIVE_ALL);
  const { entryId: before } = await receive(spool);
  const [toArchive] = await claim(spool, 'delivery:archive');

  const viewerAll = ruleSetOf({ rules: [], otherwise: { to: ['viewer'] } });
  running.stage.replace(viewerAll, ['viewer']);
  const { entryId: after } = await receive(spool);
  const [toViewer] = await claim(spool, 'delivery:viewer');

  t.is(toArchive?.entry.entryId, before);
  t.is(toViewer?.entry.entryId, after);
  t.is(running.stage.ruleSet, viewerAll);
});

test('rules that name no destination of the settings are not put in force', async (t) => {
  await using temporary = await openTemporarySpool();
  await using running = start(temporary.spool, ARCHIVE_ALL);
  const before = running.stage.ruleSet;

  const wrong = ruleSetOf({ rules: [], otherwise: { to: ['viewer'] } });
  const error = t.throws(() => running.stage.replace(wrong, ['archive']), { instanceOf: RuleFileError });

  t.regex(error.message, /unknown destination "viewer"/);
  t.is(running.stage.ruleSet, before);
});

test('a rule for a destination that the settings do not have keeps the stage from starting', async (t) => {
  await using temporary = await openTemporarySpool();

  const error = t.throws(() => start(temporary.spool, { rules: [], otherwise: { to: ['archve'] } }), {
    instanceOf: RuleFileError,
  });

  t.regex(error?.message ?? '', /unknown destination "archve"; did you mean "archive"\?/);
});
