import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { generators } from '../../src/generate.ts';

for (const [path, generate] of Object.entries(generators)) {
  test(`${path} is what \`npm run generate\` writes`, async (t) => {
    const committed = readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

    t.true(
      committed === (await generate()),
      `${path} is out of date: run \`npm run generate\` and commit it`,
    );
  });
}
