import test from 'ava';
import { AdmissionControl } from '../../src/intake/admission-control.ts';
import { IntakeSettings } from '../../src/intake/config.ts';
import type { PeerCertificate } from '../../src/tls/peer-certificate.ts';

const CT1_CERTIFICATE: PeerCertificate = {
  subject: 'O=Hospital, CN=CT1',
  attributes: { O: ['Hospital'], CN: ['CT1'] },
  fingerprint256: Array.from({ length: 32 }, () => 'AB').join(':'),
};

/** Control over the sources given, on a clock that stands still until it is moved. */
function controlOf(sources: object, settings: object = {}) {
  const clock = { nowMs: 1000 };
  const control = new AdmissionControl(settingsOf(sources, settings), () => clock.nowMs);
  const ask = (callingAeTitle: string, certificate?: PeerCertificate) => {
    const caller = { callingAeTitle, calledAeTitle: 'SLIDEGATE', peerAddress: '10.0.0.5' };
    const decision = control.decide({ ...caller, ...(certificate && { certificate }) }, ['SLIDEGATE']);
    if (!decision.admitted) return decision.refused;
    control.associationOpened(decision.source);
    return decision.source;
  };
  return { control, clock, ask };
}

function settingsOf(sources: object, settings: object = {}): IntakeSettings {
  return IntakeSettings.parse({ sources, allow_any_caller: false, ...settings });
}

test('a source is known by title, address and certificate, each where it is named', (t) => {
  const { ask } = controlOf({
    secure: { ae_title: 'CT1', certificate: { subject: 'CN=CT1, O=Hospital' } },
    pinned: { ae_title: 'CT2', hosts: ['10.0.0.0/24'], certificate: { sha256: 'ab'.repeat(32) } },
    other: { ae_title: 'CT3', certificate: { subject: 'CN=CT3' } },
    anything: { certificate: { subject: 'O=Hospital' } },
  });
  t.is(ask('CT1', CT1_CERTIFICATE), 'secure');
  t.is(ask('CT2', CT1_CERTIFICATE), 'pinned');
  t.is(ask('CT3', CT1_CERTIFICATE), 'anything');
  t.is(ask('CT1'), 'calling-ae-title');
  t.is(ask('CT2', { ...CT1_CERTIFICATE, fingerprint256: 'CD' }), 'anything');
  t.is(ask('CT2', { ...CT1_CERTIFICATE, attributes: {} }), 'pinned');
  t.is(ask('CT1', { ...CT1_CERTIFICATE, attributes: {} }), 'calling-ae-title');
});

test('a caller of a protocol without titles is known by address and certificate', (t) => {
  const { control } = controlOf({ ct1: { ae_title: 'CT1' }, scanner: { hosts: ['10.0.0.0/24'] } });
  t.is(control.sourceOf({ peerAddress: '10.0.0.5' }), 'scanner');
  t.is(control.sourceOf({ peerAddress: '10.0.1.5' }), undefined);
  const { control: open } = controlOf({}, { allow_any_caller: true });
  t.is(open.sourceOf({ peerAddress: '10.0.1.5' }), 'unknown');
});

// Fault case 2.
test('one more association than a source may have is refused until one of its own has ended', (t) => {
  const { control, ask } = controlOf({
    ct1: { ae_title: 'CT1', associations_max: 2 },
    ct2: { ae_title: 'CT2' },
  });
  t.deepEqual([ask('CT1'), ask('CT1'), ask('CT1')], ['ct1', 'ct1', 'associations-max']);
  t.is(ask('CT2'), 'ct2');
  control.associationEnded('ct2');
  t.is(ask('CT1'), 'associations-max');
  control.associationEnded('ct1');
  t.is(ask('CT1'), 'ct1');
});

test('associations of a minute are counted: after a rest as many at once, then as many as the rate lets in', (t) => {
  const { clock, ask } = controlOf({ ct1: { ae_title: 'CT1', associations_per_minute_max: 3 } });
  const tooMany = 'associations-per-minute';
  t.deepEqual([ask('CT1'), ask('CT1'), ask('CT1'), ask('CT1')], ['ct1', 'ct1', 'ct1', tooMany]);
  clock.nowMs += 19_999;
  t.is(ask('CT1'), tooMany);
  clock.nowMs += 1;
  t.deepEqual([ask('CT1'), ask('CT1')], ['ct1', tooMany]);
  clock.nowMs += 60_000;
  t.deepEqual([ask('CT1'), ask('CT1'), ask('CT1'), ask('CT1')], ['ct1', 'ct1', 'ct1', tooMany]);
});

test('instances beyond the rate of a source wait their turn', (t) => {
  const { control, clock } = controlOf({ ct1: { ae_title: 'CT1', instances_per_s_max: 4 } });
  const waits = () => Array.from({ length: 6 }, () => control.paceInstance('ct1'));
  t.deepEqual(waits(), [0, 0, 0, 0, 250, 500]);
  clock.nowMs += 500;
  t.is(control.paceInstance('ct1'), 250);
  clock.nowMs += 10_000;
  t.deepEqual(waits(), [0, 0, 0, 0, 250, 500]);
  t.is(control.paceInstance('unknown'), 0);
});

test('a rate under one instance per second has no burst', (t) => {
  const { control } = controlOf({ ct1: { ae_title: 'CT1', instances_per_s_max: 0.5 } });
  t.deepEqual([control.paceInstance('ct1'), control.paceInstance('ct1')], [0, 2000]);
});

test('other sources hold for callers that come, and what is open counts on', (t) => {
  const { control, ask } = controlOf({ ct1: { ae_title: 'CT1' } });
  t.deepEqual([ask('CT1'), ask('CT1'), ask('CT2')], ['ct1', 'ct1', 'calling-ae-title']);
  control.reload(settingsOf({ ct1: { ae_title: 'CT1', associations_max: 2 }, ct2: { ae_title: 'CT2' } }));
  t.deepEqual([ask('CT1'), ask('CT2')], ['associations-max', 'ct2']);
  control.associationEnded('ct1');
  t.is(ask('CT1'), 'ct1');

  control.reload(settingsOf({}, { allow_any_caller: true, accept_unknown_sop_classes: true }));
  t.is(ask('CT1'), 'unknown');
  t.true(control.acceptsUnknownSopClasses);
  control.associationEnded('ct1'); // Of a source that is no more.
  control.associationEnded('ct1');
  control.reload(settingsOf({ ct1: { ae_title: 'CT1', associations_max: 1 } }));
  t.deepEqual([ask('CT1'), ask('CT1')], ['ct1', 'associations-max']);
});
