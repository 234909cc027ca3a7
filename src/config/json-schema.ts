import type { z } from 'zod';
import { durationText, isDuration, type JsonSchema, jsonSchemaOf } from './setting-tree.ts';

/** Sections whose members may be removed by `null`. */
const REMOVABLE = ['inputs', 'sources', 'destinations'];

/**
 * JSON Schema of a file of settings, for editors. A file may state any part of the settings, so that nothing is
 * required here: what must be given is checked once all files have been put together.
 */
export function settingsJsonSchema(settings: z.ZodType): string {
  const { $schema, ...schema } = jsonSchemaOf(settings);
  const partial = relax(schema as JsonSchema);
  for (const [name, section] of Object.entries(partial.properties ?? {})) {
    const named = section as JsonSchema;
    if (!REMOVABLE.includes(name) || typeof named.additionalProperties !== 'object') continue;
    named.additionalProperties = { anyOf: [named.additionalProperties, { type: 'null' }] };
  }
  const titled = { $schema, title: 'Settings of Slidegate', ...partial };
  return `${JSON.stringify(titled, null, 2)}\n`;
}

/** Drops `required`, lets any kind match that fits what is stated, and writes defaults as people do. */
function relax(value: JsonSchema): JsonSchema {
  const { required: _, oneOf, default: stated, ...schema } = value;
  const relaxed = Object.fromEntries(
    Object.entries(schema)
      .filter(([, member]) => Math.abs(Number(member)) !== Number.MAX_SAFE_INTEGER)
      .map(([name, member]) => [name, relaxMember(name, member)]),
  ) as JsonSchema;
  if (oneOf) relaxed.anyOf = oneOf.map((one) => relax(one as JsonSchema));
  if (stated !== undefined) {
    relaxed.default = typeof stated === 'number' && isDuration(value) ? durationText(stated) : stated;
  }
  return relaxed;
}

function relaxMember(name: string, member: unknown): unknown {
  if (typeof member !== 'object' || member === null) return member;
  if (name === 'properties') {
    return Object.fromEntries(Object.entries(member).map(([key, one]) => [key, relax(one as JsonSchema)]));
  }
  if (['items', 'additionalProperties', 'propertyNames', 'not'].includes(name))
    return relax(member as JsonSchema);
  if (name === 'anyOf' || name === 'allOf') return (member as JsonSchema[]).map(relax);
  return member;
}
