import { checkTable, type ElementContext } from './check.ts';
import { shown } from './findings.ts';
import { type ParsedElement, trimPadding, UNDEFINED_LENGTH } from './parsed-data-set.ts';
import { binaryWidths, characterSetVrs, valueSyntax } from './value-syntax.ts';

/** What holds for every element, whatever the IOD. Messages count and describe; they never show a value. */
export const elementChecks = checkTable({
  'value-length-even': {
    severity: 'error',
    rule: 'A value has an even length. PS3.5 7.1.1.',
    element({ lengthBytes }) {
      if (lengthBytes === UNDEFINED_LENGTH || lengthBytes % 2 === 0) return undefined;
      return `has a value of ${lengthBytes} bytes; the length should be even`;
    },
  },
  'value-width': {
    severity: 'error',
    rule: 'A binary value is a whole number of values of its VR. PS3.5 Table 6.2-1.',
    element({ vr, lengthBytes }) {
      const widthBytes = binaryWidths[vr];
      if (widthBytes === undefined || lengthBytes === UNDEFINED_LENGTH || lengthBytes % widthBytes === 0)
        return undefined;
      return `has a value of ${lengthBytes} bytes; ${vr} values take ${widthBytes} each`;
    },
  },
  'vr-known-attribute': {
    severity: 'error',
    rule: 'An attribute of the standard has the VR that PS3.6 gives it.',
    element({ vr }, { attribute, dataSet }) {
      if (attribute === undefined || !dataSet.encoding.explicitVr || vr === 'UN') return undefined;
      if (attribute.vr.split(' or ').includes(vr)) return undefined;
      return `has VR ${vr}; it should have ${attribute.vr}`;
    },
  },
  'vr-unknown-though-standard': {
    severity: 'warning',
    rule: 'VR UN is for attributes whose VR the writer cannot know. PS3.5 6.2.2.',
    element({ vr }, { attribute }) {
      if (vr !== 'UN' || attribute === undefined) return undefined;
      return `has VR UN; it should have ${attribute.vr}`;
    },
  },
  'value-multiplicity': {
    severity: 'error',
    rule: 'An attribute has as many values as PS3.6 gives it.',
    element(element, { attribute, values }) {
      const count = countValues(element, values);
      if (attribute === undefined || count === undefined || count === 0) return undefined;
      if (isMultiplicity(count, attribute.vm)) return undefined;
      return `has ${count} values; it should have ${attribute.vm}`;
    },
  },
  'value-characters-max': {
    severity: 'error',
    rule: 'A value is no longer than its VR allows. PS3.5 Table 6.2-1.',
    element({ vr }, { values }) {
      const charactersMax = valueSyntax[vr]?.charactersMax;
      if (charactersMax === undefined) return undefined;
      const index = values.findIndex((value) => lengthOf(value) > charactersMax);
      if (index < 0) return undefined;
      return `has ${lengthOf(values[index] as string)} characters in value ${index + 1}; ${vr} takes ${charactersMax}`;
    },
  },
  'value-syntax': {
    severity: 'error',
    rule: 'A value is written as its VR asks. PS3.5 Table 6.2-1.',
    element({ vr }, { values }) {
      const syntax = valueSyntax[vr];
      if (syntax === undefined) return undefined;
      const index = values.map(trimForSyntax(vr)).findIndex((value) => !isWritten(value, syntax));
      if (index < 0) return undefined;
      return `has a value ${index + 1} that is not written as ${vr} should be: ${syntax.form}`;
    },
  },
  'value-padding': {
    severity: 'warning',
    rule: 'UI is padded with one NUL, text with spaces. PS3.5 6.2.',
    element({ vr }, { text }) {
      if (text === undefined || text === '') return undefined;
      if (vr === 'UI')
        return / $|\0\0$/.test(text) ? 'is padded with something other than one NUL' : undefined;
      return text.endsWith('\0') ? 'is padded with NUL; it should be with a space' : undefined;
    },
  },
  'character-set-known': {
    severity: 'error',
    rule: 'Specific Character Set has defined terms only. PS3.3 C.12.1.1.2.',
    element({ tag }, { values }) {
      if (tag !== 0x0008_0005) return undefined;
      const unknown = values.map(trimPadding).find((term) => !characterSetTerm.test(term));
      return unknown === undefined ? undefined : `has ${shown(unknown)}, which PS3.3 does not define`;
    },
  },
  'text-decodable': {
    severity: 'error',
    rule: 'Text is in the Specific Character Set. PS3.5 6.1.',
    element({ vr, value }, { text, dataSet }) {
      if (!characterSetVrs.has(vr) || text === undefined) return undefined;
      if (!dataSet.root.has(0x0008_0005) && !dataSet.has(0x0008_0005)) {
        const isAscii = value.every((byte) => byte < 0x80);
        return isAscii
          ? undefined
          : 'has characters beyond ASCII; a Specific Character Set should say of which set';
      }
      return text.includes('\uFFFD')
        ? 'has bytes that are no characters of the Specific Character Set'
        : undefined;
    },
  },
  'group-allowed': {
    severity: 'error',
    rule: 'Groups 0001 to 0007 but for 0004, and FFFF, hold no elements; 0000 and 0002 stand elsewhere. PS3.5 7.1, 7.8.1.',
    element({ tag }, { isFileMeta }) {
      const group = Math.floor(tag / 0x1_0000);
      if (isFileMeta || ![0, 1, 2, 3, 5, 7, 0xffff].includes(group)) return undefined;
      return 'should not be in a data set';
    },
  },
  'private-creator': {
    severity: 'warning',
    rule: 'A private element has its block reserved by a private creator. PS3.5 7.8.1.',
    element({ tag }, { dataSet }) {
      const group = Math.floor(tag / 0x1_0000);
      const element = tag % 0x1_0000;
      if (group % 2 === 0 || group < 9 || element < 0x1000) return undefined;
      return dataSet.has(group * 0x1_0000 + (element >> 8))
        ? undefined
        : 'has no private creator for its block';
    },
  },
  'sequence-vr': {
    severity: 'error',
    rule: 'Encapsulation is for pixel data; everything else has a length or is a sequence. PS3.5 7.1.1, A.4.',
    element({ vr, lengthBytes, items, tag }) {
      if (lengthBytes !== UNDEFINED_LENGTH || items !== undefined || tag === 0x7fe0_0010) return undefined;
      return `has VR ${vr} and no length; it should have one`;
    },
  },
});

