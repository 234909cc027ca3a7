import type { Spool, SpoolRecord } from './port.ts';

const PAGE_RECORDS = 500;

/** The records of a collection by key, read a page at a time: those that are kept or forgotten meanwhile may be missed. */
export async function* allRecords(
  spool: Pick<Spool, 'records'>,
  collection: string,
): AsyncGenerator<SpoolRecord, void> {
  for (let afterKey = ''; ; ) {
    const page = await spool.records({ collection, afterKey, limit: PAGE_RECORDS });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_RECORDS) return;
    afterKey = last.key;
  }
}
