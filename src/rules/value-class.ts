/** How the values of a value representation are compared. `unknown`: a private attribute, whose VR rules cannot know. */
export type ComparisonClass = 'number' | 'text' | 'date' | 'time' | 'date-time' | 'unknown';

const CLASSES: Readonly<Record<string, ComparisonClass>> = {
  DS: 'number',
  IS: 'number',
  US: 'number',
  SS: 'number',
  UL: 'number',
  SL: 'number',
  UV: 'number',
  SV: 'number',
  FL: 'number',
  FD: 'number',
  DA: 'date',
  TM: 'time',
  DT: 'date-time',
};

/** @see PS3.5 6.2 */
export function comparisonClassOf(vr: string | undefined): ComparisonClass {
  if (vr === undefined || vr === 'UN') return 'unknown';
  // The dictionary names every VR an attribute may have: `US or SS` is a number either way.
  const classes = new Set(vr.split(/ or |[/\\]/).map((one) => CLASSES[one.trim()] ?? 'text'));
  const [only] = classes;
  return classes.size === 1 && only !== undefined ? only : 'text';
}
