/**
 * # Conversion worker
 *
 * Entry of the worker process: runs one job after the other, as messages ask for it.
 *
 * Deliberately absent: the spool, the network and the log. What happened goes back as a message; files go to
 * the folder the message names.
 */
import { GatewayError } from '../errors.ts';
import type { JobResult } from './job-kind.ts';
import { runJob } from './jobs.ts';
import type { FromWorker, JobFailure, ToWorker } from './worker-messages.ts';

process.on('message', (message: ToWorker) => {
  runJob(message.request).then(
    (result: JobResult) => send({ type: 'done', result }),
    (error: unknown) => {
      if (error instanceof GatewayError) send({ type: 'failed', failure: failureOf(error) });
      else crash(error);
    },
  );
});
process.on('uncaughtException', crash);
process.on('disconnect', () => process.exit()); // The gateway is gone, or has no more work.
// Ctrl-C reaches the whole process group; the gateway decides when its workers end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

function failureOf({ code, disposition, message, context }: GatewayError): JobFailure {
  return { code, disposition, message, context };
}

/** A bug: better a new process than one in an unknown state. */
function crash(error: unknown): void {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.send?.({ type: 'crashed', stack } satisfies FromWorker, () => process.exit(70));
}

function send(message: FromWorker): void {
  process.send?.(message);
}
