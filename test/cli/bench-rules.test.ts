import test from 'ava';
import { benchRules } from '../../src/cli/bench-rules.ts';

test('bench rules decides from the header index of every instance, and faster than any link delivers them', async (t) => {
  const result = await benchRules(1000);

  t.like(result, { rules: 200, attributes: 40, instances: 5000 });
  t.true(result.headerIndexBytes > 400);
  // A tenth of what it should reach, for machines that are busy with other tests.
  t.true(result.instances_per_s > 5000, `${result.instances_per_s}`);
  t.true(result.decisions_per_s > 5000, `${result.decisions_per_s}`);
});
