import { actionKind } from './action-kind.ts';
import { attributeOption, parseEditable } from './editable-attribute.ts';
import { oneOrMore } from './rule-schema.ts';

/** Takes attributes out on the way to the destinations. */
export const remove = actionKind({
  options: oneOrMore(attributeOption(parseEditable)),
  plan: (attributes) => ({ step: 'edit', edits: attributes.map(({ name }) => ({ remove: name })) }),
});
