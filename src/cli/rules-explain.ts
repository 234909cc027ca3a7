import { open, stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { readFileMeta } from '../dicom/file-meta.ts';
import { identityOf, indexHeader } from '../dicom/header-index.ts';
import { GatewayError } from '../errors.ts';
import { type Decision, evaluate } from '../rules/evaluate.ts';
import { type Explanation, explainDecision, type RuleExplanation } from '../rules/explanation.ts';
import { type Circumstances, Facts } from '../rules/facts.ts';
import type { Plan } from '../rules/plan.ts';
import type { RuleSet } from '../rules/rule-set.ts';
import type { Origin } from '../spool/spool.ts';
import { UsageError } from './command.ts';
import { FileUnreadableError } from './errors.ts';

/** As much of a file as the header index of the spool covers. */
const HEAD_BYTES_MAX = 1024 * 1024;

/** `slidegate rules explain`: what the rules would do with one DICOM file, and why. */
export async function explain(
  args: readonly string[],
  context: {
    readonly rulesPath: string;
    readonly load: (path: string, json: boolean) => Promise<RuleSet | undefined>;
  },
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      file: { type: 'string' },
      from: { type: 'string', default: 'unknown' },
      'from-ae': { type: 'string', default: 'UNKNOWN' },
      'to-ae': { type: 'string', default: 'SLIDEGATE' },
      origin: { type: 'string', default: 'received' },
      'show-values': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const { origin, json } = values;
  if (origin !== 'received' && origin !== 'converted') {
    throw new UsageError(`--origin is received or converted, not "${origin}"`);
  }
  const { rulesPath = context.rulesPath, file } = await sortPaths(positionals, values.file);
  const ruleSet = await context.load(rulesPath, json);
  if (ruleSet === undefined) return 1;

  const facts = await factsOfFile(file, ruleSet, {
    origin,
    source: values.from,
    callingAeTitle: values['from-ae'],
    calledAeTitle: values['to-ae'],
  });
  const decision = decide(ruleSet, facts);
  if (decision instanceof GatewayError) {
    const { code, message } = decision;
    if (json) console.log(JSON.stringify({ file, held: { code, message } }));
    else console.log(`${file}: it would be held (${code})\n  ${message}`);
    return 0;
  }
  const explanation = explainDecision(ruleSet, facts, decision, {
    rulesMax: Number.POSITIVE_INFINITY,
    reasonsMax: Number.POSITIVE_INFINITY,
    showValues: values['show-values'],
    notAsked: true,
  });
  if (json) console.log(JSON.stringify({ file, ...explanation, plan: decision.plan ?? null }));
  else console.log(tell(file, origin, explanation, decision.plan));
  return 0;
}

/** The decision, or why the stage would hold the instance. */
function decide(ruleSet: RuleSet, facts: Facts): Decision | GatewayError {
  try {
    return evaluate(ruleSet, facts);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
}

/** `explain rules image.dcm`, `explain rules --file image.dcm` and `explain image.dcm` mean the same. */
async function sortPaths(
  positionals: readonly string[],
  fileOption: string | undefined,
): Promise<{ rulesPath?: string; file: string }> {
  const files = fileOption === undefined ? [] : [fileOption];
  const rulesPaths: string[] = [];
  for (const path of positionals) {
    const isRules =
      /\.ya?ml$/.test(path) || (await stat(path).catch(() => undefined))?.isDirectory() === true;
    (isRules ? rulesPaths : files).push(path);
  }
  const [file, ...moreFiles] = files;
  const [rulesPath, ...moreRules] = rulesPaths;
  if (file === undefined) throw new UsageError('name a DICOM file: --file image.dcm');
  if (moreFiles.length + moreRules.length > 0)
    throw new UsageError('one rules path and one DICOM file at a time');
  return rulesPath === undefined ? { file } : { rulesPath, file };
}

/** @throws {Part10Error} when it is no DICOM file */
async function factsOfFile(
  path: string,
  ruleSet: RuleSet,
  arrival: Omit<Circumstances, 'sopClassUid' | 'transferSyntaxUid'>,
): Promise<Facts> {
  const { head, totalBytes } = await readHead(path);
  const meta = readFileMeta(head);
  const { transferSyntaxUid, dataSetOffset } = meta;
  const index = indexHeader(head, { transferSyntaxUid, dataSetOffset, totalBytes });
  // What a sender would say in its command; files without it in their meta information exist.
  const sopClassUid = identityOf(index).sopClassUid ?? meta.sopClassUid ?? '';
  return new Facts({ ...arrival, sopClassUid, transferSyntaxUid }, ruleSet.attributes.length, () => index);
}

async function readHead(path: string): Promise<{ head: Uint8Array; totalBytes: number }> {
  await using file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new FileUnreadableError(
      `Cannot read "${path}": ${error.code ?? error.name}`,
      { path },
      { cause: error },
    );
  });
  const { size } = await file.stat();
  const head = new Uint8Array(Math.min(size, HEAD_BYTES_MAX));
  await file.read(head, 0, head.length, 0);
  return { head, totalBytes: size };
}

