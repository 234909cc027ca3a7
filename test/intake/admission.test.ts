import test from 'ava';
import { storageSopClasses } from '../../src/dicom/sop-class.ts';
import { acceptsSopClass, decideAdmission, describeMisfit } from '../../src/intake/admission.ts';
import { namedSources, type SourceSettings } from '../../src/intake/sources.ts';

const SOURCES: Record<string, SourceSettings> = {
  ct1: { ae_title: 'CT1', hosts: ['10.0.0.0/24', '192.168.1.7'] },
  roving: { ae_title: 'ROVING', hosts: [] },
  ct1_spare: { ae_title: 'CT1', hosts: ['fd00::/8'] },
};

function admit(calling: string, address: string, options: { any?: boolean; called?: string } = {}): string {
  const decision = decideAdmission(
    { callingAeTitle: calling, calledAeTitle: options.called ?? 'SLIDEGATE', peerAddress: address },
    ['SLIDEGATE', 'GATE2'],
    { sources: namedSources(SOURCES), allowAnyCaller: options.any ?? false },
  );
  return decision.admitted ? decision.source : `refused: ${decision.refused}`;
}

for (const [what, decision, expected] of [
  ['from its range', admit('CT1', '10.0.0.200'), 'ct1'],
  ['from its single address', admit('CT1', '192.168.1.7'), 'ct1'],
  ['from an IPv6 range of another source with its title', admit('CT1', 'fd12::1'), 'ct1_spare'],
  ['from a mapped IPv4 address', admit('CT1', '::ffff:10.0.0.9'), 'ct1'],
  ['that may call from anywhere', admit('ROVING', '203.0.113.5'), 'roving'],
  ['under the second title of the gateway', admit('CT1', '10.0.0.1', { called: 'GATE2' }), 'ct1'],
  ['from elsewhere', admit('CT1', '10.0.1.1'), 'refused: calling-ae-title'],
  ['from no address', admit('CT1', ''), 'refused: calling-ae-title'],
  ['under a title it does not have', admit('CT2', '10.0.0.1'), 'refused: calling-ae-title'],
  ['under its title in lower case', admit('ct1', '10.0.0.1'), 'refused: calling-ae-title'],
  ['that calls another title', admit('CT1', '10.0.0.1', { called: 'OTHER' }), 'refused: called-ae-title'],
] as const) {
  test(`a source ${what} is ${expected}`, (t) => {
    t.is(decision, expected);
  });
}

test('why no source fits is said with the names of those that have the AE title, and what they want', (t) => {
  const sources = namedSources({
    ...SOURCES,
    mr: { ae_title: 'MR', hosts: ['10.0.0.1'], certificate: { sha256: 'AB'.repeat(32) } },
    any: { hosts: ['10.9.9.9'] },
  });
  const misfit = (callingAeTitle: string, peerAddress: string) =>
    describeMisfit({ callingAeTitle, peerAddress }, sources);

  t.is(
    misfit('CT1', '203.0.113.5'),
    'No source fits: "ct1" has this AE title, and wants another host; "ct1_spare" has this AE title, and wants another host',
  );
  t.is(misfit('MR', '10.0.0.1'), 'No source fits: "mr" has this AE title, and wants another certificate');
  t.is(
    misfit('MR', '10.0.0.2'),
    'No source fits: "mr" has this AE title, and wants another host and certificate',
  );
  t.is(misfit('STRANGER', '10.0.0.2'), 'No source fits');
});

test('any caller is admitted as unknown when that is allowed, but a source keeps its name', (t) => {
  t.is(admit('STRANGER', '203.0.113.5', { any: true }), 'unknown');
  t.is(admit('CT1', '203.0.113.5', { any: true }), 'unknown');
  t.is(admit('CT1', '10.0.0.5', { any: true }), 'ct1');
});

test('any caller must still call a title of the gateway, and have one that is a title', (t) => {
  t.is(admit('STRANGER', '127.0.0.1', { any: true, called: 'OTHER' }), 'refused: called-ae-title');
  for (const title of ['', 'A\nB', 'A\\B', 'ÄÖÜ']) {
    t.is(admit(title, '127.0.0.1', { any: true }), 'refused: calling-ae-title');
  }
});

test('every storage SOP class of the standard is accepted, and Verification', (t) => {
  for (const { uid } of storageSopClasses) t.true(acceptsSopClass(uid, { acceptUnknown: false }), uid);
  t.true(acceptsSopClass('1.2.840.10008.1.1', { acceptUnknown: false }));
});

test('private and future storage classes are accepted only when unknown ones are', (t) => {
  for (const uid of ['1.2.826.0.1.3680043.9.1', '1.2.840.10008.5.1.4.1.1.9999.1']) {
    t.false(acceptsSopClass(uid, { acceptUnknown: false }), uid);
    t.true(acceptsSopClass(uid, { acceptUnknown: true }), uid);
  }
});

test('services that are not provided are refused, whatever else is accepted', (t) => {
  const services = {
    'Query/Retrieve FIND': '1.2.840.10008.5.1.4.1.2.1.1',
    'Query/Retrieve MOVE': '1.2.840.10008.5.1.4.1.2.2.2',
    'Modality Worklist': '1.2.840.10008.5.1.4.31',
    MPPS: '1.2.840.10008.3.1.2.3.3',
    'Storage Commitment': '1.2.840.10008.1.20.1',
    'Instance Availability': '1.2.840.10008.5.1.4.33',
    'Media Storage Directory': '1.2.840.10008.1.3.10',
    'no UID': 'CT Image',
    nothing: '',
  };
  for (const [name, uid] of Object.entries(services))
    t.false(acceptsSopClass(uid, { acceptUnknown: true }), name);
});
