import test from 'ava';
import {
  type Action,
  actionFor,
  EVENT,
  type Event,
  NEXT_STATES,
  type State,
} from '../../src/dimse/state-machine.ts';

const STATES = Array.from({ length: 13 }, (_, index) => (index + 1) as State);
const EVENTS = Array.from({ length: 19 }, (_, index) => (index + 1) as Event);

/** Groups of states that Table 9-10 treats alike, by what the standard says of them. */
const ESTABLISHED_OR_RELEASING: State[] = [6, 7, 8, 9, 10, 11, 12];

test('every action of the table has a next state, and every action occurs', (t) => {
  const used = new Set<Action>();
  for (const state of STATES) {
    for (const event of EVENTS) {
      const action = actionFor(state, event);
      if (action === undefined) continue;
      t.true(action in NEXT_STATES, `${action} of Sta${state} Evt${event}`);
      used.add(action);
    }
  }
  t.deepEqual([...used].sort(), Object.keys(NEXT_STATES).sort());
});

test('each event has an action in as many states as Table 9-10 gives it', (t) => {
  const counts = EVENTS.map(
    (event) => STATES.filter((state) => actionFor(state, event) !== undefined).length,
  );
  t.deepEqual(counts, [1, 1, 11, 11, 1, 11, 1, 1, 2, 11, 1, 11, 11, 3, 10, 11, 12, 2, 11]);
});

test('any PDU but A-ASSOCIATE-RQ and A-ABORT before an association is answered with A-ABORT', (t) => {
  for (const event of [3, 4, 10, 12, 13, 19] as const) t.is(actionFor(2, event), 'AA-1');
  t.is(actionFor(2, EVENT.requestReceived), 'AE-6');
  t.is(actionFor(2, EVENT.abortReceived), 'AA-2');
});

test('a second A-ASSOCIATE-RQ, and any PDU that is none, aborts an association', (t) => {
  for (const state of ESTABLISHED_OR_RELEASING) {
    t.is(actionFor(state, EVENT.requestReceived), 'AA-8');
    t.is(actionFor(state, EVENT.invalidPduReceived), 'AA-8');
  }
});

test('data is taken while the association is open and while our release is not answered', (t) => {
  t.is(actionFor(6, EVENT.dataReceived), 'DT-2');
  t.is(actionFor(7, EVENT.dataReceived), 'AR-6');
  for (const state of [8, 9, 10, 11, 12] as const) t.is(actionFor(state, EVENT.dataReceived), 'AA-8');
});

test('responses may still be sent after the peer has asked for release', (t) => {
  t.is(actionFor(8, EVENT.dataRequest), 'AR-7');
  t.deepEqual([...NEXT_STATES['AR-7']], [8]);
});

test('after the end of an association everything but the close is passed over', (t) => {
  for (const event of [3, 4, 10, 12, 13] as const) t.is(actionFor(13, event), 'AA-6');
  t.is(actionFor(13, EVENT.transportClosed), 'AR-5');
  t.is(actionFor(13, EVENT.artimExpired), 'AA-2');
});

test('a release that collides has its own states on each side', (t) => {
  t.is(actionFor(7, EVENT.releaseRequestReceived), 'AR-8');
  t.deepEqual([...NEXT_STATES['AR-8']], [9, 10]);
  t.is(actionFor(9, EVENT.releaseResponse), 'AR-9');
  t.is(actionFor(10, EVENT.releaseAnswerReceived), 'AR-10');
  t.is(actionFor(11, EVENT.releaseAnswerReceived), 'AR-3');
  t.is(actionFor(12, EVENT.releaseResponse), 'AR-4');
});

test('the user may abort whenever there is something to abort', (t) => {
  const abortable = STATES.filter((state) => actionFor(state, EVENT.abortRequest) !== undefined);
  t.deepEqual(abortable, [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});
