import test from 'ava';
import { openPage } from '../support/browser.ts';
import { startTestConsole } from '../support/console.ts';

const LANES = [
  {
    destination: 'pacs',
    kind: 'dimse-scu',
    state: 'suspended',
    lastFailure: {
      atMs: 0,
      code: 'CONNECTION_FAILED',
      reason: 'Cannot connect to 10.0.0.5:104: ECONNREFUSED',
    },
  },
] as const;

test('the page shows what the spool holds, follows it, and its button retries', async (t) => {
  await using gateway = await startTestConsole({ ports: { lanes: () => LANES } });
  const entryId = await gateway.accept('1.2.1');
  await gateway.plan(['pacs']);
  await gateway.holdDelivery('pacs', { code: 'REFUSED', message: 'It said <b>no</b>', status: 0xa900 });

  await using page = await openPage(`http://127.0.0.1:${gateway.console.port}/`);
  const textOf = (selector: string) =>
    page.evaluate<string>(`document.querySelector('${selector}').textContent`);
  await page.until(`document.querySelector('#held code')`);

  t.is(await textOf('#readiness'), 'Ready');
  t.regex(await textOf('#counts'), /Accepted1Delivered0Pending0Held1Discarded0/);
  t.regex(await textOf('#destinations'), /pacs dimse-scuSuspended001––Cannot connect to 10\.0\.0\.5:104/);
  t.is(await textOf('#held code'), `npx slidegate retry ${entryId} --destination pacs`);
  // What comes from a peer enters the page as text.
  t.regex(await textOf('#held .reason'), /It said <b>no<\/b>/);

  // Told by the live stream, well before the page would ask by itself.
  await gateway.accept('1.2.2');
  await page.until(`document.getElementById('counts').textContent.includes('Accepted2')`);

  await page.evaluate(`document.querySelector('#held button').click()`);
  await page.until(`document.getElementById('held').textContent === 'Nothing.'`);
  t.regex(await textOf('#acted'), /1 task waits again/);
  t.is((await gateway.spool.status()).states.held, 0);
  t.deepEqual(page.complaints, []);
});

test('what is held is filtered, opened and discarded for a reason, after a preview', async (t) => {
  await using gateway = await startTestConsole({ ports: { lanes: () => LANES } });
  for (const uid of ['1.2.1', '1.2.2', '1.2.3']) {
    await gateway.accept(uid);
    await gateway.plan(['pacs', 'archive']);
  }
  await gateway.holdDelivery('pacs', { code: 'REFUSED', message: 'No: "DOE"', status: 0xa900 });
  await gateway.holdDelivery('pacs', { code: 'REFUSED', message: 'No: "DOE"', status: 0xa900 });
  await gateway.holdDelivery('archive', { code: 'RESPONSE_TIMEOUT', message: 'No answer' });

  await using page = await openPage(`http://127.0.0.1:${gateway.console.port}/`);
  const rows = `document.querySelectorAll('#held > tr').length`;
  const choose = (name: string, value: string) =>
    page.evaluate(
      `{ const chosen = document.getElementById('held-${name}'); chosen.value = '${value}'; chosen.dispatchEvent(new Event('change')); }`,
    );
  await page.until(`${rows} === 3`);
  t.regex(
    await page.evaluate<string>(`document.getElementById('held-groups').textContent`),
    /2 delivery to pacs: No: "DOE" REFUSED A900H, for/,
  );

  await choose('destination', 'pacs');
  await page.until(`${rows} === 2`);
  await page.evaluate(`document.querySelectorAll('#held tr button')[2].click()`);
  await page.until(
    `document.querySelector('#held .attempts')?.textContent.includes('No: "DOE" REFUSED A900H')`,
  );

  await page.evaluate(`document.getElementById('held-discard').click()`);
  await page.until(`document.getElementById('confirm').open`);
  t.is(await page.evaluate<string>(`document.getElementById('confirm-count').textContent`), '2 tasks:');
  await page.evaluate(`document.getElementById('confirm-yes').click()`);
  t.true(await page.evaluate<boolean>(`document.getElementById('confirm').open`), 'a reason is asked for');
  await page.evaluate(`document.getElementById('confirm-reason').value = 'Sent by disk.'`);
  await page.evaluate(`document.getElementById('confirm-yes').click()`);
  await page.until(`document.getElementById('acted').textContent === 'Done: 2 tasks discarded.'`);

  const [entry] = await gateway.spool.query({ entryIds: [2] });
  const states = Object.fromEntries(entry?.tasks.map(({ kind, state }) => [kind, state]) ?? []);
  t.like(states, { 'delivery:pacs': 'discarded', 'delivery:archive': 'waiting' });
  t.deepEqual(page.complaints, []);
});
