import test from 'ava';
import fc from 'fast-check';
import { outcomeOfStow } from '../../src/delivery/stow-outcome.ts';
import { readStowReport } from '../../src/delivery/stow-report.ts';
import { categoryOfStatus } from '../../src/dimse/status.ts';
import { failedReport, jsonReport, type StowAnswer, storedReport } from '../support/stow-server.ts';

const UID = '1.2.840.1';

function read({ status, headers = {}, body = '' }: StowAnswer, options: { duplicate?: 'ok' | 'error' } = {}) {
  return outcomeOfStow(
    {
      httpStatus: status,
      contentType: headers['content-type'] ?? '',
      body: Buffer.from(body),
      ...(headers['retry-after'] && { retryAfter: headers['retry-after'] }),
      ...(headers.location && { location: headers.location }),
    },
    { sopInstanceUid: UID, duplicate: 'ok', nowMs: Date.parse('2026-01-01T00:00:00Z'), ...options },
  );
}

// Fault case 27.
test('of an answer without a report, its status counts', (t) => {
  const expected = {
    unreachable: [301, 302, 307, 401, 403, 404, 405, 406, 407, 410, 411],
    refused: [400, 409, 413, 415, 422],
    resources: [429, 503, 507],
    processing: [423, 425, 500, 501, 505, 599],
    unclear: [202, 408, 502, 504],
  };
  for (const [reason, statuses] of Object.entries(expected)) {
    for (const status of statuses) t.like(read({ status }), { taken: false, reason }, String(status));
  }
  for (const status of [200, 201, 204]) t.like(read({ status }), { taken: true, outcome: 'delivered' });
});

// Fault case 27.
test('of a report the entry of our instance counts, and not the status', (t) => {
  t.deepEqual(read(storedReport(UID)), { taken: true, outcome: 'delivered' });
  t.deepEqual(read({ ...storedReport(UID), status: 202 }), { taken: true, outcome: 'delivered' });
  t.deepEqual(read(storedReport(UID, 0xb000)), { taken: true, outcome: 'warning', status: 0xb000 });
  t.like(read(failedReport(200, UID, 0xa700)), { taken: false, reason: 'resources' });
  t.like(read(failedReport(202, UID, 0x0110)), { taken: false, reason: 'processing' });
  t.like(read(failedReport(409, UID, 0x0122)), { taken: false, reason: 'refused', status: 0x0122 });
  // That others failed says nothing of ours.
  t.like(read(failedReport(200, '1.2.3', 0xa700)), { taken: false, reason: 'unclear' });
  t.like(read(storedReport('1.2.3')), { taken: false, reason: 'unclear' });
});

test('a report with nothing in it, of 200, says that all is stored', (t) => {
  const url = { '00081190': { vr: 'UR', Value: ['http://pacs/studies/1'] } };
  t.like(read(jsonReport(200, url)), { taken: true });
  t.like(read(jsonReport(202, url)), { taken: false, reason: 'unclear' });
});

test('an instance of which the server could not even tell the UID has failed', (t) => {
  const report = { '0008119A': { vr: 'SQ', Value: [{ '00081197': { vr: 'US', Value: [0xc000] } }] } };
  t.like(read(jsonReport(200, report)), { taken: false, reason: 'refused', status: 0xc000 });
});

test('every Failure Reason is read by the table of statuses, and none means success', (t) => {
  const reasons = {
    hold: 'refused',
    warning: 'refused',
    delivered: 'unclear',
    'retry-long': 'resources',
    'retry-limited': 'processing',
    'protocol-error': 'unclear',
  };
  for (let status = 0; status <= 0xffff; status += status < 0x300 ? 1 : 0x55) {
    const { outcome } = categoryOfStatus(status);
    if (outcome === 'duplicate') continue;
    t.like(read(failedReport(409, UID, status)), { taken: false, reason: reasons[outcome] }, String(status));
  }
});

test('"it is there already" is what the destination is set to take it for', (t) => {
  for (const reason of [0x0111, 45070]) {
    t.like(read(failedReport(409, UID, reason)), { taken: true, outcome: 'duplicate' });
    t.like(read(failedReport(409, UID, reason), { duplicate: 'error' }), {
      reason: 'refused',
      code: 'DUPLICATE',
    });
  }
  t.like(read(failedReport(409, UID, 45071)), { taken: false, reason: 'processing' });
});

