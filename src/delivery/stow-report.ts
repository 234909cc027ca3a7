/**
 * The Store Instances Response Module, as JSON or XML, read as far as it says what became of the instances. Pure.
 * PS3.18 I.2, F.2; PS3.19 A.1.
 */

/** One instance of which the server tells. */
export interface ReportedInstance {
  readonly sopInstanceUid?: string;
  /** Failure Reason or Warning Reason. */
  readonly reason?: number;
}

export interface StowReport {
  /** Referenced SOP Sequence: what has been stored. */
  readonly stored: readonly ReportedInstance[];
  /** Failed SOP Sequence. */
  readonly failed: readonly ReportedInstance[];
  /** Other Failures Sequence: of what could not even be told apart. */
  readonly otherFailures: readonly ReportedInstance[];
}

const STORED = '00081199';
const FAILED = '00081198';
const OTHER_FAILURES = '0008119A';
const SOP_INSTANCE_UID = '00081155';
const WARNING_REASON = '00081196';
const FAILURE_REASON = '00081197';

/** An element: its values, or its items. */
type Values = readonly (string | Attributes)[];
type Attributes = ReadonlyMap<string, Values>;

/**
 * Reads a report.
 *
 * @returns undefined when this is none
 */
export function readStowReport(contentType: string, body: Uint8Array): StowReport | undefined {
  const text = Buffer.from(body)
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trim();
  const attributes = /xml/i.test(contentType) || text.startsWith('<') ? readXml(text) : readJson(text);
  if (!attributes) return undefined;
  return {
    stored: instances(attributes.get(STORED), WARNING_REASON),
    failed: instances(attributes.get(FAILED), FAILURE_REASON),
    otherFailures: instances(attributes.get(OTHER_FAILURES), FAILURE_REASON),
  };
}

function instances(items: Values | undefined, reasonTag: string): readonly ReportedInstance[] {
  return (items ?? []).flatMap((item) => {
    if (typeof item === 'string') return [];
    const sopInstanceUid = textOf(item.get(SOP_INSTANCE_UID));
    const reason = Number(textOf(item.get(reasonTag)) ?? Number.NaN);
    return [
      {
        ...(sopInstanceUid && { sopInstanceUid }),
        ...(Number.isInteger(reason) && reason >= 0 && reason <= 0xffff && { reason }),
      },
    ];
  });
}

function textOf(values: Values | undefined): string | undefined {
  const [first] = values ?? [];
  return typeof first === 'string' ? first.replace(/[\0 ]+$/, '') : undefined;
}

function readJson(text: string): Attributes | undefined {
  try {
    const json: unknown = JSON.parse(text);
    const model: unknown = Array.isArray(json) ? json[0] : json;
    return isDicomModel(model) ? jsonAttributes(model, 0) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether it is a data set, if an empty one: some other JSON tells nothing of instances. PS3.18 F.2.2. */
function isDicomModel(json: unknown): boolean {
  const names = typeof json === 'object' && json !== null ? Object.keys(json) : [];
  return names.length === 0 || names.some((name) => /^[0-9A-Fa-f]{8}$/.test(name));
}

/** Sequences within sequences: none of what is looked for lies deeper. */
const DEPTH_MAX = 3;

function jsonAttributes(json: unknown, depth: number): Attributes | undefined {
  if (typeof json !== 'object' || json === null || depth > DEPTH_MAX) return undefined;
  const attributes = new Map<string, Values>();
  for (const [tag, element] of Object.entries(json)) {
    const values: unknown = (element as { Value?: unknown } | null)?.Value;
    if (!Array.isArray(values)) continue;
    attributes.set(
      tag.toUpperCase(),
      values.flatMap((value) => jsonValue(value, depth)),
    );
  }
  return attributes;
}

function jsonValue(value: unknown, depth: number): Values {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  const item = jsonAttributes(value, depth + 1);
  return item ? [item] : [];
}

/** A start or an end of an element with its attributes, or what no element is. Sticky: the first that is none ends it. */
const XML_TOKEN =
  /<!--[\s\S]*?-->|<[?!][^>]*>|<(\/?)(?:[\w.-]+:)?([\w.-]+)((?:"[^"<]*"|'[^'<]*'|[^<>"'])*?)(\/?)>|([^<]+)/gy;

interface XmlElement {
  readonly name: string;
  readonly tag: string;
  readonly values: (string | Attributes)[];
  readonly attributes: Map<string, Values>;
  text: string;
}

/** The Native DICOM Model. Nothing in it needs more of XML than elements, attributes and text. */
function readXml(text: string): Attributes | undefined {
  const root = element('', '');
  const open = [root];
  let read = 0;
  for (const match of text.matchAll(XML_TOKEN)) {
    read += match[0].length;
    const [, end, name, attributes = '', empty, characters] = match;
    const top = open.at(-1)!;
    if (characters !== undefined) top.text += characters;
    if (name === undefined) continue;
    if (end) {
      if (open.length < 2 || top.name !== name) return undefined;
      open.pop();
      close(top, open.at(-1)!);
      continue;
    }
    const opened = element(
      name,
      /\btag\s*=\s*["']([0-9A-Fa-f]{8})["']/.exec(attributes)?.[1]?.toUpperCase() ?? '',
    );
    if (empty) close(opened, top);
    else open.push(opened);
  }
  const model = root.values[0];
  return open.length === 1 && read === text.length && model instanceof Map ? model : undefined;
}

function element(name: string, tag: string): XmlElement {
  return { name, tag, values: [], attributes: new Map(), text: '' };
}

function close(closed: XmlElement, parent: XmlElement): void {
  if (closed.name === 'DicomAttribute') parent.attributes.set(closed.tag, closed.values);
  else if (closed.name === 'Value') parent.values.push(closed.text.trim());
  else if (closed.name === 'Item' || closed.name === 'NativeDicomModel')
    parent.values.push(closed.attributes);
}
