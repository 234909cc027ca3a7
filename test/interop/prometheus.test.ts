import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { freePort } from '../../src/cli/free-port.ts';
import { run, startPeer } from '../../src/cli/peer-process.ts';
import { startTestConsole } from '../support/console.ts';

const GRAFANA = join(import.meta.dirname, '../../grafana');
const LANES = [{ destination: 'pacs', kind: 'dimse-scu', state: 'idle' }] as const;

test('promtool accepts the alerts, and each fires when it should', async (t) => {
  for (const args of [
    ['check', 'rules', join(GRAFANA, 'alerts.yml')],
    ['check', 'config', join(GRAFANA, 'prometheus.yml')],
    ['test', 'rules', join(GRAFANA, 'alerts.test.yml')],
  ]) {
    const { code, output } = await run('promtool', args);
    t.is(code, 0, `promtool ${args.join(' ')}: ${output}`);
  }
});

test('promtool has nothing to say about our metrics', async (t) => {
  await using gateway = await startTestConsole({ ports: { lanes: () => LANES } });
  const { text } = await gateway.ask('/metrics');
  const folder = await mkdtemp(join(tmpdir(), 'promtool-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'metrics'), text);

  const { output } = await run('sh', ['-c', `promtool check metrics < "${folder}/metrics"`]);

  t.deepEqual(
    output.split('\n').filter((line) => line.includes('slidegate_')),
    [],
    output,
  );
});

test('Prometheus scrapes the gateway, loads the alerts and understands every query of the dashboard', async (t) => {
  await using gateway = await startTestConsole({
    view: { metrics: { port: 0 } },
    ports: { lanes: () => LANES },
  });
  const folder = await mkdtemp(join(tmpdir(), 'prometheus-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  await writeFile(
    join(folder, 'prometheus.yml'),
    `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: ["${join(GRAFANA, 'alerts.yml')}"]
scrape_configs:
  - job_name: slidegate
    static_configs: [ { targets: ["127.0.0.1:${gateway.console.metrics?.port}"] } ]
`,
  );
  const args = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
  const prometheus = await startPeer('prometheus', [...args, `--web.listen-address=127.0.0.1:${port}`], {
    port,
  });
  t.teardown(() => prometheus.stop());
  await gateway.accept('1.2.3');

  const pending = await untilSome(port, 'slidegate_entries{state="pending",origin="received"} == 1');

  t.is(pending[0]?.metric.job, 'slidegate');
  const dashboard = await readFile(join(GRAFANA, 'slidegate.json'), 'utf8');
  const expressions = [...dashboard.matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g)].map(
    ([, text = '""']) => JSON.parse(text) as string,
  );
  t.true(expressions.length > 20);
  for (const expression of expressions) {
    const answer = await query(port, expression.replaceAll('$__rate_interval', '1m'));
    t.is(answer.status, 'success', `${expression}: ${answer.error}`);
  }
  const rules = (await (await fetch(`http://127.0.0.1:${port}/api/v1/rules`)).json()) as {
    data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };
  };
  const alerts = rules.data.groups.flatMap((group) => group.rules);
  t.true(alerts.length >= 10);
  for (const { name, health, lastError } of alerts) t.not(health, 'err', `${name}: ${lastError}`);
});

interface QueryAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly result: readonly { readonly metric: Readonly<Record<string, string>> }[] };
}

async function query(port: number, expression: string): Promise<QueryAnswer> {
  const response = await fetch(
    `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`,
  );
  return (await response.json()) as QueryAnswer;
}

/** Asks until there is an answer: Prometheus tells nobody when it has scraped. */
async function untilSome(port: number, expression: string) {
  const until = Date.now() + 30_000;
  for (;;) {
    const result = (await query(port, expression)).data?.result ?? [];
    if (result.length > 0) return result;
    if (Date.now() > until) throw new Error(`Prometheus has no answer to ${expression}`);
    await delay(200);
  }
}
