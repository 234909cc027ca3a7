import test from 'ava';
import fc from 'fast-check';
import { explainDecision, summarizeMisses } from '../../src/rules/explanation.ts';
import { askRules } from '../support/asked-rules.ts';

const there = { to: ['there'] };

test('a rule that failed names the condition and the value seen', (t) => {
  const when = {
    all: [
      { attribute: 'Modality', in: ['CT', 'MR'] },
      { attribute: 'Rows', 'at-least': 1024 },
    ],
  };
  const { explanation } = askRules(
    { rules: [{ name: 'big', when, ...there }] },
    { Modality: 'CT', Rows: 512 },
  );

  t.deepEqual(explanation.rules, [
    {
      rule: 'big',
      verdict: 'failed',
      reasons: [{ at: 'when.all[1]', condition: 'Rows at-least 1024', holds: false, saw: '512' }],
    },
  ]);
  t.is(summarizeMisses(explanation), '"big": Rows at-least 1024, saw 512');
});

test('any that failed names every alternative, any that holds the one that did', (t) => {
  const when = { any: [{ from: 'ct1' }, { attribute: 'Modality', is: 'CT' }] };
  const reasonsFor = (given: Record<string, string>) =>
    askRules({ rules: [{ name: 'either', when, ...there }] }, given).explanation.rules[0]?.reasons;

  t.deepEqual(
    reasonsFor({ Modality: 'MR' })?.map(({ condition, saw }) => `${condition}: ${saw}`),
    ['from ct1: unknown', 'Modality is CT: MR'],
  );
  t.deepEqual(
    reasonsFor({ Modality: 'CT' })?.map(({ at }) => at),
    ['when.any[1]'],
  );
});

test('an attribute that may name a patient shows neither its value nor what it was compared with', (t) => {
  const reasonOf = (condition: object, given: Record<string, string>) => {
    const { explanation } = askRules({ rules: [{ name: 'one', when: condition, ...there }] }, given);
    const [reason] = explanation.rules[0]?.reasons ?? [];
    return `${reason?.condition}: ${reason?.saw}`;
  };
  const comparison = { attribute: 'PatientName', is: 'Doe^Jane' };

  t.is(reasonOf(comparison, { PatientName: 'Doe^Jane' }), 'PatientName is …: agrees');
  t.is(reasonOf(comparison, { PatientName: 'Roe^Jane' }), 'PatientName is …: differs');
  t.is(reasonOf(comparison, {}), 'PatientName is …: absent');
  t.is(
    reasonOf({ attribute: 'PatientName', exists: true }, { PatientName: 'Roe^Jane' }),
    'PatientName exists true: present',
  );
  t.is(
    reasonOf({ attribute: '(0009,1001)', contains: 'x' }, { '(0009,1001)': 'xy' }),
    '(0009,1001) contains …: agrees',
  );
});

test('no explanation holds the value of an attribute that is not on the list', (t) => {
  const hidden = [
    'PatientName',
    'PatientID',
    'AccessionNumber',
    'StudyDescription',
    'StudyInstanceUID',
    '(0011,1001)',
  ];
  const value = fc.stringMatching(/^[A-Z]{5}[0-9]{5}$/);
  fc.assert(
    fc.property(fc.constantFrom(...hidden), value, value, (attribute, stated, seen) => {
      const when = { any: [{ attribute, is: stated }, { not: { attribute, contains: seen } }] };
      const { explanation } = askRules({ rules: [{ name: 'one', when, ...there }] }, { [attribute]: seen });
      const stored = JSON.stringify(explanation);

      t.false(stored.includes(stated) || stored.includes(seen));
    }),
    { numRuns: 50 },
  );
});

test('a person who has the instance at hand may see every value', (t) => {
  const rules = [{ name: 'one', when: { attribute: 'PatientID', is: '42' }, ...there }];
  const { ruleSet, facts, decision } = askRules({ rules }, { PatientID: '7' });
  const options = { rulesMax: 10, reasonsMax: 10, showValues: true, notAsked: true };

  const [rule] = explainDecision(ruleSet, facts, decision, options).rules;

  t.deepEqual(rule?.reasons?.[0], { at: 'when', condition: 'PatientID is 42', holds: false, saw: '7' });
});

test('what is stored stays small, and always tells of the rule that matched', (t) => {
  const rules = Array.from({ length: 200 }, (_, index) => ({
    name: `rule ${index}`,
    when: { from: `ct${index}` },
    ...there,
  }));

  const { explanation } = askRules({ rules }, { from: 'ct150' });

  t.is(explanation.rules.length, 41);
  t.is(explanation.rules.at(-1)?.rule, 'rule 150');
  t.is(explanation.more, 110);
});

test('a rule with many alternatives tells of the first, and how many more there are', (t) => {
  const any = Array.from({ length: 50 }, (_, index) => ({ from: `ct${index}` }));

  const { explanation } = askRules({ rules: [{ name: 'one', when: { any }, ...there }] }, {});

  t.is(explanation.rules[0]?.reasons?.length, 12);
  t.is(explanation.rules[0]?.moreReasons, 38);
});

test('long values and long lists of words are cut short', (t) => {
  const rules = [{ name: 'one', when: { attribute: 'ImageType', is: 'X' }, ...there }];

  const { explanation } = askRules({ rules }, { ImageType: Array.from({ length: 100 }, () => 'DERIVED') });

  t.true((explanation.rules[0]?.reasons?.[0]?.saw.length ?? 0) < 100);
  const words = Array.from({ length: 1000 }, (_, index) => `WORD${index}`);
  const listed = [{ name: 'one', when: { attribute: 'Modality', in: words }, ...there }];
  t.true((askRules({ rules: listed }, {}).explanation.rules[0]?.reasons?.[0]?.condition.length ?? 999) < 250);
});
