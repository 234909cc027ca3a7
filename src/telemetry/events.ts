/**
 * # Events
 *
 * One function per thing that can happen: it counts and it logs, so that log and metric cannot disagree.
 * Labels are closed sets or names of the configuration; log fields never hold a patient's data.
 */
import type { Telemetry } from './telemetry.ts';

/** The gateway is up: everything accepts work. */
export function gatewayStarted(
  telemetry: Telemetry,
  event: { version: string; inputs: number; pid: number },
): void {
  telemetry.metrics.buildInfo.set({ version: event.version }, 1);
  telemetry.log.info(event, 'Gateway started.');
}

/** The gateway has drained and stopped. */
export function gatewayStopped(telemetry: Telemetry, event: { reason: string }): void {
  telemetry.log.info(event, 'Gateway stopped.');
}

/** Sources, destinations and rules were read again, and are in force. */
export function configReloaded(telemetry: Telemetry, event: { needRestart: readonly string[] }): void {
  telemetry.metrics.configLastReloadSuccess.set(1);
  telemetry.metrics.configLastReload.setToCurrentTime();
  telemetry.log.info(event, 'Configuration reloaded.');
}

/** Settings or rules could not be put in force: those before stay. */
export function configReloadFailed(telemetry: Telemetry, event: { reason: string }): void {
  telemetry.metrics.configLastReloadSuccess.set(0);
  telemetry.metrics.configLastReload.setToCurrentTime();
  telemetry.log.error(event, 'Configuration could not be reloaded; the one before stays in force.');
}

/** A destination took an instance. Emitted once per entry and destination. */
export function deliveryTaken(
  telemetry: Telemetry,
  event: {
    destination: string;
    entryId: number;
    attempt: number;
    outcome: 'delivered' | 'warning' | 'duplicate';
    status: string;
    sizeBytes: number;
    durationMs: number;
    latencyMs: number;
  },
): void {
  const { destination, outcome, status } = event;
  telemetry.metrics.deliveriesTotal.inc({ destination, outcome, status });
  telemetry.metrics.sentBytesTotal.inc({ destination }, event.sizeBytes);
  telemetry.metrics.sendDurationSeconds.observe({ destination }, event.durationMs / 1000);
  telemetry.metrics.deliveryLatencySeconds.observe({ destination }, event.latencyMs / 1000);
  telemetry.metrics.destinationUp.set({ destination }, 1);
  if (outcome === 'delivered') telemetry.log.debug(event, 'Destination took an instance.');
  else telemetry.log.warn(event, 'Destination took an instance with a warning.');
}

/** A destination did not take an instance. Emitted once per attempt, whatever the disposition. */
export function deliveryFailed(
  telemetry: Telemetry,
  event: {
    destination: string;
    entryId: number;
    attempt: number;
    code: string;
    disposition: string;
    status: string;
    reason: string;
  },
): void {
  const { destination, disposition, status } = event;
  telemetry.metrics.deliveriesTotal.inc({ destination, outcome: disposition, status });
  if (disposition === 'hold') telemetry.metrics.heldTotal.inc({ stage: 'delivery', code: event.code });
  telemetry.log.warn(event, 'Delivery failed.');
}

/** An operator retried, held or discarded tasks, from the console or the command line. */
export function operatorActed(
  telemetry: Telemetry,
  event: {
    action: 'retry' | 'hold' | 'discard';
    count: number;
    by: string;
    destination?: string;
    /** Entries of which nothing is left. */
    erased?: number;
  },
): void {
  telemetry.metrics.operatorActionsTotal.inc({ action: event.action }, event.count);
  telemetry.log.info(event, 'Operator acted on tasks.');
}

/** A request to the console could not be answered, through a fault of ours. */
export function requestFailed(
  telemetry: Telemetry,
  event: { method: string; path: string; code: string; error: unknown },
): void {
  const { error, ...facts } = event;
  telemetry.log.error({ ...facts, err: error }, 'Console could not answer.');
}

/** An association with a destination was opened. */
export function outgoingAssociationOpened(telemetry: Telemetry, event: { destination: string }): void {
  telemetry.metrics.associationsActive.inc({ direction: 'out', peer: event.destination });
  telemetry.metrics.destinationUp.set({ destination: event.destination }, 1);
  telemetry.log.debug(event, 'Association with a destination opened.');
}

