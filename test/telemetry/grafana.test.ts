import { readFileSync } from 'node:fs';
import test from 'ava';
import { parse } from 'yaml';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { readPromql } from '../support/promql.ts';

/** Labels that Prometheus adds to whatever it scrapes. */
const TARGET_LABELS = ['instance', 'job'];

interface Expression {
  readonly where: string;
  readonly expr: string;
}

function read(file: string): string {
  return readFileSync(new URL(`../../grafana/${file}`, import.meta.url), 'utf8');
}

/** Every `expr` of the dashboard, wherever it stands. */
function dashboardExpressions(): readonly Expression[] {
  const found: Expression[] = [];
  const walk = (value: unknown, title: string) => {
    if (typeof value !== 'object' || value === null) return;
    const named = value as Record<string, unknown>;
    const here = String(named.title ?? named.name ?? title);
    if (typeof named.expr === 'string') found.push({ where: `panel "${here}"`, expr: named.expr });
    for (const member of Object.values(value)) walk(member, here);
  };
  walk(JSON.parse(read('slidegate.json')), 'dashboard');
  return found;
}

function alertExpressions(): readonly Expression[] {
  const { groups } = parse(read('alerts.yml')) as { groups: { rules: { alert: string; expr: string }[] }[] };
  return groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ where: `alert ${alert}`, expr })));
}

/** Every series that the gateway exports, with the labels that it may have. */
async function exportedSeries(): Promise<Map<string, Set<string>>> {
  const { registry } = createMetrics();
  const series = new Map<string, Set<string>>([['up', new Set()]]);
  for (const { name, type } of await registry.getMetricsAsJSON()) {
    const metric = registry.getSingleMetric(name) as unknown as { labelNames?: string[] };
    const labels = metric.labelNames ?? [];
    series.set(name, new Set(labels));
    if (String(type) !== 'histogram') continue;
    series.set(`${name}_bucket`, new Set([...labels, 'le']));
    for (const suffix of ['_sum', '_count']) series.set(`${name}${suffix}`, new Set(labels));
  }
  return series;
}

// Fault case 38.
for (const [file, expressions] of Object.entries({
  'slidegate.json': dashboardExpressions(),
  'alerts.yml': alertExpressions(),
})) {
  test(`${file} asks only for metrics and labels that exist`, async (t) => {
    const series = await exportedSeries();
    t.true(expressions.length >= 10);
    for (const { where, expr } of expressions) {
      const { metrics: asked, grouping } = readPromql(expr);
      t.true(asked.size > 0, `${where} asks for nothing: ${expr}`);
      for (const [name, labels] of asked) {
        const has = series.get(name);
        t.truthy(has, `${where}: there is no metric ${name}`);
        for (const label of labels) {
          t.true(has?.has(label) || TARGET_LABELS.includes(label), `${where}: ${name} has no label ${label}`);
        }
      }
      const known = [...asked.keys()].flatMap((name) => [...(series.get(name) ?? [])]);
      for (const label of grouping) {
        t.true(
          [...known, ...TARGET_LABELS].includes(label),
          `${where}: no metric there has the label ${label}`,
        );
      }
    }
  });
}

test('the dashboard shows legends of labels that the query keeps', (t) => {
  const targets = [
    ...JSON.stringify(JSON.parse(read('slidegate.json'))).matchAll(
      /"expr":("(?:[^"\\]|\\.)*"),"legendFormat":("(?:[^"\\]|\\.)*")/g,
    ),
  ];
  t.true(targets.length > 10);
  for (const [, exprJson = '""', legendJson = '""'] of targets) {
    const expr = JSON.parse(exprJson) as string;
    const { grouping } = readPromql(expr);
    const aggregated = /\b(sum|max|min|avg)\b/.test(expr);
    for (const [, label = ''] of (JSON.parse(legendJson) as string).matchAll(/\{\{(\w+)\}\}/g)) {
      t.true(!aggregated || grouping.has(label), `${expr} drops ${label}, which its legend shows`);
    }
  }
});

test('a metric that does not exist would be found', (t) => {
  const { metrics: asked, grouping } = readPromql(
    'sum by (le, nonsense) (rate(slidegate_no_such_total{odd!="1"}[5m])) > 1e9',
  );
  t.deepEqual([...asked.keys()], ['slidegate_no_such_total']);
  t.deepEqual([...(asked.get('slidegate_no_such_total') ?? [])], ['odd']);
  t.deepEqual([...grouping], ['le', 'nonsense']);
});
