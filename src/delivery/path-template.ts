/** Names of files from attributes of the instance, such as `{StudyInstanceUID}/{SOPInstanceUID}.dcm`. */
import { parseTagPath, type TagPath } from '../dicom/dictionary.ts';

type Part = { readonly text: string } | { readonly attribute: string; readonly path: TagPath };

export interface PathTemplate {
  /** One list of parts per folder, and one for the file. */
  readonly segments: readonly (readonly Part[])[];
}

/** Characters that some file system refuses, or reads as something else. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f/\\:*?"<>|]/g;
/** Names that Windows takes for devices; the folder may be a share. */
const DEVICES = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
/** Of 255 that file systems allow, some are left for the temporary name. */
const SEGMENT_BYTES_MAX = 200;
const UID_BYTES_MAX = 64;

/**
 * Reads a template.
 *
 * @throws {SyntaxError} saying what is wrong with it
 * @throws {TagPathError} when what stands in braces names no attribute
 */
export function parsePathTemplate(text: string): PathTemplate {
  const segments = (text.endsWith('.dcm') ? text : `${text}.dcm`).split('/');
  for (const segment of segments) {
    if (['', '.', '..', '.dcm'].includes(segment)) {
      throw new SyntaxError('must be a relative path without empty, "." or ".." parts');
    }
  }
  const template = { segments: segments.map(parseSegment) };
  if (!template.segments.flat().some((part) => 'attribute' in part)) {
    throw new SyntaxError('must name an attribute in braces: without one all instances have the same name');
  }
  return template;
}

/** Whether no two instances can have the same path: the name of the file is their UID, and is never cut. */
export function isUniquePerInstance({ segments }: PathTemplate): boolean {
  const file = segments.at(-1) ?? [];
  const names = file.filter((part) => 'attribute' in part);
  const textBytes = file.reduce((sum, part) => sum + ('text' in part ? Buffer.byteLength(part.text) : 0), 0);
  const [name] = names;
  return (
    names.length === 1 &&
    name?.attribute === 'SOPInstanceUID' &&
    textBytes + UID_BYTES_MAX <= SEGMENT_BYTES_MAX
  );
}

/**
 * Fills in a template.
 *
 * @param lookUp the value of an attribute; undefined where the instance has none
 * @returns a relative path, of which no part can leave the folder, whatever the values hold
 */
export function renderPath(
  template: PathTemplate,
  lookUp: (attribute: string, path: TagPath) => string | undefined,
): string {
  const renderPart = (part: Part) =>
    'text' in part ? part.text : safeName(lookUp(part.attribute, part.path) ?? '');
  return template.segments.map((parts) => shorten(parts.map(renderPart).join(''))).join('/');
}

function parseSegment(segment: string): readonly Part[] {
  const parts = segment.split(/\{([^{}]*)\}/).map((text, index): Part => {
    if (index % 2 === 1) return { attribute: text, path: parseTagPath(text) };
    const unsafe = text.match(UNSAFE) ?? text.match(/[{}]/);
    if (unsafe) throw new SyntaxError(`must not hold "${unsafe[0]}" there`);
    return { text };
  });
  return parts.filter((part) => !('text' in part) || part.text !== '');
}

function safeName(value: string): string {
  const safe = value
    .normalize('NFC')
    .replaceAll(UNSAFE, '_')
    .replace(/^[. ]+|[. ]+$/g, '');
  if (safe === '') return '_';
  return DEVICES.test(safe) ? `_${safe}` : safe;
}

/** Cuts from the middle of the name, so that `.dcm` stays. */
function shorten(segment: string): string {
  if (Buffer.byteLength(segment) <= SEGMENT_BYTES_MAX) return segment;
  const ending = segment.endsWith('.dcm') ? '.dcm' : '';
  let kept = '';
  let bytes = ending.length;
  for (const character of segment) {
    bytes += Buffer.byteLength(character);
    if (bytes > SEGMENT_BYTES_MAX) break;
    kept += character;
  }
  return kept + ending;
}