/** An open association with a destination ended. */
export function outgoingAssociationEnded(
  telemetry: Telemetry,
  event: { destination: string; result: 'released' | 'aborted'; reason: string },
): void {
  const { destination, result, reason } = event;
  telemetry.metrics.associationsActive.dec({ direction: 'out', peer: destination });
  telemetry.metrics.associationsTotal.inc({ direction: 'out', peer: destination, result, reason });
  telemetry.log.debug(event, 'Association with a destination ended.');
}

/** No association with a destination could be opened. */
export function outgoingAssociationFailed(
  telemetry: Telemetry,
  event: { destination: string; code: string; reason: string },
): void {
  const { destination, code } = event;
  const result = code === 'ASSOCIATION_REJECTED' ? 'rejected' : 'failed';
  telemetry.metrics.associationsTotal.inc({ direction: 'out', peer: destination, result, reason: code });
  telemetry.metrics.destinationUp.set({ destination }, 0);
  telemetry.log.debug(event, 'Association with a destination could not be opened.');
}

/** A destination is ready for deliveries; nothing has been sent yet. */
export function laneOpened(
  telemetry: Telemetry,
  event: { destination: string; kind: string; slots: number },
): void {
  telemetry.metrics.breakerOpen.set({ destination: event.destination }, 0);
  telemetry.log.info(event, 'Lane opened.');
}

/** Tasks wait for a destination that the configuration does not have. */
export function laneBlocked(telemetry: Telemetry, event: { destination: string; tasks: number }): void {
  telemetry.log.warn(event, 'Deliveries wait for a destination that is not configured.');
}

/** Sending to a destination is suspended: several instances failed in a row. */
export function breakerOpened(
  telemetry: Telemetry,
  event: { destination: string; code: string; failuresInRow: number },
): void {
  telemetry.metrics.breakerOpen.set({ destination: event.destination }, 1);
  telemetry.metrics.destinationUp.set({ destination: event.destination }, 0);
  telemetry.log.warn(event, 'Sending to a destination is suspended.');
}

/** Sending to a destination goes on. */
export function breakerClosed(telemetry: Telemetry, event: { destination: string }): void {
  telemetry.metrics.breakerOpen.set({ destination: event.destination }, 0);
  telemetry.metrics.destinationUp.set({ destination: event.destination }, 1);
  telemetry.log.info(event, 'Sending to a destination goes on.');
}

/** A lane could not reach the spool, or came upon a fault of ours; it goes on. */
export function laneTroubled(telemetry: Telemetry, event: { destination: string; error: unknown }): void {
  telemetry.log.error({ destination: event.destination, err: event.error }, 'Lane is in trouble.');
}

/** Rules are in force. */
export function rulesLoaded(
  telemetry: Telemetry,
  event: { path: string; version: string; rules: number },
): void {
  telemetry.metrics.configInfo.reset();
  telemetry.metrics.configInfo.set({ version: event.version }, 1);
  telemetry.log.info(event, 'Rules loaded.');
}

/** The rules decided about an instance, and its tasks are on record. */
export function instancePlanned(
  telemetry: Telemetry,
  event: { entryId: number; decidedBy: string; rules: readonly string[]; tasks: readonly string[] },
): void {
  for (const rule of event.rules) telemetry.metrics.ruleMatchesTotal.inc({ rule });
  if (event.decidedBy === 'otherwise') telemetry.metrics.unmatchedInstancesTotal.inc();
  telemetry.log.debug(event, 'Rules decided.');
}

/** The rules could not decide about an instance; it waits for a person. */
export function instanceHeldByRules(
  telemetry: Telemetry,
  event: { entryId: number; code: string; reason: string },
): void {
  const { code } = event;
  telemetry.metrics.ruleErrorsTotal.inc({ code });
  telemetry.metrics.heldTotal.inc({ stage: 'rules', code });
  telemetry.log.warn(event, 'Rules held an instance.');
}

/** The spool did not give or take a batch; the rules go on with the next. */
export function rulesStalled(telemetry: Telemetry, event: { code: string; reason: string }): void {
  telemetry.log.error(event, 'Rules stalled.');
}

