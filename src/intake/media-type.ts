/** Media types as HTTP and MIME headers write them. RFC 9110 8.3.1, RFC 2045 5.1. */

export interface MediaType {
  /** Lower case, without parameters: `multipart/related`. */
  readonly essence: string;
  /** By names in lower case; the first of a name counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

const ESSENCE = /^\s*([\w!#$&^.+*-]+\/[\w!#$&^.+*-]+)\s*(?=;|$)/;
/** Values without quotes may hold `/`: clients write `type=application/dicom`. */
const PARAMETER = /\s*;\s*(?:([\w!#$&^.+*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*)))?\s*/y;

/** Reads one media type; undefined when the text is none. */
export function parseMediaType(text: string): MediaType | undefined {
  const essence = ESSENCE.exec(text);
  if (essence === null) return undefined;
  const parameters = new Map<string, string>();
  for (let position = essence[0].length; position < text.length; position = PARAMETER.lastIndex) {
    PARAMETER.lastIndex = position;
    const match = PARAMETER.exec(text);
    if (match === null) return undefined;
    const [, name, quoted, plain = ''] = match;
    if (name === undefined) continue; // A semicolon too many.
    const key = name.toLowerCase();
    if (!parameters.has(key)) parameters.set(key, quoted?.replace(/\\(.)/g, '$1') ?? plain);
  }
  return { essence: (essence[1] as string).toLowerCase(), parameters };
}

/**
 * Whether an Accept header takes one of the media types. Also `multipart/related; type="…"`, which some clients
 * send for every service. RFC 9110 12.5.1; a quality of 0 is a no, others do not rank.
 *
 * @param header undefined: everything is taken
 */
export function accepts(header: string | undefined, essences: readonly string[]): boolean {
  if (header === undefined || header.trim() === '') return true;
  return splitList(header).some((text) => {
    const range = parseMediaType(text);
    if (range === undefined || Number(range.parameters.get('q') ?? 1) === 0) return false;
    const { essence } = range;
    const wanted = essence === 'multipart/related' ? (range.parameters.get('type') ?? essence) : essence;
    return essences.some((own) => wanted === '*/*' || wanted === own || wanted === `${own.split('/')[0]}/*`);
  });
}

/** Splits at commas outside of quotes. */
function splitList(header: string): readonly string[] {
  return header.match(/(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g) ?? [];
}
