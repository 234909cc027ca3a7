import { ConversionError } from './errors.ts';
import type { JobKind, JobRequest, JobResult } from './job-kind.ts';
import { checkProducts } from './product-check.ts';
import { wsiJob } from './wsi-job.ts';

/** Every conversion job. To add one: write its file, then add its line here. */
const jobs = {
  wsi: wsiJob,
};

/**
 * Runs a job and has its products checked.
 *
 * @throws {GatewayError} whose disposition says what is to be done with the task
 */
export async function runJob(request: JobRequest): Promise<JobResult> {
  if (!Object.hasOwn(jobs, request.job)) {
    throw new ConversionError(
      'JOB_UNKNOWN',
      `Cannot convert: job must be one of ${Object.keys(jobs).join(', ')} and is "${request.job}"`,
    );
  }
  // The table pairs each job with its own options; TypeScript cannot see the pairing.
  const kind = jobs[request.job as keyof typeof jobs] as unknown as JobKind;
  const options = kind.options.safeParse(request.options);
  if (!options.success) {
    const problems = options.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new ConversionError(
      'OPTIONS_INVALID',
      `Cannot convert: options of "${request.job}" are wrong: ${problems.join('; ')}`,
    );
  }
  return checkProducts(await kind.run(options.data, request), request);
}
