/** config/REFERENCE.md: every setting, metric and error code, made from what the program itself goes by. */
import { createMetrics } from '../telemetry/metrics.ts';
import type { ErrorCode } from './error-codes.ts';
import type { Setting } from './setting-tree.ts';

const HEADER = `# Reference

Made by \`npm run generate\`; a test fails when it is out of date.

Settings come from \`config/default.yaml\`, then the file named in \`SLIDEGATE_CONFIG\`, then \`NODE_CONFIG\` (JSON). The later overrides the earlier key by key; an object that states a \`kind\` replaces the earlier one whole; \`null\` removes an input, a source or a destination. Durations are \`30s\`, \`10m\`, \`7d\`; sizes plain integers of bytes; relative paths start at the working directory. \`slidegate config check\` says what is wrong, all of it at once.
`;

export async function referencePage(settings: Setting, errorCodes: readonly ErrorCode[]): Promise<string> {
  return [
    HEADER,
    '## Settings\n',
    referenceOfSettings(settings),
    '## Metrics\n',
    'Served at `/metrics` of the console, and of the metrics listener where there is one.\n',
    await referenceOfMetrics(),
    '## Error codes\n',
    'In logs, in `slidegate status`, in the console and as the label `code`.\n',
    referenceOfErrors(errorCodes),
  ].join('\n');
}

/** Tables of a part of the settings, in Markdown. */
export function referenceOfSettings(settings: Setting, path = ''): string {
  const tables: string[] = [];
  if (settings.type !== 'section') addTables(settings, path, tables, 3);
  else addSection(settings, path, tables, path ? 3 : 2);
  return `${tables.join('\n')}`;
}

interface Row {
  readonly path: string;
  readonly setting: Setting;
}

/** Leaves of a section become rows of one table; what has names or kinds of its own gets further tables. */
function addSection(
  section: Setting & { type: 'section' },
  path: string,
  tables: string[],
  level: number,
): void {
  const rows: Row[] = [];
  const later: Row[] = [];
  const collect = (members: ReadonlyMap<string, Setting>, prefix: string) => {
    for (const [name, setting] of members) {
      const row = { path: prefix ? `${prefix}.${name}` : name, setting };
      if (setting.type === 'section' && path) collect(setting.members, row.path);
      else if (setting.type === 'value' || setting.type === 'list') rows.push(row);
      else later.push(row);
    }
  };
  collect(section.members, '');
  if (rows.length > 0) {
    if (path) tables.push(`${'#'.repeat(level)} ${path}\n`);
    else tables.push('### At the top\n');
    if (path && section.description) tables.push(`${section.description}\n`);
    tables.push(settingsTable(rows));
  }
  for (const row of later)
    addTables(row.setting, path ? `${path}.${row.path}` : row.path, tables, path ? level : 3);
}

function addTables(setting: Setting, path: string, tables: string[], level: number): void {
  const heading = (text: string) => tables.push(`${'#'.repeat(level)} ${text}\n`);
  switch (setting.type) {
    case 'section':
      addSection(setting, path, tables, level);
      return;
    case 'kinds':
      for (const [kind, member] of setting.kinds) {
        if (member.type !== 'section') continue;
        const { members, ...rest } = member;
        const others = new Map([...members].filter(([name]) => name !== 'kind'));
        if (others.size === 0) {
          heading(`${path}, kind \`${kind}\``);
          tables.push(`${members.get('kind')?.description || setting.description}\n`);
        } else {
          const description = [members.get('kind')?.description, rest.description].filter(Boolean).join(' ');
          addSection({ ...rest, description, members: others }, `${path}, kind \`${kind}\``, tables, level);
        }
      }
      return;
    case 'named':
      heading(path);
      if (setting.description) tables.push(`${setting.description}\n`);
      addTables(setting.each, `${path}.‹name›`, tables, level + 1);
      return;
    default:
      tables.push(settingsTable([{ path, setting }]));
  }
}

function settingsTable(rows: readonly Row[]): string {
  const cells = rows.map(({ path, setting }) => [
    `\`${path}\``,
    setting.description,
    'expects' in setting ? setting.expects : '',
    defaultOf(setting),
  ]);
  return markdownTable(['setting', 'meaning', 'must be', 'default'], cells);
}

function defaultOf(setting: Setting): string {
  if (setting.default !== undefined) {
    return typeof setting.default === 'string'
      ? `\`${setting.default}\``
      : `\`${JSON.stringify(setting.default)}\``;
  }
  return setting.required ? '**required**' : 'none';
}

async function referenceOfMetrics(): Promise<string> {
  const { registry } = createMetrics();
  const metrics = await registry.getMetricsAsJSON();
  const own = metrics.filter(({ name }) => name.startsWith('slidegate_'));
  const rows = own.map(({ name, help, type }) => {
    const { labelNames } = registry.getSingleMetric(name) as unknown as { labelNames: readonly string[] };
    return [`\`${name}\``, String(type), labelNames.map((label) => `\`${label}\``).join(' '), help];
  });
  return `${markdownTable(['metric', 'type', 'labels', 'meaning'], rows)}
Beside these, what prom-client tells of any Node.js process: \`process_*\`, \`nodejs_*\`.
`;
}

function referenceOfErrors(errorCodes: readonly ErrorCode[]): string {
  const rows = errorCodes.map(({ code, folder, meaning }) => [`\`${code}\``, folder, meaning]);
  return markdownTable(['code', 'from', 'meaning'], rows);
}

export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return `${[line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}
