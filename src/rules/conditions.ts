/**
 * # Conditions
 *
 * The closed grammar of `when`, compiled to closures once and then only called. Pure: a condition sees the facts of
 * one instance and nothing else, so that the same instance always gets the same answer.
 *
 * Deliberately absent: scripts, the clock, anything that could loop or wait. Regular expressions run in linear time.
 */
import type { AttributeCondition, Condition } from './condition-syntax.ts';
import { answerTo, questionOf } from './disclosure.ts';
import type { Circumstances, Facts } from './facts.ts';

/** One question that settled a condition, and the answer. Holds no patient data: see disclosure.ts. */
export interface Reason {
  /** Its place in the rule: `when.any[0].all[1]`. */
  readonly at: string;
  /** The question: `Modality in SM, GM`. */
  readonly condition: string;
  readonly holds: boolean;
  /** The value seen, or for an attribute that may name a patient only how it stands to the question. */
  readonly saw: string;
}

export interface CompiledCondition {
  /** @throws {HeaderUnreadError} when an attribute lies beyond the readable part of the header */
  readonly holds: (facts: Facts) => boolean;
  /** Adds why it holds, or does not: the questions that settled it, and no others. */
  readonly addReasons: (facts: Facts, showValues: boolean, reasons: Reason[]) => void;
}

/** Makes the condition callable. Order counts: what comes first is asked first, and often settles it. */
export function compileCondition(condition: Condition): CompiledCondition {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return compileGroup(condition.kind, condition.of.map(compileCondition));
    case 'not': {
      const { holds, addReasons } = compileCondition(condition.of);
      return { holds: (facts) => !holds(facts), addReasons };
    }
    case 'attribute':
      return compileAttribute(condition);
    case 'from':
    case 'from-ae':
    case 'to-ae':
      return compileCircumstance(condition.kind, condition.names, condition.at);
    case 'origin':
      return compileCircumstance(condition.kind, condition.origins, condition.at);
    default:
      return condition satisfies never;
  }
}

/** `all` fails by one and holds by every one; `any` the other way round. */
function compileGroup(kind: 'all' | 'any', inner: readonly CompiledCondition[]): CompiledCondition {
  const decisive = kind === 'any';
  const checks = inner.map(({ holds }) => holds);
  return {
    holds: (facts) => {
      for (const check of checks) if (check(facts) === decisive) return decisive;
      return !decisive;
    },
    addReasons: (facts, showValues, reasons) => {
      for (const one of inner) {
        if (one.holds(facts) === decisive) return one.addReasons(facts, showValues, reasons);
      }
      for (const one of inner) one.addReasons(facts, showValues, reasons);
    },
  };
}

function compileAttribute({ attribute, operator, words, test, at }: AttributeCondition): CompiledCondition {
  const question = questionOf(attribute, operator, words);
  return {
    holds: (facts) => test(facts.values(attribute)),
    addReasons: (facts, showValues, reasons) => {
      const values = facts.values(attribute);
      const holds = test(values);
      const condition = showValues ? question.open : question.discreet;
      reasons.push({ at, condition, holds, saw: answerTo(question, values, { holds, showValues }) });
    },
  };
}

function compileCircumstance(
  kind: CircumstanceName,
  names: readonly string[],
  at: string,
): CompiledCondition {
  const field = CIRCUMSTANCES[kind];
  const wanted = new Set(names);
  const holds = (facts: Facts): boolean => wanted.has(facts.circumstances[field]);
  const condition = `${kind} ${names.join(', ')}`;
  return {
    holds,
    addReasons: (facts, _showValues, reasons) => {
      reasons.push({ at, condition, holds: holds(facts), saw: facts.circumstances[field] });
    },
  };
}

/** What the words of the grammar are called in the code. */
const CIRCUMSTANCES = {
  from: 'source',
  'from-ae': 'callingAeTitle',
  'to-ae': 'calledAeTitle',
  origin: 'origin',
} as const satisfies Record<string, keyof Circumstances>;

type CircumstanceName = keyof typeof CIRCUMSTANCES;

/** Whether a condition of the rule names this SOP class as one it takes; `not` in front does not name it. */
export function namesSopClass(condition: Condition, sopClassUid: string): boolean {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return condition.of.some((inner) => namesSopClass(inner, sopClassUid));
    case 'attribute':
      return (
        condition.attribute.source === 'sopClassUid' &&
        (condition.operator === 'is' || condition.operator === 'in') &&
        condition.test([sopClassUid])
      );
    default:
      return false;
  }
}

/** Whether the rule asks for converted instances; only such rules see any. */
export function asksForConverted(condition: Condition, negated = false): boolean {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return condition.of.some((inner) => asksForConverted(inner, negated));
    case 'not':
      return asksForConverted(condition.of, !negated);
    case 'origin':
      return condition.origins.includes('converted') !== negated;
    default:
      return false;
  }
}
