import {
  type AttributeEdit,
  type ConversionPayload,
  type DeliveryPayload,
  type NewTask,
  PRIORITY,
  type PriorityName,
} from '../spool/spool.ts';
import type { PlanStep } from './action-kind.ts';

/** What was decided for one instance: which tasks follow, and which rule asked for each. */
export interface Plan {
  /** One to a destination: the first rule that names it decides how it is sent. */
  readonly deliveries: readonly PlannedDelivery[];
  /** At most one: two pyramids of the same image would bear the same UIDs. */
  readonly conversion?: PlannedConversion;
}

export interface PlannedDelivery {
  readonly destination: string;
  readonly rule: string;
  readonly edits: readonly AttributeEdit[];
  /** Absent: normal. */
  readonly priority?: PriorityName;
}

export interface PlannedConversion extends RuleConversion {
  readonly rule: string;
  readonly deliverTo: readonly string[];
  /** Of the conversion and of what it leads to. Absent: normal. */
  readonly priority?: PriorityName;
}

/** The conversion of a rule, and its actions around it. */
export interface RuleConversion {
  readonly job: ConversionPayload['job'];
  readonly options: Readonly<Record<string, unknown>>;
  readonly editsBefore: readonly AttributeEdit[];
  readonly editsAfter: readonly AttributeEdit[];
}

/** The actions of a rule, folded: those before `convert` edit the source, those after it each product. */
export interface RuleActions {
  /** Without a conversion, the edits of what is sent. */
  readonly edits: readonly AttributeEdit[];
  readonly conversion?: RuleConversion;
}

/** What the steps of a rule come to. Of several conversions the first counts; `checkRule` refuses them. */
export function foldSteps(steps: readonly PlanStep[]): RuleActions {
  const index = steps.findIndex(({ step }) => step === 'convert');
  const step = steps[index];
  if (step?.step !== 'convert') return { edits: editsOf(steps) };
  const { job, options } = step;
  const editsBefore = editsOf(steps.slice(0, index));
  const editsAfter = editsOf(steps.slice(index));
  return { edits: [], conversion: { job, options, editsBefore, editsAfter } };
}

function editsOf(steps: readonly PlanStep[]): readonly AttributeEdit[] {
  return steps.flatMap((step) => (step.step === 'edit' ? step.edits : []));
}

/** The tasks of a plan, as the spool keeps them. */
export function tasksOf(
  plan: Plan,
  options: { readonly productsMeetRules: boolean; readonly decidedAtMs: number },
): readonly NewTask[] {
  const deliveries = plan.deliveries.map(({ destination, rule, edits, priority }): NewTask => {
    const payload: DeliveryPayload = {
      rule,
      ...(priority && { priority }),
      ...(edits.length > 0 && { edits }),
    };
    return { kind: `delivery:${destination}`, payload, ...priorityOf(priority) };
  });
  if (plan.conversion === undefined) return deliveries;
  const payload: ConversionPayload = { ...plan.conversion, ...options };
  return [...deliveries, { kind: 'conversion', payload, ...priorityOf(plan.conversion.priority) }];
}

function priorityOf(name: PriorityName | undefined): Pick<NewTask, 'priority'> {
  return name === undefined ? {} : { priority: PRIORITY[name] };
}
