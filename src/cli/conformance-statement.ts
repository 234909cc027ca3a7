/**
 * What the DICOM conformance statement says (PS3.2), as data: read from the tables that the code runs on and from
 * the settings in force, so that it cannot promise anything else.
 */
import packageJson from '../../package.json' with { type: 'json' };
import type { Settings } from '../config/config.ts';
import { storageSopClasses } from '../dicom/sop-class.ts';
import { formatTag } from '../dicom/tag.ts';
import { transferSyntaxes } from '../dicom/transfer-syntax.ts';
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from '../dicom/uid.ts';
import { type AttributeRule, iodOf } from '../dicom/validator/iod.ts';
import { categoryOfStatus, formatStatus, STATUS } from '../dimse/status.ts';

const VL_WHOLE_SLIDE = '1.2.840.10008.5.1.4.1.1.77.1.6';

/** A setting as the statement shows it. */
type Parameters = Readonly<Record<string, unknown>>;

export interface ConformanceStatement {
  readonly product: {
    readonly name: string;
    readonly version: string;
    readonly implementationClassUid: string;
    readonly implementationVersionName: string;
  };
  readonly inputs: Readonly<Record<string, Parameters>>;
  readonly sources: Readonly<Record<string, Parameters>>;
  readonly allowAnyCaller: boolean;
  readonly acceptUnknownSopClasses: boolean;
  readonly destinations: Readonly<Record<string, Parameters>>;
  readonly storageSopClasses: readonly { uid: string; name: string; retired: boolean }[];
  readonly transferSyntaxes: readonly { uid: string; name: string; title: string; retired: boolean }[];
  /** What the Storage SCP answers. */
  readonly answers: readonly { status: string; meaning: string }[];
  /** What the Storage SCU makes of the answers it gets. */
  readonly reactions: readonly { statuses: string; meaning: string; outcome: string }[];
  /** The object that conversion makes; absent where this build knows no definition of it. */
  readonly produced?: ProducedObject;
}

export interface ProducedObject {
  readonly sopClassUid: string;
  readonly name: string;
  readonly modules: readonly {
    readonly name: string;
    readonly usage: string;
    readonly attributes: readonly ProducedAttribute[];
  }[];
}

export interface ProducedAttribute {
  readonly tag: string;
  readonly keyword: string;
  readonly type: string;
  /** 0 for the data set itself, 1 for items of a sequence, and so on. */
  readonly depth: number;
}

export function conformanceOf(settings: Settings): ConformanceStatement {
  const produced = producedObject();
  return {
    product: {
      name: 'Slidegate',
      version: packageJson.version,
      implementationClassUid: IMPLEMENTATION_CLASS_UID,
      implementationVersionName: IMPLEMENTATION_VERSION_NAME,
    },
    inputs: settings.inputs,
    sources: settings.sources,
    allowAnyCaller: settings.allow_any_caller,
    acceptUnknownSopClasses: settings.accept_unknown_sop_classes,
    destinations: ofTheWire(settings.destinations),
    storageSopClasses: storageSopClasses.map(({ uid, name, retired }) => ({ uid, name, retired })),
    transferSyntaxes: transferSyntaxes.map(({ uid, name, title, retired }) => ({
      uid,
      name,
      title,
      retired,
    })),
    answers: answers(),
    reactions: reactions(),
    ...(produced && { produced }),
  };
}

/** When something is sent, and when again, is our own affair: it is in the reference of the settings. */
const OWN_AFFAIR = new Set(['retry', 'when_down', 'down_after', 'failover_to', 'send_windows', 'off_peak']);

function ofTheWire(destinations: Settings['destinations']): Readonly<Record<string, Parameters>> {
  return Object.fromEntries(
    Object.entries(destinations).map(([name, settings]) => [
      name,
      Object.fromEntries(Object.entries(settings).filter(([setting]) => !OWN_AFFAIR.has(setting))),
    ]),
  );
}

function answers(): ConformanceStatement['answers'] {
  const storage = Object.values(STATUS).filter((status) => status !== STATUS.unrecognizedOperation);
  return storage.map((status) => ({
    status: formatStatus(status),
    meaning: categoryOfStatus(status).meaning,
  }));
}

/** Every status there can be, in ranges that are treated alike. */
function reactions(): ConformanceStatement['reactions'] {
  const ranges: { from: number; to: number; meaning: string; outcome: string }[] = [];
  for (let status = 0; status <= 0xffff; status++) {
    const category = categoryOfStatus(status);
    const last = ranges.at(-1);
    if (last?.meaning === category.meaning && last.outcome === category.outcome) last.to = status;
    else ranges.push({ from: status, to: status, ...category });
  }
  return ranges.map(({ from, to, meaning, outcome }) => ({
    statuses: from === to ? formatStatus(from) : `${formatStatus(from)} to ${formatStatus(to)}`,
    meaning,
    outcome,
  }));
}

function producedObject(): ProducedObject | undefined {
  const iod = iodOf(VL_WHOLE_SLIDE);
  if (!iod) return undefined;
  const modules = iod.modules
    .filter(({ usage }) => usage !== 'U')
    .map(({ name, usage, attributes }) => ({ name, usage, attributes: flatten(attributes) }));
  const groups = iod.functionalGroups.map(({ name, usage, sequence }) => ({
    name: `${name} (functional group)`,
    usage,
    attributes: flatten([sequence]),
  }));
  return { sopClassUid: iod.uid, name: iod.name, modules: [...modules, ...groups] };
}

function flatten(rules: readonly AttributeRule[], depth = 0): readonly ProducedAttribute[] {
  return rules
    .filter(({ type }) => type !== '3')
    .flatMap(({ tag, keyword, type, items }) => [
      { tag: formatTag(tag), keyword, type, depth },
      ...flatten(items, depth + 1),
    ]);
}
