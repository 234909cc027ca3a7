import { z } from 'zod';
import { isLoopback } from './hosts.ts';
import { InputSettings } from './inputs.ts';
import { SourceSettings, UNKNOWN_SOURCE } from './sources.ts';

/** Settings of reception; they stand at the top of the file. */
export const IntakeSettings = z.strictObject({
  inputs: z
    .record(z.string(), InputSettings)
    .default({})
    .describe('Where instances come in, by names of your choice: metrics and the console use them.'),
  sources: z
    .record(z.string(), SourceSettings)
    .default({})
    .describe('Callers by names of your choice: rules say `from: name`, metrics and the console use it.'),
  allow_any_caller: z
    .boolean()
    .default(true)
    .describe(
      'Whether callers that no source names are admitted. Beyond loopback the gateway starts with this only when ' +
        'it is set on purpose.',
    ),
  accept_unknown_sop_classes: z
    .boolean()
    .default(false)
    .describe('Whether instances of private and future SOP classes are taken, besides all of the standard.'),
});
export type IntakeSettings = z.infer<typeof IntakeSettings>;

/** A setting that is right by itself and wrong beside others. */
export interface IntakeProblem {
  readonly severity: 'error' | 'warning';
  readonly path: readonly string[];
  readonly message: string;
}

/**
 * What the schema cannot see. Pure.
 *
 * @param isStated tells whether somebody stated a setting, rather than the defaults of the program
 */
export function checkIntakeSettings(
  settings: IntakeSettings,
  isStated: (path: readonly string[]) => boolean,
): readonly IntakeProblem[] {
  return [
    ...anyCallerBeyondLoopback(settings, isStated),
    ...nobodyAdmitted(settings),
    ...sourcesNeverMatched(settings),
  ];
}

/** DICOM has no sign-in: whoever reaches an open port may store. */
function anyCallerBeyondLoopback(
  settings: IntakeSettings,
  isStated: (path: readonly string[]) => boolean,
): readonly IntakeProblem[] {
  if (!settings.allow_any_caller || isStated(['allow_any_caller'])) return [];
  return Object.entries(settings.inputs)
    .flatMap(([name, input]) =>
      'host' in input && !isLoopback(input.host) ? [{ name, host: input.host }] : [],
    )
    .map(({ name, host }) => ({
      severity: 'error',
      path: ['inputs', name, 'host'],
      message:
        `must be loopback while any caller is allowed: is "${host}". Name the callers under sources and set ` +
        'allow_any_caller: false, or set allow_any_caller: true beside it on purpose',
    }));
}

function nobodyAdmitted({ allow_any_caller, sources }: IntakeSettings): readonly IntakeProblem[] {
  if (allow_any_caller || Object.keys(sources).length > 0) return [];
  const message = 'is false and there are no sources: nobody is admitted';
  return [{ severity: 'warning', path: ['allow_any_caller'], message }];
}

function sourcesNeverMatched({ sources }: IntakeSettings): readonly IntakeProblem[] {
  const problems: IntakeProblem[] = [];
  const seen = new Map<string, string>();
  for (const [name, { ae_title, hosts }] of Object.entries(sources)) {
    const path = ['sources', name];
    if (name === UNKNOWN_SOURCE) {
      const message = 'must have another name: this is what callers without one are called';
      problems.push({ severity: 'error', path, message });
    }
    const key = `${ae_title.trim()} ${hosts.toSorted().join(' ')}`;
    const first = seen.get(key) ?? seen.get(`${ae_title.trim()} `);
    if (first !== undefined) {
      const message = `must differ from "${first}", which takes every call of "${ae_title}" from there`;
      problems.push({ severity: 'error', path, message });
    }
    seen.set(key, name);
  }
  return problems;
}
