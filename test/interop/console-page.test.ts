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
  t.regex(await textOf('#destinations'), /pacs dimse-scuSuspended001–Cannot connect to 10\.0\.0\.5:104/);
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
