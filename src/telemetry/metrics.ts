import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const DURATION_BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];
const LATENCY_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400];

/**
 * Every metric the gateway exports. Labels come from the configuration and closed sets only: never a UID,
 * an address or a patient.
 */
export function createMetrics(registry = new Registry()) {
  collectDefaultMetrics({ register: registry });
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name: `slidegate_${name}`, help, labelNames: [...labelNames], registers: [registry] });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name: `slidegate_${name}`, help, labelNames: [...labelNames], registers: [registry] });
  const histogram = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    buckets = DURATION_BUCKETS,
  ) =>
    new Histogram<L>({
      name: `slidegate_${name}`,
      help,
      labelNames: [...labelNames],
      buckets,
      registers: [registry],
    });

  return {
    registry,
    buildInfo: gauge('build_info', 'Version of the running gateway; always 1.', ['version']),
    configInfo: gauge('config_info', 'Digest of the rules in force; always 1.', ['version']),
    configLastReloadSuccess: gauge(
      'config_last_reload_success',
      '0 when the configuration could not be reloaded the last time, so that the one before is in force.',
    ),
    configLastReload: gauge(
      'config_last_reload_timestamp_seconds',
      'When the configuration was last reloaded, or should have been; 0 when never.',
    ),
    // Associations.
    associationsTotal: counter('associations_total', 'Associations that ended, by how.', [
      'direction',
      'peer',
      'result',
      'reason',
    ]),
    associationsActive: gauge('associations_active', 'Associations open now.', ['direction', 'peer']),
    // Reception.
    storeRequestsTotal: counter('store_requests_total', 'C-STORE requests answered, by status.', [
      'source',
      'status',
    ]),
    receivedInstancesTotal: counter('received_instances_total', 'Instances taken into custody.', ['source']),
    receivedBytesTotal: counter('received_bytes_total', 'Bytes of instances taken into custody.', ['source']),
    storeDurationSeconds: histogram(
      'store_duration_seconds',
      'From the first fragment of a C-STORE request to its response.',
      ['source'],
    ),
    sourceLastReceived: gauge(
      'source_last_received_timestamp_seconds',
      'When the source last delivered an instance.',
      ['source'],
    ),
    refusingInput: gauge('refusing_input', '1 while free space is under the watermark.', ['volume']),
    duplicatesTotal: counter(
      'duplicates_total',
      'Instances whose SOP Instance UID was here already, by what became of them.',
      ['source', 'outcome'],
    ),
    // Spool.
    durableWriteSeconds: histogram('durable_write_seconds', 'One group of instances made durable.', [
      'volume',
    ]),
    storageFreeBytes: gauge('storage_free_bytes', 'Free bytes on the volume of the spool.', ['volume']),
    storageUsedBytes: gauge('storage_used_bytes', 'Bytes of instances the spool holds.', ['volume']),
    earlyRemovalsTotal: counter(
      'early_removals_total',
      'Settled entries whose bytes went before their time, as free space was short.',
      ['volume'],
    ),
    entries: gauge('entries', 'Entries by origin and state.', ['origin', 'state']),
    tasks: gauge('tasks', 'Open tasks by stage and state.', ['stage', 'state']),
    // Rules.
    ruleMatchesTotal: counter('rule_matches_total', 'Entries that a rule matched.', ['rule']),
    unmatchedInstancesTotal: counter('unmatched_instances_total', 'Entries left to `otherwise`.'),
    ruleErrorsTotal: counter('rule_errors_total', 'Entries held because rules could not be applied.', [
      'code',
    ]),
    // Conversion.
    conversionTasksTotal: counter('conversion_tasks_total', 'Conversion tasks that ended.', [
      'job',
      'outcome',
    ]),
    conversionTaskDurationSeconds: histogram(
      'conversion_task_duration_seconds',
      'One conversion task in a worker.',
      ['job'],
    ),
    conversionTasksRunning: gauge('conversion_tasks_running', 'Conversion tasks in workers now.', ['job']),
    workerRestartsTotal: counter('worker_restarts_total', 'Conversion workers that died or were killed.', [
      'reason',
    ]),
    producedInstancesTotal: counter('produced_instances_total', 'Instances made by conversion.', ['job']),
    producedBytesTotal: counter('produced_bytes_total', 'Bytes of instances made by conversion.', ['job']),
    validationFailuresTotal: counter('validation_failures_total', 'Converted sets held by our own checker.', [
      'check',
    ]),
    inheritedFaultsTotal: counter(
      'inherited_faults_total',
      'Faults of converted sets that their sources brought along; delivered all the same.',
      ['check'],
    ),
    // Delivery.
    deliveryItems: gauge('delivery_items', 'Open delivery tasks.', ['destination', 'state']),
    deliveryOldestPending: gauge(
      'delivery_oldest_pending_timestamp_seconds',
      'Arrival of the oldest instance that waits for the destination; 0 when none does.',
      ['destination'],
    ),
    deliveriesTotal: counter('deliveries_total', 'Attempts to deliver, by outcome and status.', [
      'destination',
      'outcome',
      'status',
    ]),
    deliveryLatencySeconds: histogram(
      'delivery_latency_seconds',
      'From reception to the destination having taken the instance.',
      ['destination'],
      LATENCY_BUCKETS,
    ),
    sentBytesTotal: counter('sent_bytes_total', 'Bytes of instances that a destination has taken.', [
      'destination',
    ]),
    sendDurationSeconds: histogram('send_duration_seconds', 'One attempt to send.', ['destination']),
    destinationUp: gauge('destination_up', '1 while the last contact with the destination succeeded.', [
      'destination',
    ]),
    breakerOpen: gauge('breaker_open', '1 while sending to the destination is suspended.', ['destination']),
    certificateExpiry: gauge(
      'certificate_expiry_timestamp_seconds',
      'When our TLS certificate for an input, a destination or a source ends.',
      ['input', 'destination', 'source'],
    ),
    certificateReloadFailed: gauge(
      'certificate_reload_failed',
      '1 while new certificate files cannot be used and the old ones stay in force.',
      ['input', 'destination', 'source'],
    ),
    laneClosed: gauge('lane_closed', '1 while the destination is outside of its send windows.', [
      'destination',
    ]),
    reportOnly: gauge('report_only', '1 while nothing is sent to the destination, only reported.', [
      'destination',
    ]),
    gaveUpTotal: counter('gave_up_total', 'Deliveries held after they had been tried for too long.', [
      'destination',
    ]),
    deliveriesSkippedTotal: counter(
      'deliveries_skipped_total',
      'Deliveries settled without the destination, which was down.',
      ['destination'],
    ),
    deliveriesFailedOverTotal: counter(
      'deliveries_failed_over_total',
      'Deliveries handed to another destination, as their own was down.',
      ['destination', 'to'],
    ),
    // Storage commitment: `out` asks destinations, `in` answers modalities.
    commitmentRequestsTotal: counter(
      'commitment_requests_total',
      'Storage commitment requests, by what came of them.',
      ['direction', 'peer', 'outcome'],
    ),
    commitmentsTotal: counter('commitments_total', 'Instances that were committed to, or not.', [
      'direction',
      'peer',
      'outcome',
    ]),
    commitmentRequestsOpen: gauge(
      'commitment_requests_open',
      'Requests of sources that wait for a verdict, or for their report to be delivered (decided).',
      ['peer', 'state'],
    ),
    commitmentReportsIdleTotal: counter(
      'commitment_reports_idle_total',
      'Reports of transactions that are settled or unknown.',
      ['reason'],
    ),
    noticesTotal: counter('notices_total', 'Notices, by what came of each try to send one.', [
      'channel',
      'outcome',
    ]),
    heldTotal: counter('held_total', 'Tasks held for an operator.', ['stage', 'code']),
    operatorActionsTotal: counter(
      'operator_actions_total',
      'Tasks retried, held or discarded by an operator.',
      ['action'],
    ),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
