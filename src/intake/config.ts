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
    ...secretsInTheClear(settings),
    ...nobodyAdmitted(settings),
    ...sourcesNeverMatched(settings),
  ];
}

/** Whoever reaches an open port may store, unless certificates or a sign-in keep strangers out. */
function anyCallerBeyondLoopback(
  settings: IntakeSettings,
  isStated: (path: readonly string[]) => boolean,
): readonly IntakeProblem[] {
  if (!settings.allow_any_caller || isStated(['allow_any_caller'])) return [];
  return Object.entries(settings.inputs)
    .flatMap(([name, input]) =>
      'host' in input && !isLoopback(input.host) && !keepsStrangersOut(input)
        ? [{ name, host: input.host }]
        : [],
    )
    .map(({ name, host }) => ({
      severity: 'error',
      path: ['inputs', name, 'host'],
      message:
        `must be loopback while any caller is allowed: is "${host}". Name the callers under sources and set ` +
        'allow_any_caller: false, or set allow_any_caller: true beside it on purpose',
    }));
}

/** Whoever listens on the way to the port can sign in from then on. */
function secretsInTheClear({ inputs }: IntakeSettings): readonly IntakeProblem[] {
  return Object.entries(inputs).flatMap(([name, input]) => {
    if (!('auth' in input) || !signsIn(input) || input.tls !== undefined || isLoopback(input.host)) return [];
    const message = 'sends passwords and tokens in the clear: set tls, unless a proxy in front does it';
    return [{ severity: 'warning' as const, path: ['inputs', name, 'auth'], message }];
  });
}

function nobodyAdmitted({ allow_any_caller, inputs, sources }: IntakeSettings): readonly IntakeProblem[] {
  if (allow_any_caller || Object.keys(sources).length > 0) return [];
  // Folders have no callers, and who signs in is known.
  if (Object.values(inputs).some((input) => signsIn(input) || !('host' in input))) return [];
  const message = 'is false and there are no sources: nobody is admitted';
  return [{ severity: 'warning', path: ['allow_any_caller'], message }];
}

function sourcesNeverMatched({ inputs, sources }: IntakeSettings): readonly IntakeProblem[] {
  const problems: IntakeProblem[] = [];
  const asksForCertificates = Object.values(inputs).some((input) => asksFor(input) !== 'none');
  const seen: [string, SourceSettings][] = [];
  for (const [name, source] of Object.entries(sources)) {
    const path = ['sources', name];
    if (name === UNKNOWN_SOURCE) {
      const message = 'must have another name: this is what callers without one are called';
      problems.push({ severity: 'error', path, message });
    }
    const [first] = seen.find(([, earlier]) => takesEveryCallOf(earlier, source)) ?? [];
    if (first !== undefined) {
      const message = `must differ from "${first}", which takes every call that could be of this source`;
      problems.push({ severity: 'error', path, message });
    }
    if (source.certificate !== undefined && !asksForCertificates) {
      const message =
        'is never shown: no input asks for certificates. Set tls.client_certificates of one to requested or required';
      problems.push({ severity: 'error', path: [...path, 'certificate'], message });
    }
    seen.push([name, source]);
  }
  return problems;
}

/** Whether no call is left for `later`, since `earlier` comes first. */
function takesEveryCallOf(earlier: SourceSettings, later: SourceSettings): boolean {
  const isTitle = earlier.ae_title === undefined || earlier.ae_title.trim() === later.ae_title?.trim();
  const isHost = earlier.hosts.length === 0 || isSame(earlier.hosts.toSorted(), later.hosts.toSorted());
  return (
    isTitle && isHost && (earlier.certificate === undefined || isSame(earlier.certificate, later.certificate))
  );
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function keepsStrangersOut(input: InputSettings): boolean {
  return signsIn(input) || asksFor(input) === 'required';
}

function signsIn(input: InputSettings): boolean {
  return 'auth' in input && input.auth.kind !== 'none';
}

function asksFor(input: InputSettings): 'none' | 'requested' | 'required' {
  return ('tls' in input ? input.tls?.client_certificates : undefined) ?? 'none';
}
