/**
 * What every adapter of the spool must do. Run over the table of adapters in contract.test.ts; a new adapter
 * adds its line there and nothing here.
 */

import type { ExecutionContext, TestFn } from 'ava';
import type { z } from 'zod';
import type { Spool, SpoolSettings } from '../../src/spool/spool.ts';
import type { TemporarySpool } from '../support/temporary-spool.ts';
import { testKeeping } from './contract-keeping.ts';
import { testReceptions } from './contract-reception.ts';
import { testTasks } from './contract-tasks.ts';

export interface SpoolAdapter {
  open(settings?: Partial<z.input<typeof SpoolSettings>>): Promise<TemporarySpool>;
  /** What does not fit together in what is stored. */
  audit(directory: string): string[];
}

/** States a fact about a fresh spool; whatever it does, the books must balance at the end. */
export type Fact = (
  title: string,
  check: (t: ExecutionContext, spool: Spool, temporary: TemporarySpool) => Promise<void>,
  settings?: Partial<z.input<typeof SpoolSettings>>,
) => void;

export function testContract(test: TestFn, name: string, adapter: SpoolAdapter): void {
  const fact: Fact = (title, check, settings = {}) => {
    test.serial(`${name} spool ${title}`, async (t) => {
      await using temporary = await adapter.open(settings);
      await check(t, temporary.spool, temporary);
      const status = await temporary.spool.status();
      const { pending, held, discarded, delivered } = status.states;
      t.is(status.accepted, pending + held + discarded + delivered);
      await temporary.spool.close(); // Files that have no owner any more are gone after it.
      t.deepEqual(adapter.audit(temporary.directory), []);
    });
  };
  testReceptions(fact);
  testTasks(fact);
  testKeeping(fact);
}
