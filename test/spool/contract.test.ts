import test from 'ava';
import { auditFiles, auditLedger } from '../support/spool-audit.ts';
import { openTemporarySpool } from '../support/temporary-spool.ts';
import { type SpoolAdapter, testContract } from './contract.ts';

/** Every adapter. To add one: write how it is opened and audited. */
const adapters: Readonly<Record<string, SpoolAdapter>> = {
  sqlite: {
    open: (settings = {}) => openTemporarySpool({ settings }),
    audit: (directory) => [...auditLedger(directory), ...auditFiles(directory)],
  },
};

for (const [name, adapter] of Object.entries(adapters)) testContract(test, name, adapter);
