import { z } from 'zod';
import type { AttributeEdit } from '../spool/spool.ts';
import { actionKind } from './action-kind.ts';
import { AttributeError, type AttributeName } from './attributes.ts';
import { parseEditable } from './editable-attribute.ts';
import { kindOf } from './rule-schema.ts';
import { countProblem, valueProblem } from './written-value.ts';

/** Gives attributes a value on the way to the destinations; an empty text empties them. */
export const set = actionKind({
  options: z.record(z.string(), z.unknown()).transform((values, context): readonly AttributeEdit[] => {
    const entries = Object.entries(values);
    if (entries.length === 0) context.addIssue({ code: 'custom', message: '"set" must name an attribute' });
    return entries.flatMap(([text, value]) => {
      const say = (message: string, at: 'key' | 'value') =>
        context.addIssue({ code: 'custom', message, path: [text], params: { at } });
      const attribute = editable(text, say);
      return attribute === undefined ? [] : editOf(attribute, value, say);
    });
  }),
  plan: (edits) => ({ step: 'edit', edits }),
});

type Say = (message: string, at: 'key' | 'value') => void;

function editable(text: string, say: Say): AttributeName | undefined {
  try {
    return parseEditable(text);
  } catch (error) {
    if (!(error instanceof AttributeError)) throw error;
    return void say(error.message, 'key');
  }
}

function editOf(attribute: AttributeName, value: unknown, say: Say): readonly AttributeEdit[] {
  const listed = Array.isArray(value) ? value : [value];
  const texts = listed.filter((one) => typeof one === 'string');
  if (texts.length < listed.length) {
    const wrong = listed.find((one) => typeof one !== 'string');
    return say(`${attribute.name} takes a value or a list of values, not ${kindOf(wrong)}`, 'value') ?? [];
  }
  const values = texts.length === 1 && texts[0] === '' ? [] : texts;
  const problem =
    countProblem(attribute, values.length) ?? values.map((one) => valueProblem(attribute, one)).find(Boolean);
  if (problem !== undefined) return say(problem, 'value') ?? [];
  return [{ set: attribute.name, value: values }];
}
