import test from 'ava';
import { askRules } from '../support/asked-rules.ts';

const CT = { attribute: 'Modality', is: 'CT' };
const WSI = 'VLWholeSlideMicroscopyImageStorage';
const SET = { set: { Manufacturer: 'ACME' } };
const REMOVE = { remove: ['PatientAddress'] };

/** Destination → names of what is done on the way. */
function deliveries({ decision }: ReturnType<typeof askRules>): Record<string, readonly string[]> {
  return Object.fromEntries(
    (decision.plan?.deliveries ?? []).map(({ destination, edits }) => [
      destination,
      edits.map((edit) => ('set' in edit ? edit.set : edit.remove)),
    ]),
  );
}

test('the first rule that matches ends the search', (t) => {
  const rules = [
    { name: 'MR', when: { attribute: 'Modality', is: 'MR' }, to: ['mr'] },
    { name: 'CT', when: CT, to: ['ct'] },
    { name: 'all', to: ['all'] },
  ];

  const asked = askRules({ rules }, { Modality: 'CT' });

  t.deepEqual(deliveries(asked), { ct: [] });
  t.deepEqual(asked.decision.verdicts, ['failed', 'matched']);
  t.is(asked.decision.decidedBy, 'rules');
});

test('a rule with continue lets later rules send the instance as well', (t) => {
  const rules = [
    { name: 'CT', when: CT, to: ['ct'], continue: true },
    { name: 'all', to: ['all'] },
  ];

  t.deepEqual(deliveries(askRules({ rules }, { Modality: 'CT' })), { ct: [], all: [] });
});

test('actions of a rule are for its own destinations', (t) => {
  const rules = [
    { name: 'research', do: [SET], to: ['research'], continue: true },
    { name: 'archive', to: ['archive'] },
  ];

  t.deepEqual(deliveries(askRules({ rules }, {})), { research: ['Manufacturer'], archive: [] });
});

test('a rule without destinations prepares the instance for all after it, otherwise included', (t) => {
  const file = {
    rules: [
      { name: 'address', do: [REMOVE], continue: true },
      { name: 'CT', when: CT, do: [SET], to: ['ct'], continue: true },
    ],
    otherwise: { to: ['archive'] },
  };

  t.deepEqual(deliveries(askRules(file, { Modality: 'CT' })), { ct: ['PatientAddress', 'Manufacturer'] });
  const other = askRules(file, { Modality: 'US' });
  t.deepEqual(deliveries(other), { archive: ['PatientAddress'] });
  t.is(other.decision.decidedBy, 'otherwise');
  t.deepEqual(other.explanation.matched, ['address']);
});

test('a destination that two rules name is decided about by the first', (t) => {
  const rules = [
    { name: 'one', do: [SET], to: ['archive'], continue: true },
    { name: 'two', to: ['archive', 'viewer'] },
  ];

  const asked = askRules({ rules }, {});

  t.deepEqual(deliveries(asked), { archive: ['Manufacturer'], viewer: [] });
  t.deepEqual(asked.decision.decidedBefore, [{ destination: 'archive', rule: 'two' }]);
});

test('without a rule that matches and without otherwise there is no plan', (t) => {
  const { decision } = askRules({ rules: [{ name: 'CT', when: CT, to: ['ct'] }] }, { Modality: 'US' });

  t.is(decision.plan, undefined);
  t.is(decision.decidedBy, 'nobody');
});

test('a conversion takes what precedes it to the source, and what follows it to the products', (t) => {
  const rules = [
    { name: 'address', do: [REMOVE], continue: true },
    {
      name: 'slides (lossy JPEG)',
      do: [SET, { convert: { to: 'wsi', 'spacing-mm': 0.5 } }, { set: { StationName: 'A' } }],
      to: ['slides'],
      'to-original': ['archive'],
    },
  ];

  const asked = askRules({ rules }, { Modality: 'GM' });

  t.deepEqual(asked.decision.plan?.conversion, {
    rule: 'slides (lossy JPEG)',
    job: 'wsi',
    options: { spacingMm: [0.5, 0.5] },
    editsBefore: [{ remove: 'PatientAddress' }, { set: 'Manufacturer', value: ['ACME'] }],
    editsAfter: [{ set: 'StationName', value: ['A'] }],
    deliverTo: ['slides'],
  });
  t.deepEqual(deliveries(asked), { archive: ['PatientAddress', 'Manufacturer'] });
});

