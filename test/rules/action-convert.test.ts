import test from 'ava';
import { convert } from '../../src/rules/action-convert.ts';

/** Options arrive as text: that is what scalars of a rule file are. */
function optionsOf(options: Readonly<Record<string, unknown>>): unknown {
  const step = convert.plan(convert.options.parse({ to: 'wsi', ...options }));
  return step.step === 'convert' ? step.options : undefined;
}

test('convert passes on the options that are stated, and leaves the others to the conversion', (t) => {
  t.deepEqual(optionsOf({}), {});
  t.deepEqual(
    optionsOf({
      tile: '256',
      quality: '90',
      'spacing-mm': ['0.001', '0.002'],
      'slice-thickness-mm': '0.004',
    }),
    { tile: 256, quality: 90, spacingMm: [0.001, 0.002], sliceThicknessMm: 0.004 },
  );
});

test('convert takes one spacing for both directions', (t) => {
  t.deepEqual(optionsOf({ 'spacing-mm': '5e-4' }), { spacingMm: [0.0005, 0.0005] });
});

test('convert names the attribute that spacing comes from by its keyword', (t) => {
  t.deepEqual(optionsOf({ 'spacing-from': '(0018,1164)' }), { spacingFrom: 'ImagerPixelSpacing' });
});

test('convert says how it loses information', (t) => {
  const lossy = (options: object) => {
    const step = convert.plan(convert.options.parse({ to: 'wsi', ...options }));
    return step.step === 'convert' && step.lossy;
  };

  t.is(lossy({ quality: '90' }), 'lossy JPEG 90');
  t.is(lossy({}), 'lossy JPEG');
});

test('convert refuses tiles that JPEG has no blocks for, and spacings that no image has', (t) => {
  for (const tile of ['100', '0', '48', '8192', '512.5', 'big']) {
    t.false(convert.options.safeParse({ to: 'wsi', tile }).success, tile);
  }
  for (const spacing of ['0', '-1', '1000', '', 'one', ['1', '2', '3'], []]) {
    t.false(convert.options.safeParse({ to: 'wsi', 'spacing-mm': spacing }).success, String(spacing));
  }
});
