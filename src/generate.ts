/** `npm run generate`: writes every generated file. CI fails when the result differs from what is committed. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateTags, generateUids } from './dicom/generate-dictionary.ts';

/** Path below the project folder → what the file holds. */
const generators: Readonly<Record<string, () => string>> = {
  'src/dicom/tags.generated.ts': generateTags,
  'src/dicom/uids.generated.ts': generateUids,
};

const projectFolder = join(import.meta.dirname, '..');
for (const [path, text] of Object.entries(generators)) await writeFile(join(projectFolder, path), text());