const characterSetTerm =
  /^$|^ISO_IR (6|100|101|109|110|144|127|126|138|148|203|13|166|192)$|^ISO 2022 IR (6|100|101|109|110|144|127|126|138|148|203|13|166|87|159|149|58)$|^GB18030$|^GBK$/;

/** DA, TM and the like allow padding behind, UI only NUL; leading spaces are part of what most VRs ignore. */
function trimForSyntax(vr: string): (value: string) => string {
  if (vr === 'UI') return (value) => value.replace(/[ \0]+$/, '');
  if (vr === 'AS' || vr === 'DA' || vr === 'DT' || vr === 'TM' || vr === 'CS') return trimPadding;
  return (value) => value.replace(/[ \0]+$/, '');
}

function isWritten(value: string, syntax: (typeof valueSyntax)[string]): boolean {
  return (syntax.pattern?.test(value) ?? true) && (syntax.isValid?.(value) ?? true);
}

/** In characters, as PS3.5 counts them; padding and, in ISO 2022, escape sequences not counted. */
function lengthOf(value: string): number {
  return [...trimPadding(value)].length;
}

function countValues(
  { vr, lengthBytes, items }: ParsedElement,
  values: readonly string[],
): number | undefined {
  if (items !== undefined) return undefined; // PS3.3 bounds items, not PS3.6.
  const widthBytes = binaryWidths[vr];
  if (widthBytes !== undefined) return vr.startsWith('O') ? undefined : Math.floor(lengthBytes / widthBytes);
  const syntax = valueSyntax[vr];
  if (syntax === undefined) return undefined;
  return values.every((value) => trimPadding(value) === '') && values.length <= 1 ? 0 : values.length;
}

/** Whether a count fits '1', '2-n', '3-3n', '1-8' or '2-2n or 1'. PS3.5 6.4. */
function isMultiplicity(count: number, vm: string): boolean {
  return vm.split(' or ').some((range) => {
    const [, low = '', high = low] = /^(\d+)(?:-(\d*n?))?$/.exec(range) ?? [];
    if (low === '') return true;
    const least = Number(low);
    if (!high.endsWith('n')) return count >= least && count <= Number(high);
    const step = Number(high.slice(0, -1) || '1');
    return count >= least && count % step === 0;
  });
}

export type { ElementContext };