test('a page that is no report is no word of the server', (t) => {
  const page = { status: 200, headers: { 'content-type': 'text/html' }, body: '<html><p>Sign in</p></html>' };
  t.like(read(page), { taken: false, reason: 'unclear' });
  t.like(read({ status: 200, body: 'OK' }), { taken: false, reason: 'unclear' });
  t.like(read({ status: 200, body: '{"00081199": ' }), { taken: false, reason: 'unclear' });
  for (const other of [{ status: 'failed' }, [{ error: 'quota' }], { FailedSOPSequence: [{}] }]) {
    t.like(read(jsonReport(200, other)), { taken: false, reason: 'unclear' });
  }
  for (const empty of [{}, [{}]]) t.like(read(jsonReport(200, empty)), { taken: true });
});

test('a report may be XML, with name spaces, comments and an empty element', (t) => {
  const xml = (sequence: string, uid: string, reasonTag: string, reason: number) =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<!-- a > b --><d:NativeDicomModel xmlns:d="x">
       <d:DicomAttribute tag="00081190" vr="UR" keyword="RetrieveURL"/>
       <d:DicomAttribute tag="${sequence}" vr="SQ"><d:Item number="1">
         <d:DicomAttribute tag='00081155' vr="UI"><d:Value number="1">${uid}</d:Value></d:DicomAttribute>
         <d:DicomAttribute tag="${reasonTag}" vr="US"><d:Value number="1">${reason}</d:Value></d:DicomAttribute>
       </d:Item></d:DicomAttribute></d:NativeDicomModel>`;
  const answer = (status: number, body: string) => ({
    status,
    body,
    headers: { 'content-type': 'application/dicom+xml' },
  });

  t.deepEqual(read(answer(200, xml('00081199', UID, '00081196', 0xb006))), {
    taken: true,
    outcome: 'warning',
    status: 0xb006,
  });
  t.like(read(answer(409, xml('00081198', UID, '00081197', 0xa701))), {
    reason: 'resources',
    status: 0xa701,
  });
  t.like(read(answer(200, '<NativeDicomModel><DicomAttribute>')), { reason: 'unclear' });
});

test('Retry-After is seconds or a date, and at most an hour is believed', (t) => {
  const after = (value: string) => read({ status: 503, headers: { 'retry-after': value } });
  t.like(after('7'), { retryAfterMs: 7000 });
  t.like(after('Thu, 01 Jan 2026 00:00:30 GMT'), { retryAfterMs: 30_000 });
  t.like(after('99999999'), { retryAfterMs: 3_600_000 });
  for (const value of ['', 'soon', '-1', 'Wed, 31 Dec 2025 00:00:30 GMT', '0']) {
    t.false('retryAfterMs' in after(value), value);
  }
});

test('of a redirection the message names the host and nothing more', (t) => {
  const outcome = read({ status: 302, headers: { location: 'https://login.example.org/x?session=42' } });
  t.like(outcome, { reason: 'unreachable' });
  t.regex(outcome.taken ? '' : outcome.message, /login\.example\.org/);
  t.notRegex(outcome.taken ? '' : outcome.message, /42/);
});

test('whatever the bytes of a report, reading it throws nothing and ends', (t) => {
  const piece = fc.constantFrom(
    '<',
    '</',
    '>',
    '<!--',
    '"',
    'Item',
    'DicomAttribute',
    ' tag="00081199"',
    '/>',
    'a',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        fc.string(),
        fc.array(piece).map((parts) => parts.join('')),
      ),
      (text) => {
        for (const type of ['application/dicom+json', 'application/dicom+xml']) {
          t.notThrows(() => readStowReport(type, Buffer.from(text)));
        }
      },
    ),
  );
  const startedAt = performance.now();
  for (const long of ['<a "', '<!--', '<a', '<a b="', '<?']) {
    readStowReport('application/dicom+xml', Buffer.from(long.repeat(200_000)));
  }
  t.true(performance.now() - startedAt < 2000);
});