function tell(file: string, origin: Origin, explanation: Explanation, plan: Plan | undefined): string {
  return [
    `${file}: ${outcomeOf(explanation, origin)}`,
    ...tellPlan(plan),
    '',
    ...explanation.rules.flatMap(tellRule),
    ...(explanation.decidedBefore ?? []).map(
      ({ destination, rule }) =>
        `"${rule}" names ${destination} too, but a rule before it has decided how to send there`,
    ),
  ].join('\n');
}

function outcomeOf({ decidedBy, matched }: Explanation, origin: Origin): string {
  const names = matched.map((name) => `"${name}"`).join(', ');
  if (decidedBy === 'rules') return `matched by ${names}`;
  const prepared = names === '' ? '' : ` (prepared by ${names})`;
  if (decidedBy === 'otherwise')
    return `no rule sends it anywhere; it goes the way of "otherwise"${prepared}`;
  if (origin === 'converted')
    return `no rule asks for it; it goes where the rule of its conversion said${prepared}`;
  return `no rule sends it anywhere, and it would be held${prepared}`;
}

function tellPlan(plan: Plan | undefined): readonly string[] {
  const { deliveries = [], conversion } = plan ?? {};
  const lines = deliveries.map(
    ({ destination, edits, priority }) => `  to ${destination}${tellPriority(priority)}${tellEdits(edits)}`,
  );
  if (conversion === undefined) return lines;
  const { job, options, deliverTo, editsBefore, editsAfter, priority } = conversion;
  return [
    `  converted to ${job} ${JSON.stringify(options)}${tellEdits(editsBefore)}, then to ${deliverTo.join(', ')}${tellPriority(priority)}${tellEdits(editsAfter)}`,
    ...lines.map((line) => `${line} (as received)`),
  ];
}

function tellPriority(priority: Plan['deliveries'][number]['priority']): string {
  return priority === undefined || priority === 'normal' ? '' : `, ${priority}`;
}

function tellEdits(edits: Plan['deliveries'][number]['edits']): string {
  const names = edits.map((edit) => ('set' in edit ? `set ${edit.set}` : `remove ${edit.remove}`));
  return names.length === 0 ? '' : ` (${names.join(', ')})`;
}

const VERDICTS: Readonly<Record<RuleExplanation['verdict'], string>> = {
  matched: 'matches',
  failed: 'does not match',
  'other-origin': 'is not for instances of this origin',
  'already-wsi': 'converts, and this is a slide already',
  'not-asked': 'was not asked: a rule before it ended the search',
};

function tellRule({ rule, verdict, reasons = [] }: RuleExplanation): readonly string[] {
  return [
    `"${rule}" ${VERDICTS[verdict]}`,
    ...reasons.map(
      ({ at, condition, holds, saw }) => `  ${holds ? 'yes' : 'no '}  ${condition}   saw: ${saw}   [${at}]`,
    ),
  ];
}
