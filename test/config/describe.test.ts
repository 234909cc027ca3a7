import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { parse } from 'yaml';
import { describeSettings } from '../../src/config/describe.ts';
import { readCodesOf } from '../../src/config/error-codes.ts';
import { Settings } from '../../src/config/schema.ts';
import { durationText, settingAt, settingTree } from '../../src/config/setting-tree.ts';
import { parseDurationMs } from '../../src/duration.ts';

/** The example with every setting switched on. */
function wholeExample(): string {
  const example = describeSettings('yaml') ?? '';
  return example.replace(/^( *)#(?=[^ #\n])/gm, '$1');
}

test('the example states nothing as it is, so that copying it changes nothing', (t) => {
  t.is(parse(describeSettings('yaml') ?? ''), null);
});

test('the example, with every setting switched on, is accepted', (t) => {
  const parsed = Settings.safeParse(parse(wholeExample()));

  t.deepEqual(parsed.error?.issues ?? [], []);
});

test('the example shows every kind of input and destination', (t) => {
  const { inputs, destinations } = parse(wholeExample()) as Record<string, Record<string, { kind: string }>>;

  t.true(Object.values(inputs ?? {}).some(({ kind }) => kind === 'dimse-scp'));
  t.deepEqual(
    Object.values(destinations ?? {})
      .map(({ kind }) => kind)
      .sort(),
    ['dimse-scu', 'folder', 's3', 'stow-rs'],
  );
});

test('the reference names every setting of a kind with its default and its bounds', (t) => {
  const page = describeSettings('markdown', 'destinations') ?? '';

  t.regex(page, /kind `dimse-scu`/);
  t.regex(page, /\| `port` \| .+ \| a whole number from 1 to 65535 \| `104` \|/);
  t.regex(page, /\| `host` \| .+ \| text \| \*\*required\*\* \|/);
  t.regex(page, /\| `retry\.give_up_after` \| .+ \| a duration such as 30s, 10m or 7d \| `7d` \|/);
});

test('a path narrows the reference; one that is none gives nothing', (t) => {
  t.notRegex(describeSettings('markdown', 'spool') ?? '', /allow_any_caller/);
  t.regex(describeSettings('markdown', 'log.level') ?? '', /one of trace, debug/);
  t.is(describeSettings('markdown', 'spoool'), undefined);
});

test('the JSON Schema takes a file that states a part, and null to remove', (t) => {
  const schema = JSON.parse(describeSettings('json') ?? '') as Record<string, unknown>;

  t.is(JSON.stringify(schema).includes('"required":'), false);
  t.like(schema, { type: 'object', additionalProperties: false, properties: { log: { type: 'object' } } });
  const { destinations } = schema.properties as Record<
    string,
    { additionalProperties: { anyOf: unknown[] } }
  >;
  t.deepEqual(destinations?.additionalProperties.anyOf.at(-1), { type: 'null' });
});

test('config/default.yaml states what the README and the contract say, and nothing that the schema does not know', (t) => {
  const defaults = parse(
    readFileSync(new URL('../../config/default.yaml', import.meta.url), 'utf8'),
  ) as unknown;

  t.true(Settings.safeParse(defaults).success);
});

test('settingAt() follows the kind that the values state', (t) => {
  const tree = settingTree(Settings);
  const values = { destinations: { a: { kind: 'folder' }, b: { kind: 'dimse-scu' } } };

  t.truthy(settingAt(tree, ['destinations', 'a', 'path'], values));
  t.is(settingAt(tree, ['destinations', 'b', 'path'], values), undefined);
  t.truthy(settingAt(tree, ['destinations', 'b', 'host'], values));
});

test('durations are written in the largest unit that leaves a whole number', (t) => {
  t.is(durationText(7 * 86_400_000), '7d');
  t.is(durationText(90_000), '90s');
  t.is(durationText(1500), '1500ms');
  t.is(durationText(0), '0ms');
});

test('a written duration is read back as the same', (t) => {
  fc.assert(fc.property(fc.nat(10_000_000_000), (ms) => parseDurationMs(durationText(ms)) === ms));
  t.pass();
});

test('codes of errors are read from classes, tables and unions, with what is said about each', (t) => {
  const text = `
/** Why. More. */
export type SomeCode =
  | 'ONE' // The first.
  | 'TWO';
const TABLE = {
  /** The third: it waits. */
  THREE: 'retry',
};
/** The last. PS3.8. */
export class LastError extends GatewayError {
  override readonly code = 'FOUR';
}`;

  t.deepEqual(
    readCodesOf('some/errors.ts', text).map(({ code, folder, meaning }) => [code, folder, meaning]),
    [
      ['ONE', 'some', 'The first.'],
      ['TWO', 'some', 'The last.'],
      ['THREE', 'some', 'The third.'],
      ['FOUR', 'some', 'The last.'],
    ],
  );
  const others = "export type EndCode =\n  | 'FIVE' // The fifth.\n  | 'SIX'; // The sixth.\n";
  t.deepEqual(
    readCodesOf('some/ends.ts', others).map(({ code, meaning }) => [code, meaning]),
    [
      ['FIVE', 'The fifth.'],
      ['SIX', 'The sixth.'],
    ],
  );
  t.deepEqual(readCodesOf('some/other.ts', "const x = { ONE: 'retry' };"), []);
});
