import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { DataSet, Element } from '../../src/dicom/data-set.ts';
import { attributeByTag } from '../../src/dicom/dictionary.ts';
import { validateInstance } from '../../src/dicom/validator/validator.ts';
import { vrFacts } from '../../src/dicom/vr.ts';
import { sparseSlide } from '../dicom/validator/slide-breaks.ts';
import { part10File, slideDataSet, sourceOf } from '../support/wsi-instance.ts';

/** Of dicom3tools. */
const DCIODVFY = 'dciodvfy';

const TEXT_OF_VR: Readonly<Record<string, string>> = { UI: '1.02.3', IS: '-7', DS: '-7', CS: 'WRONG' };

/** Kinds of damage to one attribute; false when it cannot be done to it. */
const DAMAGES: Readonly<Record<string, (item: DataSet, element: Element) => unknown>> = {
  removed: (item, { tag }) => item.delete(tag),
  emptied: (item, { tag, vr }) => {
    const empty = { text: '', number: [], tag: [], bytes: new Uint8Array(0), items: [] };
    item.set(tag, empty[vrFacts(vr).form], vr);
  },
  changed: (item, { tag, vr, value }) => {
    const { form } = vrFacts(vr);
    if (form === 'text')
      item.set(tag, TEXT_OF_VR[vr] ?? (vr.startsWith('D') || vr === 'TM' ? 'bad' : 'x'.repeat(80)), vr);
    else if (form === 'number') item.set(tag, [999], vr);
    else if (form === 'items')
      item.set(tag, [...(value as readonly DataSet[]), ...(value as readonly DataSet[])], vr);
    else return false;
    return true;
  },
};

/** Tags of the sequences around an attribute, then its own; of the first item of each sequence. */
function placesIn(dataSet: DataSet, around: readonly number[] = []): (readonly number[])[] {
  return [...dataSet].flatMap(({ tag, vr }) => {
    const [item] = vr === 'SQ' ? dataSet.items(tag) : [];
    const place = [...around, tag];
    return item === undefined ? [place] : [place, ...placesIn(item, place)];
  });
}

function itemAt(dataSet: DataSet, place: readonly number[]): DataSet {
  return place.slice(0, -1).reduce((at, tag) => at.items(tag)[0] as DataSet, dataSet);
}

/** Errors of dciodvfy; it also dies of some files, which is no error of theirs. */
async function errorsOfDciodvfy(path: string): Promise<readonly string[]> {
  const child = spawn(DCIODVFY, [path], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  for await (const chunk of child.stderr.setEncoding('latin1')) said += chunk;
  // Let pass: it counts tiles that a sparse slide need not have.
  return said
    .split('\n')
    .filter((line) => line.includes('Error') && !line.includes('for tiled total pixel matrix'));
}

const slides = {
  VOLUME: slideDataSet,
  LABEL: () => slideDataSet({ flavor: 'LABEL' }),
  TILED_SPARSE: sparseSlide,
};

for (const [name, good] of Object.entries(slides)) {
  test(`whatever dciodvfy finds in a broken ${name} slide, so does the validator`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'dciodvfy-'));
    t.teardown(() => rm(folder, { recursive: true }));
    const path = join(folder, 'slide.dcm');
    const check = async (slide: DataSet) => {
      const file = part10File(slide);
      await writeFile(path, file);
      const { findings } = await validateInstance(sourceOf(file));
      const ours = findings.filter(({ severity }) => severity === 'error');
      return { theirs: await errorsOfDciodvfy(path), ours };
    };

    t.deepEqual(await check(good()), { theirs: [], ours: [] });

    let found = 0;
    for (const place of placesIn(good())) {
      for (const [damage, apply] of Object.entries(DAMAGES)) {
        const slide = good();
        const item = itemAt(slide, place);
        if (apply(item, item.get(place.at(-1) as number) as Element) === false) continue;
        const { theirs, ours } = await check(slide);
        const where = place.map((tag) => attributeByTag(tag)?.keyword ?? tag).join('.');
        if (theirs.length > 0) t.true(ours.length > 0, `${where} ${damage}: ${theirs[0]}`);
        found += Math.min(1, theirs.length);
      }
    }
    t.true(found > 150, `${found}`);
  });
}
