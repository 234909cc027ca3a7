/**
 * # Checks
 *
 * Every check of the validator, by name. To add one: write its entry in the table of its kind; nothing else has to
 * know. The name is what findings, documents and tests call it, and never changes its meaning.
 */
import type { Check } from './check.ts';
import { elementChecks } from './element-checks.ts';
import { fileChecks } from './file-checks.ts';
import { frameChecks } from './frame-checks.ts';
import { imageChecks } from './image-checks.ts';
import { moduleChecks } from './module-checks.ts';
import { multiFrameChecks } from './multi-frame-checks.ts';
import { readingChecks } from './reading-checks.ts';
import { seriesChecks } from './series-checks.ts';
import { valueChecks } from './value-checks.ts';
import { wsiChecks } from './wsi-checks.ts';

const table = {
  ...fileChecks,
  ...readingChecks,
  ...elementChecks,
  ...moduleChecks,
  ...valueChecks,
  ...imageChecks,
  ...frameChecks,
  ...multiFrameChecks,
  ...wsiChecks,
  ...seriesChecks,
};

export type CheckName = keyof typeof table;

export const checks: Readonly<Record<CheckName, Check>> = table;

/** Name and check of all that look at something of one kind. */
export function checksOf<Kind extends 'element' | 'frame' | 'frameItem' | 'instance' | 'series'>(
  kind: Kind,
): readonly (readonly [CheckName, NonNullable<Check[Kind]>])[] {
  return (Object.keys(table) as CheckName[]).flatMap((name) => {
    const run = checks[name][kind];
    return run === undefined ? [] : [[name, run] as const];
  });
}
