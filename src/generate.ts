/** `npm run generate`: writes every generated file. A test fails when one differs from what is committed. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateExample, generateJsonSchema, generateReference } from './config/describe.ts';
import { generateTags, generateUids } from './dicom/generate-dictionary.ts';

/** Path below the project folder → what the file holds. */
export const generators: Readonly<Record<string, () => string | Promise<string>>> = {
  'src/dicom/tags.generated.ts': generateTags,
  'src/dicom/uids.generated.ts': generateUids,
  'config/slidegate.schema.json': generateJsonSchema,
  'config/slidegate.example.yaml': generateExample,
  'config/REFERENCE.md': generateReference,
};

if (import.meta.main) {
  const projectFolder = join(import.meta.dirname, '..');
  for (const [path, text] of Object.entries(generators))
    await writeFile(join(projectFolder, path), await text());
}
