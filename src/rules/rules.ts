/**
 * # Rules
 *
 * The stage that decides what each accepted instance needs: it claims `rules` tasks with their header index, asks
 * the rules, and completes the task with the tasks of the plan and the reasons for it, in one transaction.
 *
 * Invariants:
 * - Whatever happens while an instance is evaluated, the instance is kept: it is planned, or held with a reason.
 * - The same rules and the same header give the same plan; nothing but the two is asked.
 * - What is stored or logged of a decision holds no patient data.
 *
 * Deliberately absent: pixel data and whole data sets (the header index made at reception is all that is read), and
 * knowledge of how a conversion or a delivery is done.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { decodeHeaderIndex } from '../dicom/header-index.ts';
import { GatewayError } from '../errors.ts';
import type { Claim, Completion, Failure, RulesPayload, Spool } from '../spool/spool.ts';
import { instanceHeldByRules, instancePlanned, rulesLoaded, rulesStalled } from '../telemetry/events.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { HeaderUnreadError, NoRuleError, RuleEvaluationError, RuleFileError } from './errors.ts';
import { type Decision, evaluate } from './evaluate.ts';
import { explainDecision, summarizeMisses } from './explanation.ts';
import { Facts } from './facts.ts';
import { tasksOf } from './plan.ts';
import { checkRuleDestinations, type RuleSet } from './rule-set.ts';

export { loadRules } from './load-rules.ts';

const BATCH = 64;
const LEASE_MS = 60_000;
const PAUSE_MS = 1_000;

export interface Rules {
  readonly ruleSet: RuleSet;
  /**
   * Puts other rules in force, for everything that is claimed from now on. What is in hand is decided by the rules
   * it was claimed under.
   *
   * @throws {RuleFileError} when a rule names a destination that is not among them; then nothing has changed
   */
  replace(ruleSet: RuleSet, destinations: readonly string[]): void;
  /** Finishes the batch in hand. */
  stop(): Promise<void>;
}

/** @throws {RuleFileError} when a rule names a destination that the settings do not have */
export function assertDestinations(ruleSet: RuleSet, destinations: readonly string[]): void {
  const problems = checkRuleDestinations(ruleSet, destinations);
  if (problems.length > 0) throw new RuleFileError(ruleSet.path, problems);
}

/**
 * Starts the stage.
 *
 * @throws {RuleFileError} when a rule names a destination that the settings do not have
 */
export function startRules(
  ruleSet: RuleSet,
  deps: {
    readonly spool: Spool;
    readonly telemetry: Telemetry;
    /** Names of the configured destinations. */
    readonly destinations: readonly string[];
  },
): Rules {
  const { telemetry } = deps;
  let inForce = ruleSet;
  const replace: Rules['replace'] = (next, destinations) => {
    assertDestinations(next, destinations);
    inForce = next;
    rulesLoaded(telemetry, { path: next.path, version: next.version, rules: next.rules.length });
  };
  replace(ruleSet, deps.destinations);

  const stopping = new AbortController();
  const running = runRules(() => inForce, { ...deps, signal: stopping.signal });
  return {
    get ruleSet() {
      return inForce;
    },
    replace,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function runRules(
  inForce: () => RuleSet,
  deps: { spool: Spool; telemetry: Telemetry; signal: AbortSignal },
): Promise<void> {
  const { spool, telemetry, signal } = deps;
  const request = { kind: 'rules', limit: BATCH, headerIndex: true, leaseMs: LEASE_MS } as const;
  while (!signal.aborted) {
    try {
      const claims = await spool.claim(request, signal);
      if (claims.length > 0) await settle(inForce(), claims, deps);
      else await pause(signal); // The spool is closing, or this stage is.
    } catch (error) {
      rulesStalled(telemetry, {
        code: error instanceof GatewayError ? error.code : 'UNEXPECTED',
        reason: error instanceof Error ? error.message : String(error),
      });
      await pause(signal);
    }
  }
}

async function pause(signal: AbortSignal): Promise<void> {
  await wait(PAUSE_MS, undefined, { signal }).catch(() => undefined); // Cut short by a stop.
}

/** @throws {SpoolError} when some of it is not on record; that much comes up again */
async function settle(
  ruleSet: RuleSet,
  claims: readonly Claim[],
  { spool, telemetry }: { spool: Spool; telemetry: Telemetry },
): Promise<void> {
  const planned: Planned[] = [];
  const failures: Failure[] = [];
  for (const claim of claims) {
    try {
      planned.push(planOf(ruleSet, claim as Claim<RulesPayload | undefined>));
    } catch (error) {
      failures.push(failureOf(claim, error));
    }
  }
  try {
    if (planned.length > 0) await spool.complete(planned.map(({ completion }) => completion));
    if (failures.length > 0) await spool.fail(failures);
  } catch (error) {
    await spool.release(claims).catch(() => undefined); // What was settled is not theirs to give back any more.
    throw error;
  }

  // Told only when it is on record.
  for (const { completion, decision } of planned) {
    instancePlanned(telemetry, {
      entryId: completion.claim.entry.entryId,
      decidedBy: decision.decidedBy,
      rules: decision.matched.map(({ name }) => name),
      tasks: completion.tasks?.map(({ kind }) => kind) ?? [],
    });
  }
  for (const { claim, code, message } of failures) {
    instanceHeldByRules(telemetry, { entryId: claim.entry.entryId, code, reason: message });
  }
}

interface Planned {
  readonly completion: Completion;
  readonly decision: Decision;
}

function planOf(ruleSet: RuleSet, claim: Claim<RulesPayload | undefined>): Planned {
  const facts = factsOf(ruleSet, claim);
  const decision = evaluate(ruleSet, facts, claim.payload?.inherited);
  const explanation = explainDecision(ruleSet, facts, decision);
  if (decision.plan === undefined) {
    throw new NoRuleError(
      `Cannot route the instance: no rule matches it and there is no "otherwise": ${summarizeMisses(explanation)}`,
    );
  }
  const { productsMeetRules } = ruleSet;
  const tasks = tasksOf(decision.plan, { productsMeetRules, decidedAtMs: Date.now() });
  const decidedBy = decision.decidedBy === 'rules' ? [] : [decision.decidedBy];
  const detail = [...explanation.matched, ...decidedBy].join(', ');
  return { completion: { claim, tasks, outcome: 'planned', detail, explanation }, decision };
}

function factsOf(ruleSet: RuleSet, { entry, headerIndex }: Claim): Facts {
  return new Facts(entry, ruleSet.attributes.length, () => {
    if (headerIndex === undefined) throw new HeaderUnreadError('the header', 'the spool has no index of it');
    return decodeHeaderIndex(headerIndex);
  });
}

/** Every failure holds: an error of the rules is mended by a person, and a retry would only repeat it. */
function failureOf(claim: Claim, error: unknown): Failure {
  const known = error instanceof GatewayError ? error : new RuleEvaluationError(error);
  return { claim, disposition: 'hold', code: known.code, message: known.message };
}
