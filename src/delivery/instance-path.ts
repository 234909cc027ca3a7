/** Where an instance is filed, by a template of the settings: on a file system or in a bucket. */
import { z } from 'zod';
import { parseTagPath, type TagPath } from '../dicom/dictionary.ts';
import { attributeValues } from '../dicom/header-index.ts';
import type { DeliveryItem } from './destination-kind.ts';
import type { HeadedSource } from './part10-source.ts';
import { type PathTemplate, parsePathTemplate, renderPath } from './path-template.ts';
import { indexOf } from './rewriting.ts';

export const PathTemplateSetting = z.string().superRefine((text, context) => {
  const problem = templateProblem(text);
  if (problem) context.addIssue({ code: 'custom', message: problem });
});

export const DEFAULT_TEMPLATE = '{StudyInstanceUID}/{SeriesInstanceUID}/{SOPInstanceUID}.dcm';

/** The path of an instance, from its attributes as they are after the edits of its rule. */
export function pathOfInstance(template: PathTemplate, source: HeadedSource, item: DeliveryItem): string {
  return renderPath(template, attributesOf(source, item));
}

/** Looks up attributes of an instance, as they are after the edits of its rule. */
export function attributesOf(
  source: HeadedSource,
  { entry, payload }: DeliveryItem,
): (attribute: string, path?: TagPath) => string | undefined {
  const known: Readonly<Record<string, string>> = {
    SOPClassUID: entry.sopClassUid,
    SOPInstanceUID: entry.sopInstanceUid,
    ...(!payload.edits?.length && {
      StudyInstanceUID: entry.studyInstanceUid,
      SeriesInstanceUID: entry.seriesInstanceUid,
    }),
  };
  let index: ReturnType<typeof indexOf> | undefined;
  return (attribute, path = parseTagPath(attribute)) => {
    if (known[attribute]) return known[attribute];
    index ??= indexOf(source);
    const values = attributeValues(index, path);
    return Array.isArray(values) ? values.join('_') : undefined;
  };
}

function templateProblem(template: string): string | undefined {
  try {
    parsePathTemplate(template);
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    return error instanceof SyntaxError ? message : `must hold names of attributes in braces: ${message}`;
  }
}
