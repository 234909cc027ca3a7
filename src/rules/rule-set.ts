import { didYouMean } from '../did-you-mean.ts';
import type { PriorityName } from '../spool/spool.ts';
import type { AttributeReference } from './attributes.ts';
import type { CompiledCondition } from './conditions.ts';
import type { Place, Problem } from './errors.ts';
import type { RuleActions } from './plan.ts';
import type { RuleTest } from './rule-test-syntax.ts';

/** A destination as a rule names it. */
export interface DestinationName {
  readonly name: string;
  readonly place: Place;
}

/** A rule, ready to be asked. */
export interface Rule extends RuleActions {
  readonly name: string;
  readonly place: Place;
  /** Absent: it matches everything. */
  readonly when?: CompiledCondition;
  readonly to: readonly DestinationName[];
  readonly toOriginal: readonly DestinationName[];
  /** Of what it sends; without destinations, of what the rules after it send. */
  readonly priority?: PriorityName;
  /** Later rules are asked as well. */
  readonly continues: boolean;
  /** It asks for converted instances; without that, it is never asked about one. */
  readonly meetsConverted: boolean;
  /** It names the WSI SOP class, and so may convert an object that is one already. */
  readonly namesWsi: boolean;
}

/** All rules of a folder or file: immutable, replaced as a whole. */
export interface RuleSet {
  /** Digest of the files: says which rules decided. */
  readonly version: string;
  readonly path: string;
  readonly rules: readonly Rule[];
  /** Where an instance goes that no rule sends anywhere. */
  readonly otherwise?: { readonly to: readonly DestinationName[]; readonly place: Place };
  /** Every attribute that a condition reads, by slot. */
  readonly attributes: readonly AttributeReference[];
  /** Whether any rule asks for converted instances. */
  readonly productsMeetRules: boolean;
  readonly tests: readonly RuleTest[];
}

/** Destinations that rules name and the settings do not. */
export function checkRuleDestinations(ruleSet: RuleSet, names: readonly string[]): readonly Problem[] {
  return destinationsOf(ruleSet)
    .filter(({ name }) => !names.includes(name))
    .map(({ name, place }) => ({
      ...place,
      message: `unknown destination "${name}"${didYouMean(name, names) || ';'} the settings have: ${names.join(', ') || 'none'}`,
    }));
}

/** Every mention of a destination. */
export function destinationsOf(ruleSet: RuleSet): readonly DestinationName[] {
  const { rules, otherwise } = ruleSet;
  return [...rules.flatMap((rule) => [...rule.to, ...rule.toOriginal]), ...(otherwise?.to ?? [])];
}
