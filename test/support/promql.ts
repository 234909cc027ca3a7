/** What a PromQL expression asks for: enough of the grammar to find names that do not exist. */
export interface Asked {
  /** Metrics with the labels that their selectors match on. */
  readonly metrics: ReadonlyMap<string, ReadonlySet<string>>;
  /** Labels after `by`, `without`, `on` and `ignoring`. */
  readonly grouping: ReadonlySet<string>;
}

const WORDS = new Set(
  (
    'and or unless on ignoring bool offset by without group_left group_right sum min max avg count topk bottomk ' +
    'rate irate increase changes delta predict_linear histogram_quantile time vector abs clamp_min clamp_max inf nan'
  ).split(' '),
);

/** @throws {Error} when a name is neither a word of PromQL in use here nor followed like a metric */
export function readPromql(expression: string): Asked {
  const metrics = new Map<string, Set<string>>();
  const grouping = new Set<string>();
  const withoutVariables = expression.replace(/\$__rate_interval/g, '5m');
  const grouped = withoutVariables.replace(
    /\b(by|without|on|ignoring)\s*\(([^)]*)\)/g,
    (_, _word, labels: string) => {
      for (const label of labels.split(',')) grouping.add(label.trim());
      return ' ';
    },
  );
  // A name, with the matchers that may follow it.
  for (const [, name = '', matchers = ''] of grouped.matchAll(/([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?/g)) {
    if (WORDS.has(name.toLowerCase()) || isDuration(grouped, name)) continue;
    const labels = metrics.get(name) ?? new Set();
    metrics.set(name, labels);
    for (const [, label = ''] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) labels.add(label);
  }
  return { metrics, grouping };
}

/** `m` of `[5m]`, `e9` of `1e9`: letters that follow a digit. */
function isDuration(text: string, name: string): boolean {
  return /^(ms|[smhdwy]|e\d+)$/.test(name) && new RegExp(`\\d${name}\\b`).test(text);
}