/** A conversion task is done: all its products are in the spool. `generated` names attributes, not values. */
export function conversionFinished(
  telemetry: Telemetry,
  event: {
    job: string;
    entryId: number;
    attempt: number;
    products: number;
    sizeBytes: number;
    durationMs: number;
    generated: readonly string[];
    inheritedFaults: readonly { check: string; tag?: string }[];
  },
): void {
  const { job } = event;
  telemetry.metrics.conversionTasksTotal.inc({ job, outcome: 'converted' });
  telemetry.metrics.conversionTaskDurationSeconds.observe({ job }, event.durationMs / 1000);
  telemetry.metrics.producedInstancesTotal.inc({ job }, event.products);
  telemetry.metrics.producedBytesTotal.inc({ job }, event.sizeBytes);
  for (const { check } of event.inheritedFaults) telemetry.metrics.inheritedFaultsTotal.inc({ check });
  telemetry.log.info(event, 'Conversion finished.');
}

/** A conversion did not come to its end. Emitted once per attempt. */
export function conversionFailed(
  telemetry: Telemetry,
  event: {
    job: string;
    entryId: number;
    attempt: number;
    code: string;
    disposition: string;
    reason: string;
    /** Of our own checker, when it held the set. */
    check?: string;
  },
): void {
  const { job, disposition, code, check } = event;
  telemetry.metrics.conversionTasksTotal.inc({ job, outcome: disposition });
  if (disposition === 'hold') telemetry.metrics.heldTotal.inc({ stage: 'conversion', code });
  if (check !== undefined) telemetry.metrics.validationFailuresTotal.inc({ check });
  telemetry.log.warn(event, 'Conversion failed.');
}

/** A conversion waits until the volume of the spool has room for its scratch files. */
export function conversionDeferred(telemetry: Telemetry, event: { job: string; entryId: number }): void {
  telemetry.log.warn(event, 'Conversion waits for free space.');
}

/** A conversion worker ended with a task in hand. */
export function workerLost(telemetry: Telemetry, event: { code: string; stderr: string }): void {
  telemetry.metrics.workerRestartsTotal.inc({ reason: event.code });
  telemetry.log.error(event, 'Conversion worker was lost.');
}

/** The conversion stage could not go on with the spool; it tries again. */
export function conversionStalled(telemetry: Telemetry, event: { code: string; reason: string }): void {
  telemetry.log.error(event, 'Conversion stalled.');
}

/** The spool is open; what a crash had left has been put right. */
export function spoolOpened(
  telemetry: Telemetry,
  event: { claims: number; parts: number; files: number; segments: number; workFolders: number },
): void {
  telemetry.log.info(event, 'Spool opened and recovered.');
}

/** A group of small instances is on disk and its rows are committed. Happens too often to be logged. */
export function groupMadeDurable(telemetry: Telemetry, event: { durationMs: number }): void {
  telemetry.metrics.durableWriteSeconds.observe({ volume: 'spool' }, event.durationMs / 1000);
}

/** Free space has fallen under the watermark, or risen above it. */
export function spoolRefusalChanged(
  telemetry: Telemetry,
  event: { isRefusing: boolean; freeBytes: number },
): void {
  telemetry.metrics.refusingInput.set({ volume: 'spool' }, event.isRefusing ? 1 : 0);
  if (event.isRefusing) telemetry.log.error(event, 'Spool refuses instances: too little free space.');
  else telemetry.log.info(event, 'Spool takes instances again.');
}

/** Writing or syncing has failed, or works again. */
export function spoolHealthChanged(telemetry: Telemetry, event: { isHealthy: boolean }): void {
  if (event.isHealthy) telemetry.log.info(event, 'Spool writes again.');
  else telemetry.log.error(event, 'Spool cannot write.');
}

/** A thread of the spool has died: nothing works until the gateway is started again. */
export function spoolDied(telemetry: Telemetry, event: { reason: string }): void {
  telemetry.log.fatal(event, 'Spool died.');
}

/** Retention has removed bytes, headers or rows of settled entries. */
export function retentionRan(telemetry: Telemetry, event: { entries: number }): void {
  telemetry.log.info(event, 'Retention removed what was settled long ago.');
}

/** Retention could not run; it is tried again. */
export function retentionFailed(telemetry: Telemetry, event: { reason: string }): void {
  telemetry.log.error(event, 'Retention failed.');
}
