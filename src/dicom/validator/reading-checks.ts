import { checkTable } from './check.ts';

/** What is noticed while reading, by `data-set-walk.ts` and `pixel-data-walk.ts`. */
export const readingChecks = checkTable({
  'tag-order': {
    severity: 'error',
    rule: 'The elements of a data set are in order of their tags, each once. PS3.5 7.1.',
  },
  'vr-unknown': {
    severity: 'error',
    rule: 'A VR is one of PS3.5 6.2.',
  },
  'delimiter-length': {
    severity: 'warning',
    rule: 'Delimiters have length 0. PS3.5 7.5.',
  },
  'too-many-elements': {
    severity: 'warning',
    rule: 'A data set has no more elements than can be held in memory.',
  },
  'pixel-data-cut-off': {
    severity: 'error',
    rule: 'Pixel Data is complete and, when encapsulated, ends with a sequence delimiter. PS3.5 A.4.',
  },
  'basic-offset-table-exact': {
    severity: 'error',
    rule: 'The Basic Offset Table, unless empty, says where each frame starts. PS3.5 A.4.',
  },
  'extended-offset-table-exact': {
    severity: 'error',
    rule: 'The Extended Offset Table says where each frame starts and how long it is. PS3.3 C.7.6.3.1.8.',
  },
  'fragment-length-even': {
    severity: 'error',
    rule: 'A fragment has an even length. PS3.5 A.4.',
  },
  'fragment-not-empty': {
    severity: 'error',
    rule: 'A fragment is not empty. PS3.5 A.4.',
  },
  'frame-decodable': {
    severity: 'error',
    rule: 'A frame can be decoded to Rows × Columns pixels. Looked at in a few frames, where a decoder is at hand.',
  },
});
