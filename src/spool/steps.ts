/**
 * The moments at which a process may die between the last byte and the reply, and between claim and
 * completion. Tests are called at each; in production the hook does nothing.
 */
export const STEP_NAMES = [
  // One small instance, on the main thread and in the ledger's thread.
  'commit-requested',
  'segment-created',
  'segment-writing',
  'segment-written',
  'segment-synced',
  'transaction-begun',
  'entry-inserted',
  'transaction-filled',
  'transaction-committed',
  'replies-posted',
  'commit-answered',
  // One large instance, in the thread of files.
  'part-created',
  'part-written',
  'part-synced',
  'part-renamed',
  'folder-synced',
  'part-answered',
  // From claim to completion.
  'claim-marked',
  'claim-answered',
  'completion-requested',
  'product-synced',
  'product-linked',
  'products-answered',
  'task-settled',
  'follow-ups-added',
  'completion-answered',
  // Retention.
  'purge-marked',
  'file-removing',
] as const;

export type StepName = (typeof STEP_NAMES)[number];

/** Called at every step by name. What it throws fails the operation at that step, as a disk would. */
export type StepHook = (name: StepName) => void;

/** The hook of a module that exports `step`; without a module, one that does nothing. */
export async function loadStepHook(stepModule: string | undefined): Promise<StepHook> {
  if (stepModule === undefined) return () => {};
  const { step } = (await import(stepModule)) as { step: StepHook };
  return step;
}
