/**
 * # The upper layer state machine
 *
 * PS3.8 9.2, transcribed so that it can be held next to the standard: the states of Tables 9-1 to 9-5, the
 * events and transitions of Table 9-10, the next states of Tables 9-6 to 9-9. Pure: what an action does is in
 * association.ts.
 */

/** Sta1 to Sta13. */
export type State = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13;

export const STATE = {
  idle: 1,
  awaitingAssociateRequest: 2,
  awaitingAssociateResponse: 3,
  awaitingTransport: 4,
  awaitingAssociateAnswer: 5,
  established: 6,
  awaitingReleaseAnswer: 7,
  awaitingReleaseResponse: 8,
  collisionRequestorAwaitingResponse: 9,
  collisionAcceptorAwaitingAnswer: 10,
  collisionRequestorAwaitingAnswer: 11,
  collisionAcceptorAwaitingResponse: 12,
  awaitingTransportClose: 13,
} as const satisfies Record<string, State>;

/** Evt1 to Evt19, in the order of Table 9-10. */
export const EVENT = {
  associateRequest: 1,
  transportConfirm: 2,
  acceptReceived: 3,
  rejectReceived: 4,
  transportIndication: 5,
  requestReceived: 6,
  acceptResponse: 7,
  rejectResponse: 8,
  dataRequest: 9,
  dataReceived: 10,
  releaseRequest: 11,
  releaseRequestReceived: 12,
  releaseAnswerReceived: 13,
  releaseResponse: 14,
  abortRequest: 15,
  abortReceived: 16,
  transportClosed: 17,
  artimExpired: 18,
  invalidPduReceived: 19,
} as const;

export type Event = (typeof EVENT)[keyof typeof EVENT];

/** The state that follows each action: Tables 9-6 to 9-9. AE-6 and AR-8 have two, told apart by the action. */
export const NEXT_STATES = {
  'AE-1': [4],
  'AE-2': [5],
  'AE-3': [6],
  'AE-4': [1],
  'AE-5': [2],
  'AE-6': [3, 13], // Acceptable to the service-provider, or not.
  'AE-7': [6],
  'AE-8': [13],
  'DT-1': [6],
  'DT-2': [6],
  'AR-1': [7],
  'AR-2': [8],
  'AR-3': [1],
  'AR-4': [13],
  'AR-5': [1],
  'AR-6': [7],
  'AR-7': [8],
  'AR-8': [9, 10], // Association-requestor, or acceptor.
  'AR-9': [11],
  'AR-10': [12],
  'AA-1': [13],
  'AA-2': [1],
  'AA-3': [1],
  'AA-4': [1],
  'AA-5': [1],
  'AA-6': [13],
  'AA-7': [13],
  'AA-8': [13],
} as const satisfies Record<string, readonly State[]>;

export type Action = keyof typeof NEXT_STATES;

/** Table 9-10: one row for each event, one column for each state. A dot is a pair that cannot happen. */
const TABLE_9_10 = `
          Sta1  Sta2  Sta3  Sta4  Sta5  Sta6  Sta7  Sta8  Sta9  Sta10 Sta11 Sta12 Sta13
  Evt1    AE-1  .     .     .     .     .     .     .     .     .     .     .     .
  Evt2    .     .     .     AE-2  .     .     .     .     .     .     .     .     .
  Evt3    .     AA-1  AA-8  .     AE-3  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
  Evt4    .     AA-1  AA-8  .     AE-4  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
  Evt5    AE-5  .     .     .     .     .     .     .     .     .     .     .     .
  Evt6    .     AE-6  AA-8  .     AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-7
  Evt7    .     .     AE-7  .     .     .     .     .     .     .     .     .     .
  Evt8    .     .     AE-8  .     .     .     .     .     .     .     .     .     .
  Evt9    .     .     .     .     .     DT-1  .     AR-7  .     .     .     .     .
  Evt10   .     AA-1  AA-8  .     AA-8  DT-2  AR-6  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
  Evt11   .     .     .     .     .     AR-1  .     .     .     .     .     .     .
  Evt12   .     AA-1  AA-8  .     AA-8  AR-2  AR-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
  Evt13   .     AA-1  AA-8  .     AA-8  AA-8  AR-3  AA-8  AA-8  AR-10 AR-3  AA-8  AA-6
  Evt14   .     .     .     .     .     .     .     AR-4  AR-9  .     .     AR-4  .
  Evt15   .     .     AA-1  AA-2  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  .
  Evt16   .     AA-2  AA-3  .     AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-2
  Evt17   .     AA-5  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AR-5
  Evt18   .     AA-2  .     .     .     .     .     .     .     .     .     .     AA-2
  Evt19   .     AA-1  AA-8  .     AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-7
`;

const TRANSITIONS: readonly (readonly (Action | undefined)[])[] = TABLE_9_10.trim()
  .split('\n')
  .slice(1)
  .map((row) =>
    row
      .trim()
      .split(/\s+/)
      .slice(1)
      .map((cell) => (cell === '.' ? undefined : (cell as Action))),
  );

/** The action for an event in a state; undefined where Table 9-10 has none: the pair cannot happen. */
export function actionFor(state: State, event: Event): Action | undefined {
  return TRANSITIONS[event - 1]?.[state - 1];
}
