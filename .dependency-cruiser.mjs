/**
 * The architecture, on one page. Each folder of src/ and the folders it may import.
 * Stages never import each other: they meet at the spool.
 */
const mayImport = {
  // Leaves.
  telemetry: [],
  dicom: [],
  // Times of the week, on the clocks of the site.
  schedule: [],
  // Families.
  codecs: ['dicom'],
  slides: ['dicom', 'codecs'],
  // Certificates and the TLS profile, for every listener and every connection of ours.
  tls: ['telemetry'],
  // PS3.7 and PS3.8.
  dimse: ['dicom', 'tls', 'telemetry'],
  // Stages, in the order an instance passes through them.
  intake: ['dicom', 'slides', 'dimse', 'spool', 'schedule', 'tls', 'telemetry'],
  spool: ['dicom', 'telemetry'],
  rules: ['dicom', 'spool', 'telemetry'],
  conversion: ['dicom', 'codecs', 'slides', 'spool', 'telemetry'],
  delivery: ['dicom', 'dimse', 'spool', 'schedule', 'tls', 'telemetry'],
  // Around the stages.
  console: ['spool', 'telemetry'],
  notices: ['spool', 'schedule', 'telemetry'],
  config: [
    'dicom',
    'intake',
    'spool',
    'rules',
    'conversion',
    'delivery',
    'console',
    'notices',
    'tls',
    'telemetry',
  ],
};

const shared = '^src/(errors|kinds|duration|did-you-mean|time-zone|secret|clock)[.]ts$';
const stages = ['intake', 'spool', 'rules', 'conversion', 'delivery', 'console', 'notices'];
const roots =
  '^src/(main|generate|conversion/worker|spool/(sqlite|files)/worker|cli/(demo-pacs|bench-receiver))[.]ts$';

const layerRules = Object.entries(mayImport).map(([folder, allowed]) => ({
  name: `${folder}-imports-only-what-it-may`,
  comment: `src/${folder} may import: ${allowed.join(', ') || 'nothing of ours'}. Stages meet at the spool.`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: [shared, `^src/(${[folder, ...allowed].join('|')})/`] },
}));

const frontDoorRules = stages.map((folder) => ({
  name: `enter-${folder}-by-the-front-door`,
  comment: `Other folders see src/${folder}/${folder}.ts only; config/ also sees its settings, the command line its tables.`,
  severity: 'error',
  from: { path: '^src/', pathNot: [`^src/(${folder}|config|cli)/`, '^src/(main|gateway|generate)[.]ts$'] },
  to: { path: `^src/${folder}/`, pathNot: `^src/${folder}/${folder}[.]ts$` },
}));

export default {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Not even between types: shared types live in the lower module.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-dead-files',
      comment: 'Every file is reached from an entry point.',
      severity: 'error',
      from: { path: roots },
      // The browser's own files are read, not imported.
      to: { path: '^src/', pathNot: [roots, '^src/console/web/'], reachable: false },
    },
    ...layerRules,
    ...frontDoorRules,
    {
      name: 'only-dimse-knows-the-dimse-library',
      comment: 'dcmjs-dimse stays behind src/dimse.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/dimse/' },
      to: { path: 'node_modules/dcmjs-dimse/' },
    },
    {
      name: 'workers-stay-in-their-process',
      comment: 'A conversion worker computes. Spool, network and console belong to the gateway process.',
      severity: 'error',
      from: { path: '^src/conversion/worker[.]ts$' },
      to: { path: '^src/(spool|dimse|intake|delivery|console|config)/', reachable: true },
    },
    {
      name: 'decisions-are-pure',
      comment: 'Rules, retry decisions and parsing do no I/O, so that tests need no machinery.',
      severity: 'error',
      from: {
        path: [
          '^src/rules/(evaluate|facts|conditions|plan)[.]ts$',
          '^src/delivery/(retry-policy|outcome)[.]ts$',
          '^src/dimse/(pdu|pdu-reader|command-set|negotiation|state-machine|status)[.]ts$',
          '^src/(dicom|codecs)/',
        ],
      },
      to: { path: ['^(node:)?(fs|net|tls|http|https|child_process|worker_threads)(/|$)'] },
    },
    {
      name: 'not-to-dev-dep',
      comment: 'The server runs on what npm ci --omit=dev installs.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: 'node_modules/@types/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
  },
};