test('a slide is not converted unless the rule names that SOP class', (t) => {
  const convert = { do: [{ convert: { to: 'wsi' } }], to: ['slides'] };
  const wide = { name: 'wide (lossy)', when: { attribute: 'Modality', is: 'SM' }, ...convert };
  const naming = { name: 'naming (lossy)', when: { attribute: 'SOPClassUID', in: [WSI] }, ...convert };
  const denying = {
    name: 'denying (lossy)',
    when: { all: [{ attribute: 'Modality', is: 'SM' }, { not: { attribute: 'SOPClassUID', is: WSI } }] },
    ...convert,
  };
  const slide = { Modality: 'SM', SOPClassUID: WSI };

  const skipped = askRules({ rules: [wide], otherwise: { to: ['archive'] } }, slide);
  t.deepEqual(skipped.decision.verdicts, ['already-wsi']);
  t.deepEqual(deliveries(skipped), { archive: [] });
  t.truthy(askRules({ rules: [naming] }, slide).decision.plan?.conversion);
  t.is(askRules({ rules: [denying] }, slide).decision.plan, undefined);
  t.truthy(askRules({ rules: [wide] }, { Modality: 'SM' }).decision.plan?.conversion);
});

test('a converted instance meets only the rules that ask for it', (t) => {
  const rules = [
    { name: 'converted', when: { all: [{ origin: 'converted' }, CT] }, do: [SET], to: ['slides'] },
    { name: 'everything', to: ['archive'] },
  ];
  const inherited = { rule: 'slides (lossy)', deliverTo: ['pacs'], edits: [{ remove: 'StationName' }] };

  const matched = askRules({ rules }, { origin: 'converted', Modality: 'CT' }, inherited);
  t.deepEqual(deliveries(matched), { slides: ['StationName', 'Manufacturer'] });
  const unmatched = askRules({ rules }, { origin: 'converted', Modality: 'SM' }, inherited);
  t.deepEqual(deliveries(unmatched), { pacs: ['StationName'] });
  t.deepEqual(unmatched.decision.verdicts, ['failed', 'other-origin']);
  t.is(unmatched.decision.decidedBy, 'inherited');
  t.is(unmatched.decision.plan?.deliveries[0]?.rule, 'slides (lossy)');
});

test('a converted instance never takes the way of otherwise', (t) => {
  const file = { rules: [], otherwise: { to: ['archive'] } };

  t.is(askRules(file, { origin: 'converted' }).decision.plan, undefined);
});

test('rules that deny an origin ask for the other one', (t) => {
  const rules = [{ name: 'not received', when: { not: { origin: 'received' } }, to: ['slides'] }];

  t.true(askRules({ rules }, {}).ruleSet.productsMeetRules);
  t.deepEqual(deliveries(askRules({ rules }, { origin: 'converted' })), { slides: [] });
  const received = [{ name: 'received', when: { not: { origin: 'converted' } }, to: ['slides'] }];
  t.false(askRules({ rules: received }, {}).ruleSet.productsMeetRules);
});

test('the priority of a rule is that of what it sends; a rule without destinations gives it to all after it', (t) => {
  const file = {
    rules: [
      { name: 'emergency', when: { 'from-ae': 'CT_ER' }, priority: 'urgent', continue: true },
      { name: 'research', to: ['research'], priority: 'off-peak', continue: true },
      { name: 'CT', when: CT, to: ['ct'], continue: true },
    ],
    otherwise: { to: ['archive'] },
  };
  const priorities = (callingAeTitle: string) =>
    Object.fromEntries(
      (askRules(file, { Modality: 'CT', 'from-ae': callingAeTitle }).decision.plan?.deliveries ?? []).map(
        ({ destination, priority }) => [destination, priority],
      ),
    );

  t.deepEqual(priorities('CT_ER'), { research: 'off-peak', ct: 'urgent' });
  t.deepEqual(priorities('CT1'), { research: 'off-peak', ct: undefined });
});

test('what is made of an instance inherits its priority, and otherwise does that of rules before it', (t) => {
  const convert = {
    name: 'slides (JPEG)',
    do: [{ convert: { to: 'wsi' } }],
    to: ['slides'],
    priority: 'urgent',
  };
  const { conversion } = askRules({ rules: [convert] }, {}).decision.plan ?? {};
  t.is(conversion?.priority, 'urgent');

  const file = {
    rules: [{ name: 'later', priority: 'off-peak', continue: true }],
    otherwise: { to: ['archive'] },
  };
  t.is(askRules(file, {}).decision.plan?.deliveries[0]?.priority, 'off-peak');
});
