import type { ParsedDataSet } from './parsed-data-set.ts';

/** The data set and every item in it, however deep; per-frame items but the first are not kept, so not visited. */
export function* allDataSets(dataSet: ParsedDataSet): Generator<ParsedDataSet> {
  yield dataSet;
  for (const element of dataSet.elements()) {
    for (const item of element.items ?? []) yield* allDataSets(item);
  }
}
